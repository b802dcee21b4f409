"""Speech emotion corpora as `datasets.Dataset` rows of one contract: `load_corpus("ravdess", data_dir=...)`."""

from pathlib import Path

from datasets import Dataset

from ser_hub.cache import cache_dir
from ser_hub.corpora import ravdess
from ser_hub.corpora.base import EMOTIONS, Corpus
from ser_hub.corpora.synthesis import synthesise
from ser_hub.corpora.synthetic import SYNTHETIC
from ser_hub.errors import InputError

CORPORA = {
    corpus.name: corpus
    for corpus in (
        ravdess.SPEECH,
        ravdess.SONG,
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


def load_corpus(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Load a corpus as a `datasets.Dataset`.

    Args:
        name: A key of `CORPORA`.
        data_dir: Folder that holds its clips. The synthetic corpus needs none: it is made, once, in the cache.

    Returns:
        One row per clip, sorted by clip id: `audio` (undecoded; `ser_hub.audio.decode` reads it), `label`
        (`ClassLabel`), `emotion` (one of `EMOTIONS`), `speaker`, `gender`, `sentence`, `intensity`, `corpus` and
        `clip_id`.

    Raises:
        InputError: There is no such corpus, or its folder cannot be used.
    """
    corpus = get_corpus(name)
    if data_dir is None:
        if corpus is not SYNTHETIC:
            raise InputError(f"the corpus '{name}' is not part of ser_hub; get it from {corpus.url} and give data_dir")
        data_dir = synthesise(cache_dir("synthetic"))
    return corpus.load(data_dir)


__all__ = ["CORPORA", "EMOTIONS", "Corpus", "get_corpus", "load_corpus"]
