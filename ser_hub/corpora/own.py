"""Corpora of one's own: a folder per class, or a CSV or JSON manifest.

    folder:    DIR/angry/clip.wav                  no speakers known
               DIR/angry/mary/clip.wav             speaker mary
    manifest:  a .csv, .json (a list) or .jsonl file of records with path, label, speaker and, where known, gender,
               sentence and intensity; paths are relative to the file

Class names are the user's. Those that name a harmonised emotion (or a usual spelling of it) come first, in its order;
the others follow by alphabet and count as emotions of their own.
"""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from ser_hub.corpora.base import Corpus, Row, find_clips, harmonised, rank, to_rows
from ser_hub.errors import InputError

REQUIRED = ("path", "label", "speaker")
OPTIONAL = ("gender", "sentence", "intensity")
EMPTY = (None, "")


@dataclass(frozen=True)
class FolderCorpus(Corpus):
    """A folder per class."""

    def load(self, data_dir: str | Path) -> Dataset:
        """Read every clip below the class folders, sorted by clip id.

        Raises:
            InputError: The folder is missing, holds no clip, or a clip lies in no class folder.
        """
        paths = find_clips(data_dir)
        root = Path(data_dir).expanduser().absolute()
        return _rows(self, [self.parse(str(path.relative_to(root))) | {"path": str(path)} for path in paths])


def parse(path: str) -> Row:
    """Parse a clip's path below the corpus's folder, `angry/clip.wav` or `angry/mary/clip.wav`, to its row.

    Raises:
        InputError: The clip lies in no class folder.
    """
    parts = Path(path).with_suffix("").parts
    if len(parts) < 2:
        raise InputError(
            f"{path} lies in no class folder; the corpus 'folder' wants one folder per class, as angry/clip.wav"
        )
    return {
        "label": parts[0],
        "speaker": f"folder-{parts[1]}" if len(parts) > 2 else None,
        "gender": None,
        "sentence": None,
        "intensity": None,
        "corpus": "folder",
        "clip_id": "/".join(("folder", *parts)),
    }


@dataclass(frozen=True)
class ManifestCorpus(Corpus):
    """A list of clips in a file."""

    def load(self, data_dir: str | Path) -> Dataset:
        """Read the clips that the manifest file lists, sorted by clip id.

        Raises:
            InputError: The file is missing or no such list, a record lacks a field, or a clip is not there.
        """
        manifest = Path(data_dir).expanduser().absolute()
        rows = []
        for number, record in enumerate(_records(manifest), start=1):
            empty = [name for name in ("path", "label") if record.get(name) in EMPTY]  # a speaker may be unknown
            if missing := [name for name in REQUIRED if name not in record or name in empty]:
                raise InputError(
                    f"{manifest}, record {number}: {', '.join(missing)} is missing; "
                    f"every record has {', '.join(REQUIRED)}"
                )
            path = manifest.parent / str(record["path"])
            if not path.is_file():
                raise InputError(
                    f"{manifest}, record {number}: {path} does not exist; paths are relative to the manifest"
                )
            rows.append(
                {
                    "path": str(path),
                    "label": str(record["label"]),
                    "speaker": None if record["speaker"] in EMPTY else f"manifest-{record['speaker']}",
                    **{name: None if (value := record.get(name)) in EMPTY else str(value) for name in OPTIONAL},
                    "corpus": "manifest",
                    "clip_id": f"manifest/{Path(record['path']).with_suffix('').as_posix()}",
                }
            )
        if not rows:
            raise InputError(f"{manifest} lists no clip; every record has {', '.join(REQUIRED)}")
        return _rows(self, rows)


def _records(manifest: Path) -> Iterable[dict[str, Any]]:
    if manifest.is_dir():
        raise InputError(f"{manifest} is a folder; the corpus 'manifest' wants a .csv, .json or .jsonl file")
    try:
        text = manifest.read_text(encoding="utf-8-sig")
        if manifest.suffix == ".csv":
            records = list(csv.DictReader(text.splitlines()))
        elif manifest.suffix == ".json":
            records = json.loads(text)
        elif manifest.suffix == ".jsonl":
            records = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            raise InputError(f"{manifest} is no manifest; the corpus 'manifest' wants a .csv, .json or .jsonl file")
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise InputError(f"{manifest} cannot be read as a manifest ({error}); write it as UTF-8 CSV or JSON") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{manifest} is no list of records; every record has {', '.join(REQUIRED)}")
    return records


def _rows(corpus: Corpus, parsed: list[dict[str, Any]]) -> Dataset:
    by_id: dict[str, dict[str, Any]] = {}
    for row in parsed:
        if (other := by_id.setdefault(row["clip_id"], row)) is not row:
            raise InputError(f"{other['path']} and {row['path']} have the same name; rename or remove one of the two")
    labels = sorted({row["label"] for row in parsed}, key=lambda label: (rank(harmonised(label)), label))
    rows = Dataset.from_list([by_id[clip_id] for clip_id in sorted(by_id)])
    return to_rows(rows, {label: harmonised(label) for label in labels}, corpus.title)


_OWN: dict[str, Any] = {
    "classes": {},
    "parse": parse,
    "sampling_rate": 0,
    "clips": 0,
    "speakers": 0,
    "licence": "as its owner says",
    "url": "",
    "citation": "",
}
FOLDER = FolderCorpus(name="folder", title="A folder per class", **_OWN)
MANIFEST = ManifestCorpus(name="manifest", title="A list of clips", **_OWN)
