"""Corpora as dataset repositories: written, read without ser_hub, pushed and streamed back."""

import json

import pytest
import yaml
from datasets import ClassLabel, load_dataset

from ser_hub import load_corpus
from ser_hub.corpora import stream_corpus
from ser_hub.corpora.base import content_hashes
from ser_hub.errors import InputError
from ser_hub.hub import corpora
from ser_hub.hub.corpora import export_corpus

from .conftest import CLI

READ_WITHOUT_SER_HUB = """
import json, sys
from datasets import load_dataset
streaming = sys.argv[2] == "streaming"
rows = load_dataset(sys.argv[1], split="train", streaming=streaming)
first, *_ = rows  # all of it: a stream that is left half-read takes the interpreter down at its exit, now and then
first["audio"] = [first["audio"]["path"], len(first["audio"]["bytes"])]
assert not any(name.split(".")[0] == "ser_hub" for name in sys.modules)
print(json.dumps({"names": rows.features["label"].names, "first": first}))
"""

LOAD_BY_NAME = """
import sys
from ser_hub import load_corpus
from ser_hub.corpora import stream_corpus
rows = load_corpus(sys.argv[1])
assert [row["clip_id"] for row in stream_corpus(sys.argv[1])] == rows["clip_id"][:]
print(len(rows), rows.features["label"].names[3], len(rows[0]["audio"]["bytes"]))
"""


@pytest.fixture(scope="module")
def repository(corpus_dir, tmp_path_factory):
    return export_corpus("synthetic", tmp_path_factory.mktemp("export") / "synthetic", corpus_dir)


@pytest.mark.parametrize("way", ["whole", "streaming"])
def test_read_by_a_process_that_never_imports_ser_hub(repository, corpus_dir, client, way):
    rows = load_corpus("synthetic", corpus_dir)
    read = json.loads(client(READ_WITHOUT_SER_HUB, repository, way))
    assert read["names"] == rows.features["label"].names
    path = rows[0]["audio"]["path"]
    expected = rows.remove_columns("audio")[0] | {"audio": [path.split("/")[-1], len(open(path, "rb").read())]}
    assert read["first"] == expected


def test_reads_back_the_same_rows(repository, corpus_dir):
    rows, read = load_corpus("synthetic", corpus_dir), load_corpus("synthetic", repository)
    assert read.features == rows.features
    assert read.info.description == rows.info.description != ""
    assert read.remove_columns("audio").to_list() == rows.remove_columns("audio").to_list()
    assert content_hashes(read) == content_hashes(rows)
    assert [row["clip_id"] for row in stream_corpus("synthetic", repository)] == rows["clip_id"][:]


def test_card(repository):
    _, head, text = (repository / "README.md").read_text().split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert metadata["task_categories"] == ["audio-classification"]
    (label,) = [f for f in metadata["dataset_info"]["features"] if f["name"] == "label"]
    assert list(label["dtype"]["class_label"]["names"].values())[:2] == ["neutral", "calm"]
    assert "96 clips" in text and "6 speakers" in text and "| angry | angry | 12 | 6 |" in text
    assert metadata["license"] == "apache-2.0" and "license_name" not in metadata
    assert (repository / "statistics.png").read_bytes().startswith(b"\x89PNG")


def test_a_mixture_keeps_its_label_map(repository, corpus_dir, tmp_path):
    folder = export_corpus("synthetic+folder", tmp_path / "both", {"synthetic": corpus_dir, "folder": own(tmp_path)})
    names = load_dataset(str(folder), split="train").features["label"]
    assert names == ClassLabel(names=[*load_corpus("synthetic", corpus_dir).features["label"].names, "puzzled"])
    text = (folder / "README.md").read_text()
    assert "harmonised label map, version 1" in text
    metadata = yaml.safe_load(text.split("---\n", 2)[1])
    assert metadata["license"] == "other" and "Apache-2.0 (" in metadata["license_name"]
    rows = load_corpus("synthetic+folder", {"synthetic": corpus_dir, "folder": tmp_path / "own"})
    assert json.loads((folder / "label_map.json").read_text()) == {"description": rows.info.description}
    assert load_dataset(str(folder), split="train").num_rows == len(rows)  # the Parquet files, and nothing beside them


def test_speakers_whom_nobody_named_are_not_counted(tmp_path):
    clips = own(tmp_path)
    (clips / "puzzled" / "me").rename(tmp_path / "me")
    (tmp_path / "me" / "a.wav").rename(clips / "puzzled" / "a.wav")
    text = (export_corpus("folder", tmp_path / "hub", clips) / "README.md").read_text()
    assert "1 clips" in text and "speakers unknown" in text and "| puzzled | puzzled | 1 | 0 |" in text


def test_several_files_hold_every_clip_once(corpus_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "SHARD_BYTES", 10_000_000)
    rows = load_corpus("synthetic", corpus_dir)
    folder = export_corpus("synthetic", tmp_path / "hub", corpus_dir)
    size = sum(len(open(source["path"], "rb").read()) for source in rows["audio"])
    count = -(-size // 10_000_000)
    names = [f"train-{index:05d}-of-{count:05d}.parquet" for index in range(count)]
    assert count > 1 and sorted(path.name for path in folder.glob("data/*")) == names
    assert load_dataset(str(folder), split="train")["clip_id"][:] == rows["clip_id"][:]


def own(tmp_path):
    import numpy as np
    import soundfile

    path = tmp_path / "own" / "puzzled" / "me" / "a.wav"
    path.parent.mkdir(parents=True)
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 4_800), 48_000)
    return tmp_path / "own"


def test_refusals(repository, corpus_dir, tmp_path, refused):
    assert "exists already" in refused("corpus", "export", "synthetic", repository, "--data-dir", corpus_dir)
    assert "holds an export of synthetic" in refused("corpus", "show", "ravdess", "--data-dir", repository)
    assert "holds no README.md" in refused("corpus", "push", tmp_path, "org/x")
    with pytest.raises(InputError, match="only an exported corpus streams"):
        stream_corpus("ravdess")


def test_push_and_load_by_name(repository, hub, client):
    listing = client(CLI, "corpus", "push", repository, "org/synthetic", "--dry-run")
    assert "README.md" in listing and "statistics.png" in listing and hub.repositories == {}
    assert "/commit/" in client(CLI, "corpus", "push", repository, "org/synthetic", "--private")
    files = hub.repositories["dataset", "org/synthetic"]["main"]
    assert set(files) == {path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file()}
    assert hub.private == {"org/synthetic"}
    path = load_corpus("synthetic", repository)[0]
    assert client(LOAD_BY_NAME, "org/synthetic").split() == ["96", "sad", str(len(path["audio"]["bytes"]))]
    assert "cannot be read" in client(CLI, "corpus", "show", "org/nothing", status=2)
