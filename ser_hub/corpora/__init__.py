"""Speech emotion corpora as `datasets.Dataset` rows of one contract: `load_corpus("ravdess", data_dir=...)`."""

import logging
from collections.abc import Mapping
from pathlib import Path

from datasets import Dataset, IterableDataset

from ser_hub.cache import cache_dir
from ser_hub.corpora import repository
from ser_hub.corpora.base import Corpus
from ser_hub.corpora.crema_d import CREMA_D
from ser_hub.corpora.emodb import EMODB
from ser_hub.corpora.mixture import Classes, by_corpus, mix
from ser_hub.corpora.own import FOLDER, MANIFEST
from ser_hub.corpora.ravdess import SONG, SPEECH
from ser_hub.corpora.savee import SAVEE
from ser_hub.corpora.shemo import SHEMO
from ser_hub.corpora.synthesis import synthesise
from ser_hub.corpora.synthetic import SYNTHETIC
from ser_hub.corpora.tess import TESS
from ser_hub.emotions import EMOTIONS
from ser_hub.errors import InputError

log = logging.getLogger(__name__)

DataDir = str | Path | Mapping[str, str]
"""A folder; for a mixture, the folder of each corpus by its name, or `name=FOLDER,name=FOLDER`."""

CORPORA = {
    corpus.name: corpus
    for corpus in (
        SPEECH,
        SONG,
        EMODB,
        SHEMO,
        CREMA_D,
        TESS,
        SAVEE,
        FOLDER,
        MANIFEST,
        SYNTHETIC,
    )
}
"""Every corpus by its name; adding one is one line here."""


def get_corpus(name: str) -> Corpus:
    """Return the corpus of that name.

    Raises:
        InputError: There is none; the message lists those that there are.
    """
    if name not in CORPORA:
        raise InputError(f"there is no corpus '{name}'; known are {', '.join(CORPORA)}")
    return CORPORA[name]


def load_corpus(
    name: str, data_dir: DataDir | None = None, *, classes: Classes = "union", merge_calm: bool = False
) -> Dataset:
    """Load a corpus, or several as one, as a `datasets.Dataset`.

    Args:
        name: A key of `CORPORA`; several joined by `+`, as `ravdess+emodb`, under harmonised classes; or the
            repository of an exported corpus on the Hub, as `org/ravdess`.
        data_dir: Folder that holds its clips (of `manifest`, the list itself), or that `ser-hub corpus export` wrote.
            For a mixture, each corpus's folder by its name, or `ravdess=FOLDER,emodb=FOLDER`, or the one folder that
            the mixture was exported to. The synthetic corpus needs none: it is made, once, in the cache.
        classes: Which classes a mixture has: the "union" of its corpora's, or only the "shared" ones.
        merge_calm: Whether calm counts as neutral; classes are then the harmonised ones.

    Returns:
        One row per clip, sorted by clip id: `audio` (undecoded; `ser_hub.audio.decode` reads it), `label`
        (`ClassLabel`), `emotion` (one of `EMOTIONS`), `speaker`, `gender`, `sentence`, `intensity`, `corpus` and
        `clip_id`. What the classes mean stands in `rows.info.description`.

    Raises:
        InputError: There is no such corpus, or its folder cannot be used.
    """
    names = name.split("+")
    if len(set(names)) < len(names):
        raise InputError(f"'{name}' names a corpus twice; name each once")
    if isinstance(data_dir, str | Path) and repository.is_exported(data_dir):
        names = [name]  # an exported mixture lies in one folder
    folders = _folders(names, data_dir)
    parts = {one: _load(one, folders.get(one)) for one in names}
    if len(parts) == 1:
        whole = parts[name]
        if classes == "union" and not merge_calm:
            return whole
        parts = by_corpus(whole)
        if len(parts) == 1 and not merge_calm:
            return whole
    rows = mix(parts, classes, merge_calm=merge_calm)
    log.info("%s", rows.info.description)
    return rows


def stream_corpus(name: str, data_dir: str | Path | None = None) -> IterableDataset:
    """Load an exported corpus clip by clip, without reading it whole.

    Args:
        name: Repository on the Hub, as `org/ravdess`, or a key of `CORPORA` where `data_dir` is given.
        data_dir: Folder that `ser-hub corpus export` wrote.

    Returns:
        The rows that `load_corpus` gives.

    Raises:
        InputError: There is no such repository, or the folder is no exported corpus.
    """
    if data_dir is None and "/" not in name:
        get_corpus(name)
        raise InputError(f"only an exported corpus streams; give '{name}' a data_dir, or a repository as org/{name}")
    return repository.read(data_dir or name, streaming=True)


def _load(name: str, data_dir: str | Path | None) -> Dataset:
    if "/" in name and data_dir is None:
        return repository.read(name)
    if data_dir is not None and repository.is_exported(data_dir):
        return _exported(name, data_dir)
    corpus = get_corpus(name)
    if data_dir is None:
        if corpus is not SYNTHETIC:
            where = f"get it from {corpus.url} and give" if corpus.url else "give"
            raise InputError(f"the corpus '{name}' is not part of ser_hub; {where} data_dir")
        data_dir = synthesise(cache_dir("synthetic"))
    return corpus.load(data_dir)


def _exported(name: str, data_dir: str | Path) -> Dataset:
    """Read an export of exactly the corpora that `name` joins, in whatever order."""
    rows = repository.read(data_dir)
    held = dict.fromkeys(rows["corpus"])
    if set(held) != set(name.split("+")):
        raise InputError(f"{data_dir} holds an export of {'+'.join(held)}, not of '{name}'; name what it holds")
    return rows


def _folders(names: list[str], data_dir: DataDir | None) -> Mapping[str, str | Path]:
    """Return each corpus's folder, where one is given."""
    if data_dir is None:
        return {}
    if isinstance(data_dir, str) and "=" in data_dir and not Path(data_dir).exists():
        pairs = [pair.partition("=") for pair in data_dir.split(",")]
        data_dir = {name.strip(): folder.strip() for name, _, folder in pairs}
    if not isinstance(data_dir, Mapping):
        if len(names) > 1:
            raise InputError(
                f"a mixture needs the folder of each of its corpora; give {','.join(f'{one}=FOLDER' for one in names)}"
            )
        return {names[0]: data_dir}
    if unknown := sorted(set(data_dir) - set(names)):
        raise InputError(f"a folder is given for {', '.join(unknown)}, which is not among {', '.join(names)}")
    return data_dir


__all__ = ["CORPORA", "EMOTIONS", "Corpus", "get_corpus", "load_corpus", "stream_corpus"]
