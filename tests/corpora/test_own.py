import json

import pytest

from ser_hub import load_corpus
from ser_hub.errors import InputError
from ser_hub.protocols import get_protocol

from .clips import write


def test_folder_per_class(tmp_path):
    write(tmp_path, "anger/mary/a.wav", "anger/john/a.wav", "happy/b.wav", "puzzled/c.flac", "bliss/x/deep/d.wav")
    rows = load_corpus("folder", tmp_path)
    # Emotions that ser_hub knows come first, in its order; the others by alphabet.
    assert rows.features["label"].names == ["happy", "anger", "bliss", "puzzled"]
    by_id = {row["clip_id"]: row for row in rows}
    assert by_id["folder/anger/mary/a"]["emotion"] == "angry"
    assert by_id["folder/anger/mary/a"]["speaker"] == "folder-mary"
    assert by_id["folder/bliss/x/deep/d"]["speaker"] == "folder-x"
    assert by_id["folder/puzzled/c"]["speaker"] is None and by_id["folder/puzzled/c"]["emotion"] == "puzzled"


def test_folder_refusals(tmp_path):
    write(tmp_path, "loose.wav", "angry/a.wav")
    with pytest.raises(InputError, match="loose.wav lies in no class folder"):
        load_corpus("folder", tmp_path)
    (tmp_path / "loose.wav").unlink()
    write(tmp_path, "angry/a.flac")
    with pytest.raises(InputError, match="have the same name"):
        load_corpus("folder", tmp_path)


RECORDS = [
    {"path": "wav/1.wav", "label": "sad", "speaker": "mary", "gender": "female", "sentence": "Hello"},
    {"path": "wav/2.wav", "label": "neutral", "speaker": "", "gender": "", "sentence": ""},
]


def as_csv(records):
    names = list(RECORDS[0])
    return "\ufeff" + "\n".join([",".join(names), *(",".join(record.get(n, "") for n in names) for record in records)])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", as_csv(RECORDS)),
        ("list.json", json.dumps(RECORDS)),
        ("list.jsonl", "\n".join(json.dumps(record) for record in RECORDS) + "\n"),
    ],
)
def test_manifest(tmp_path, name, text):
    write(tmp_path, "wav/1.wav", "wav/2.wav")
    (tmp_path / name).write_text(text, encoding="utf-8")
    rows = load_corpus("manifest", tmp_path / name)
    assert rows.features["label"].names == ["neutral", "sad"]
    first, second = rows
    assert (first["clip_id"], first["speaker"], first["gender"], first["sentence"]) == (
        "manifest/wav/1",
        "manifest-mary",
        "female",
        "Hello",
    )
    assert second["speaker"] is second["gender"] is second["sentence"] is None


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("a.csv", "path,label\nx.wav,sad\n", "record 1: speaker is missing"),
        ("a.csv", "path,label,speaker\nx.wav,sad,me\n", "x.wav does not exist"),
        ("a.csv", "path,label,speaker\n", "lists no clip"),
        ("a.csv", "path,label,speaker\nx.wav,,me\n", "record 1: label is missing"),
        ("a.csv", "path,label,speaker\nx.wav\n", "record 1: label is missing"),
        ("a.json", '[{"path": "x.wav", "label": null, "speaker": "me"}]', "record 1: label is missing"),
        ("a.json", "{", "cannot be read as a manifest"),
        ("a.json", "{}", "is no list of records"),
        ("a.txt", "", "wants a .csv, .json or .jsonl"),
    ],
)
def test_manifest_refusals(tmp_path, name, text, rule):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=rule):
        load_corpus("manifest", tmp_path / name)


def test_a_manifest_of_numbers(tmp_path):
    write(tmp_path, "1.wav", "2.wav")
    records = [
        {"path": "1.wav", "label": 0, "speaker": 0, "intensity": 1},
        {"path": "2.wav", "label": 1, "speaker": 1, "intensity": "high"},
    ]
    (tmp_path / "a.json").write_text(json.dumps(records))
    rows = load_corpus("manifest", tmp_path / "a.json")
    assert rows.features["label"].names == ["0", "1"] and rows["intensity"][:] == ["1", "high"]
    assert rows["speaker"][:] == ["manifest-0", "manifest-1"]


def test_a_corpus_is_not_mixed_with_itself():
    with pytest.raises(InputError, match="names a corpus twice"):
        load_corpus("folder+folder", "folder=.")


def test_manifest_that_is_a_folder_or_missing(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        load_corpus("manifest", tmp_path)
    with pytest.raises(InputError, match="cannot be read as a manifest"):
        load_corpus("manifest", tmp_path / "gone.csv")


def test_clips_without_speakers_cannot_be_split_by_speaker(tmp_path):
    rows = load_corpus(
        "folder", write(tmp_path, *(f"{label}/{n}.wav" for label in ("sad", "happy") for n in range(10)))
    )
    with pytest.raises(InputError, match="20 clips have none"):
        get_protocol("speaker-holdout").manifest(rows)
    assert len(get_protocol("clip-holdout").manifest(rows).folds[0].test) == 4
