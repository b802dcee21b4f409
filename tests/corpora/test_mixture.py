import json
from collections import Counter

import pytest

from ser_hub import load_corpus
from ser_hub.corpora import stream_corpus
from ser_hub.corpora.base import content_hashes
from ser_hub.errors import InputError
from ser_hub.hub.corpora import export_corpus

from ..hub.conftest import client, hub  # noqa: F401
from .clips import write


@pytest.fixture
def folders(tmp_path):
    ravdess = (f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav" for emotion in range(1, 9) for actor in (1, 2))
    write(tmp_path / "r", *ravdess)
    write(tmp_path / "e", *(f"{speaker}a01{emotion}a.wav" for emotion in "WLEAFTN" for speaker in ("03", "08")))
    return {"ravdess": str(tmp_path / "r"), "emodb": str(tmp_path / "e")}


def test_union(folders):
    rows = load_corpus("ravdess+emodb", folders)
    assert rows.features["label"].names == [
        "neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised", "bored",
    ]  # fmt: skip
    assert Counter(rows["corpus"]) == {"ravdess": 16, "emodb": 14}
    for row in rows:
        assert rows.features["label"].int2str(row["label"]) == row["emotion"]
    by_id = {row["clip_id"]: row["emotion"] for row in rows}
    assert by_id["emodb/03a01Fa"] == "happy" and by_id["ravdess/03-01-03-01-01-01-01"] == "happy"


def test_shared_classes_say_what_was_dropped(folders):
    rows = load_corpus("ravdess+emodb", folders, classes="shared")
    assert rows.features["label"].names == ["neutral", "happy", "sad", "angry", "fearful", "disgust"]
    assert Counter(rows["corpus"]) == {"ravdess": 12, "emodb": 12}
    text = rows.info.description
    assert "version 1" in text
    assert "ravdess: calm > dropped, surprised > dropped; 4 clips dropped" in text
    assert "boredom > dropped" in text and "happiness > happy" in text and "2 clips dropped" in text


def test_calm_is_merged_only_when_asked(folders):
    rows = load_corpus("ravdess+emodb", folders, classes="shared", merge_calm=True)
    assert Counter(rows["emotion"])["neutral"] == 6
    assert "ravdess: calm > neutral, surprised > dropped; 2 clips dropped" in rows.info.description
    alone = load_corpus("ravdess", folders["ravdess"], merge_calm=True)
    assert alone.features["label"].names == ["neutral", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
    assert len(alone) == 16


def test_folders_in_one_argument(folders):
    one = ",".join(f"{name}={folder}" for name, folder in folders.items())
    assert load_corpus("ravdess+emodb", one)["clip_id"][:] == load_corpus("ravdess+emodb", folders)["clip_id"][:]


def test_refusals(folders, tmp_path):
    with pytest.raises(InputError, match="give ravdess=FOLDER,emodb=FOLDER"):
        load_corpus("ravdess+emodb", tmp_path)
    with pytest.raises(InputError, match="a folder is given for tess"):
        load_corpus("ravdess+emodb", folders | {"tess": "x"})
    with pytest.raises(InputError, match="'emodb' is not part of ser_hub; get it from"):
        load_corpus("ravdess+emodb", {"ravdess": folders["ravdess"]})
    write(tmp_path / "own", "bliss/a.wav")
    with pytest.raises(InputError, match="share no emotion"):
        load_corpus(
            "ravdess+folder", {"ravdess": folders["ravdess"], "folder": str(tmp_path / "own")}, classes="shared"
        )


def test_show(folders, capsys):
    from ser_hub.cli import main

    one = ",".join(f"{name}={folder}" for name, folder in folders.items())
    assert main(["corpus", "show", "ravdess+emodb", "--data-dir", one, "--classes", "shared", "--merge-calm"]) == 0
    shown = capsys.readouterr().out
    assert "RAVDESS, speech" in shown and "EMO-DB" in shown
    assert "26 of 1975 published" in shown and "neutral 6" in shown and "calm > neutral" in shown


@pytest.fixture
def mixture(folders, tmp_path):
    """The folder that a mixture was exported to, with its label map as the exporter writes it."""
    folder = export_corpus("ravdess+emodb", tmp_path / "both", folders)
    described = load_corpus("ravdess+emodb", folders).info.description
    (folder / "label_map.json").write_text(json.dumps({"description": described}))
    return folder


@pytest.mark.parametrize("name", ["ravdess+emodb", "emodb+ravdess"])
def test_an_exported_mixture_reads_back(folders, mixture, name):
    rows, read = load_corpus("ravdess+emodb", folders), load_corpus(name, mixture)
    assert read.features == rows.features
    assert read.remove_columns("audio").to_list() == rows.remove_columns("audio").to_list()
    assert content_hashes(read) == content_hashes(rows)
    assert "happiness > happy" in read.info.description == rows.info.description
    assert stream_corpus(name, mixture).info.description == rows.info.description
    (mixture / "label_map.json").unlink()  # as before there was one
    assert load_corpus(name, str(mixture)).info.description == ""


def test_an_exported_mixture_takes_the_settings_of_a_mixture(folders, mixture):
    settings = {"classes": "shared", "merge_calm": True}
    rows, read = (load_corpus("ravdess+emodb", source, **settings) for source in (folders, mixture))
    assert read.features == rows.features and len(read) == 26
    assert read.remove_columns("audio").to_list() == rows.remove_columns("audio").to_list()
    assert "ravdess: calm > neutral, surprised > dropped; 2 clips dropped" in read.info.description


def test_an_export_of_other_corpora_is_refused(folders, mixture, tmp_path):
    for name in ("ravdess", "ravdess+tess", "ravdess+emodb+tess"):
        with pytest.raises(
            InputError, match=r"both holds an export of ravdess\+emodb, not of '.*'; name what it holds"
        ):
            load_corpus(name, mixture)
    alone = export_corpus("emodb", tmp_path / "alone", folders["emodb"])
    with pytest.raises(InputError, match="alone holds an export of emodb, not of 'ravdess\\+emodb'"):
        load_corpus("ravdess+emodb", alone)
    again = load_corpus("ravdess+emodb", {"ravdess": folders["ravdess"], "emodb": alone})  # one of two, exported
    assert Counter(again["corpus"]) == {"ravdess": 16, "emodb": 14}
    assert load_corpus("emodb", alone, classes="shared").features["label"].names[0] == "anger"  # its own, as alone


LOAD = """
import json, sys
from ser_hub import load_corpus
print(json.dumps([load_corpus(name).info.description for name in sys.argv[1:]]))
"""


def test_the_hub_keeps_the_label_map(mixture, hub, client):  # noqa: F811
    files = {path.relative_to(mixture).as_posix(): path.read_bytes() for path in mixture.rglob("*.*")}
    hub.repositories["dataset", "org/both"] = {"main": files}
    before = {name: content for name, content in files.items() if name != "label_map.json"}
    hub.repositories["dataset", "org/before"] = {"main": before}
    expected = [json.loads(files["label_map.json"])["description"], ""]
    for offline in ("0", "1"):  # from the Hub, then from its cache
        assert json.loads(client(LOAD, "org/both", "org/before", HF_HUB_OFFLINE=offline)) == expected
