from collections import Counter

import pytest

from ser_hub import load_corpus
from ser_hub.errors import InputError

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
