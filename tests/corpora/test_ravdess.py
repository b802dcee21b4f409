import shutil

import pytest
from datasets import Audio, ClassLabel

from ser_hub import load_corpus
from ser_hub.corpora import ravdess
from ser_hub.errors import InputError

from .clips import write

CLASSES = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]


def test_parse():
    assert ravdess.parse("x/Actor_12/03-01-06-01-02-01-12.wav") == {
        "label": "fearful",
        "speaker": "ravdess-12",
        "gender": "female",
        "sentence": "Dogs are sitting by the door",
        "intensity": "normal",
        "corpus": "ravdess",
        "clip_id": "ravdess/03-01-06-01-02-01-12",
    }
    song = ravdess.parse("03-02-05-02-01-02-01.flac")
    assert (song["corpus"], song["label"], song["gender"], song["intensity"]) == (
        "ravdess-song",
        "angry",
        "male",
        "strong",
    )


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("hello.wav", "seven two-digit numbers"),
        ("03-01-06-01-02-01.wav", "seven two-digit numbers"),
        ("03-01-09-01-02-01-12.wav", "emotion 09"),
        ("03-03-06-01-02-01-12.wav", "channel 03"),
        ("01-01-06-01-02-01-12.wav", "modality 01"),
        ("03-01-06-03-02-01-12.wav", "intensity 03"),
        ("03-01-06-01-03-01-12.wav", "statement 03"),
        ("03-01-06-01-02-01-25.wav", "actor 25"),
    ],
)
def test_misnamed_clip_is_named_with_the_rule(tmp_path, name, rule):
    with pytest.raises(ValueError, match=rule) as caught:
        ravdess.parse(name)
    assert name in str(caught.value)
    with pytest.raises(InputError, match=rule):  # as it comes out of Dataset.map
        load_corpus("ravdess", write(tmp_path, "03-01-01-01-01-01-01.wav", name))


def test_row_contract(tmp_path):
    rows = load_corpus("ravdess", write(tmp_path, "Actor_02/03-01-08-01-01-01-02.wav", "03-01-01-01-01-02-01.flac"))
    assert list(rows.features) == [
        "audio",
        "label",
        "emotion",
        "speaker",
        "gender",
        "sentence",
        "intensity",
        "corpus",
        "clip_id",
    ]
    assert rows.features["audio"] == Audio(decode=False)
    assert rows.features["label"] == ClassLabel(names=CLASSES)
    assert rows["clip_id"][:] == ["ravdess/03-01-01-01-01-02-01", "ravdess/03-01-08-01-01-01-02"]
    assert rows["label"][:] == [0, 7]
    assert rows["emotion"][:] == ["neutral", "surprised"]
    assert rows[1]["audio"]["path"].endswith("Actor_02/03-01-08-01-01-01-02.wav")


def test_speech_and_song_in_one_folder_are_two_corpora(tmp_path):
    write(tmp_path, "speech/03-01-01-01-01-01-01.wav", "song/03-02-05-01-01-01-01.wav")
    assert load_corpus("ravdess", tmp_path)["clip_id"][:] == ["ravdess/03-01-01-01-01-01-01"]
    song = load_corpus("ravdess-song", tmp_path)
    assert song["clip_id"][:] == ["ravdess-song/03-02-05-01-01-01-01"]
    assert song.features["label"].names == CLASSES[:6]


def test_only_song_says_so(tmp_path):
    with pytest.raises(InputError, match="only of ravdess-song"):
        load_corpus("ravdess", write(tmp_path, "03-02-05-01-01-01-01.wav"))


def test_nested_duplicate_tree_counts_once(tmp_path):
    write(tmp_path, "Actor_01/03-01-01-01-01-01-01.wav", "Actor_01/03-01-02-01-01-01-01.wav")
    shutil.copytree(tmp_path / "Actor_01", tmp_path / "audio_speech_actors_01-24" / "Actor_01")
    (tmp_path / "Actor_01" / "._03-01-03-01-01-01-01.wav").write_bytes(b"archive litter")
    assert len(load_corpus("ravdess", tmp_path)) == 2


def test_one_name_with_two_contents_is_refused(tmp_path):
    write(tmp_path, "a/03-01-01-01-01-01-01.wav")
    write(tmp_path, "b/03-01-01-01-01-01-01.wav", seed=1)
    with pytest.raises(InputError, match="differ in content"):
        load_corpus("ravdess", tmp_path)


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        load_corpus("ravdess", tmp_path / "gone")
    with pytest.raises(InputError, match="holds no clip"):
        load_corpus("ravdess", tmp_path)
    with pytest.raises(InputError, match="give data_dir"):
        load_corpus("ravdess")
    with pytest.raises(InputError, match="no corpus 'ravdes'; known are ravdess"):
        load_corpus("ravdes", tmp_path)
