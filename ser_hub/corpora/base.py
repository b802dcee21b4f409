"""What every corpus gives: rows of one contract, made by a pure parser of its file names."""

import filecmp
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
from datasets import Audio, ClassLabel, Dataset, Features, Value

from ser_hub import audio
from ser_hub.emotions import EMOTIONS
from ser_hub.errors import InputError

SYNONYMS = {
    "anger": "angry",
    "happiness": "happy",
    "sadness": "sad",
    "fear": "fearful",
    "surprise": "surprised",
    "boredom": "bored",
    "disgusted": "disgust",
}
"""Other spellings of the harmonised names."""

Row = dict[str, Any]


def harmonised(label: str) -> str:
    """Return the harmonised emotion of a class name; a name that is none of them stands for itself, in lower case."""
    name = label.lower()
    return SYNONYMS.get(name, name)


def rank(emotion: str) -> tuple[int, str]:
    """Sort key of an emotion: the harmonised ones in their order, then others by alphabet."""
    return (EMOTIONS.index(emotion) if emotion in EMOTIONS else len(EMOTIONS), emotion)


def misnamed(path: str, corpus: str, grammar: str) -> InputError:
    """Return the error for a clip whose name is not of its corpus's grammar."""
    return InputError(
        f"{path} is not named as {corpus} names its clips ({grammar}); rename it or move it out of the folder"
    )


def check_codes(path: str, corpus: str, codes: Mapping[str, tuple[str, Iterable[str]]]) -> None:
    """Refuse a name whose fields hold a code that its corpus does not know.

    Args:
        path: The clip.
        corpus: Name of the corpus, for the message.
        codes: For each field of the name, its code in this clip and those that there are.

    Raises:
        InputError: A code is unknown; the message names the file, the field and the known codes.
    """
    for field, (code, known) in codes.items():
        if code not in list(known):
            raise InputError(
                f"{path} has {field} {code}, but {corpus}'s {field} is one of {', '.join(known)}; "
                f"rename it or move it out of the folder"
            )


@dataclass(frozen=True)
class Archive:
    """A ZIP file that a corpus's makers publish.

    Attributes:
        url: Where it lies.
        md5: Its MD5 as its makers publish it (hexadecimal).
    """

    url: str
    md5: str


@dataclass(frozen=True)
class Corpus:
    """One corpus: what it is, and how a file name becomes a row.

    Attributes:
        name: Its name here, as `load_corpus` takes it; also the prefix of its speakers and clip ids.
        title: Its published name.
        classes: Its own class names in their fixed order, each with its harmonised emotion.
        parse: Pure function from a clip's path to its row without `audio`: `label` (one of `classes`), `speaker`,
            `gender`, `sentence`, `intensity`, `corpus` and `clip_id`. Raises InputError naming the file and the rule.
        sampling_rate: Published sampling rate in Hz.
        clips: Published number of clips.
        speakers: Published number of speakers.
        licence: Licence of the recordings.
        url: Where its makers publish it.
        citation: Reference of the paper that describes it.
        inventory: Clip ids of every published clip, where the file names follow from a rule.
        archives: What its makers let anybody download.
    """

    name: str
    title: str
    classes: Mapping[str, str]
    parse: Callable[[str], Row]
    sampling_rate: int
    clips: int
    speakers: int
    licence: str
    url: str
    citation: str
    inventory: frozenset[str] = frozenset()
    archives: tuple[Archive, ...] = ()

    def load(self, data_dir: str | Path) -> Dataset:
        """Read the corpus from a folder tree of clips, in whatever layout, sorted by clip id.

        Args:
            data_dir: Folder that holds the clips, at any depth. A clip that stands twice with the same content (as
                popular archives nest a second copy of the tree) counts once.

        Returns:
            One row per clip, by the row contract.

        Raises:
            InputError: The folder is missing or holds no clip of this corpus, a name breaks the corpus's grammar, or
                one clip stands twice with different content.
        """
        paths = find_clips(data_dir)
        rows = Dataset.from_dict({"path": [str(path) for path in paths]}).map(
            lambda path: self.parse(path), input_columns="path"
        )
        mine = [index for index, corpus in enumerate(rows["corpus"]) if corpus == self.name]
        if not mine:
            others = ", ".join(sorted(set(rows["corpus"])))
            raise InputError(
                f"{data_dir} holds no clip of the corpus '{self.name}', only of {others}; name that corpus"
            )
        return to_rows(rows.select(_first_copies(mine, rows["clip_id"], rows["path"])), self.classes, self.title)


def features_of(class_names: Iterable[str]) -> Features:
    """Return the columns of the row contract for these classes."""
    texts = ("emotion", "speaker", "gender", "sentence", "intensity", "corpus", "clip_id")
    return Features(
        {
            # Decoding is ser_hub.audio's: the decoder that datasets brings is linked to one build of torch.
            "audio": Audio(decode=False),
            "label": ClassLabel(names=list(class_names)),
            **{name: Value("string") for name in texts},
        }
    )


def to_rows(parsed: Dataset, classes: Mapping[str, str], description: str) -> Dataset:
    """Turn parsed rows with a column `path` into rows of the contract.

    Args:
        parsed: A parser's columns and `path`; `label` is one of the classes.
        classes: Class names in their order, each with its harmonised emotion.
        description: What the rows are; it stays with them as `rows.info.description`.
    """
    features = features_of(classes)
    columns = {name: parsed[name] for name in features if name in parsed.column_names}
    columns["audio"] = [{"bytes": None, "path": path} for path in parsed["path"]]
    columns["emotion"] = [classes[label] for label in parsed["label"]]
    # Cast, and not built with these features: that would ask torchcodec to encode the audio, which is only a path.
    rows = Dataset.from_dict({name: columns[name] for name in features}).cast(features)
    rows.info.description = description
    return rows


def find_clips(data_dir: str | Path) -> list[Path]:
    """Return every audio file below a folder, sorted; hidden files (as `._03-01...wav` in archives) are not clips.

    Raises:
        InputError: There is no such folder, or no audio file in it.
    """
    folder = Path(data_dir).expanduser().absolute()  # rows outlive a change of the working directory
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that holds the corpus")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in audio.EXTENSIONS and not path.name.startswith(".") and path.is_file()
    )
    if not paths:
        kinds = ", ".join(audio.EXTENSIONS)
        raise InputError(f"{folder} holds no clip ({kinds}); give the folder that holds the corpus")
    return paths


def _first_copies(indices: Iterable[int], clip_ids: Sequence[str], paths: Sequence[str]) -> list[int]:
    """Return, of the rows at `indices`, the index of each clip's first file, in the order of the clip ids."""
    first: dict[str, int] = {}
    for index in indices:
        kept = first.setdefault(clip_ids[index], index)
        if kept != index and not filecmp.cmp(paths[kept], paths[index], shallow=False):
            raise InputError(
                f"{paths[kept]} and {paths[index]} name the same clip but differ in content; keep one of the two"
            )
    return [first[clip_id] for clip_id in sorted(first)]


def content_hashes(rows: Dataset) -> list[str]:
    """Return the SHA-256 of each clip's file content, in the order of the rows."""
    with ThreadPoolExecutor() as pool:  # reading and hashing both release the GIL
        return list(pool.map(audio.content_hash, rows["audio"]))


def corpus_hash(clip_ids: Iterable[str], hashes: Iterable[str]) -> str:
    """Return one SHA-256 for the corpus as it lies on disk: which clips, with which content, in any order."""
    lines = sorted(f"{clip_id} {digest}" for clip_id, digest in zip(clip_ids, hashes, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def duration(source: audio.AudioSource) -> float:
    """Return a clip's length in seconds, from its header.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        return float(soundfile.info(audio.open_source(source)).duration)
    except soundfile.SoundFileError:
        samples, rate = audio.decode(source)  # says in one sentence what is wrong
        return len(samples) / rate
