"""The protocols that take a rule instead of a list: what each promises, on a corpus of three classes."""

import json
from collections import Counter

import pytest
from datasets import Dataset

from ser_hub.cli import main
from ser_hub.errors import InputError
from ser_hub.protocols import PROTOCOLS, LeakError, audit, clips_of, get_protocol

LABELS = ("neutral", "sad", "angry")


def corpus(speakers=10, clips=4, name="a"):
    """Speakers of alternating gender, each with so many clips of each class."""
    return Dataset.from_list(
        [
            {
                "clip_id": f"{name}/{speaker:02d}-{label}-{clip}",
                "speaker": f"{name}-{speaker:02d}",
                "gender": "male" if speaker % 2 else "female",
                "label": label,
                "emotion": LABELS[label],
                "corpus": name,
            }
            for speaker in range(speakers)
            for label in range(3)
            for clip in range(clips)
        ]
    )


def both(*parts):
    return Dataset.from_list([row for part in parts for row in part])


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name not in ("ravdess-5fold", "cross-corpus")])
def test_every_clip_stands_once_in_every_fold_and_the_audit_agrees(name):
    rows = corpus()
    protocol = get_protocol(name)
    manifest = protocol.manifest(rows)
    assert manifest.speaker_independent == protocol.speaker_independent
    contents = {clip: clip for clip in rows["clip_id"]}
    for fold in manifest.folds:
        audit(fold, clips_of(rows, "speaker"), contents, speaker_independent=protocol.speaker_independent)
        assert sorted(fold.train + fold.validation + fold.test) == sorted(rows["clip_id"])
    assert get_protocol(name).manifest(rows.shuffle(seed=3)).sha256 == manifest.sha256


@pytest.mark.parametrize("name", ["leave-one-speaker-out", "speaker-kfold", "clip-kfold"])
def test_cross_validation_tests_every_clip_once(name):
    rows = corpus()
    tested = [clip for fold in get_protocol(name).manifest(rows).folds for clip in fold.test]
    assert sorted(tested) == sorted(rows["clip_id"])


def test_leave_one_speaker_out():
    folds = get_protocol("leave-one-speaker-out:validation=1").manifest(corpus(4)).folds
    parts = [{part: {clip[2:4] for clip in clips} for part, clips in fold.parts().items()} for fold in folds]
    assert parts[0] == {"train": {"02", "03"}, "validation": {"01"}, "test": {"00"}}
    assert parts[3] == {"train": {"01", "02"}, "validation": {"00"}, "test": {"03"}}
    with pytest.raises(InputError, match="needs 4 speakers, and the corpus has 3"):
        get_protocol("leave-one-speaker-out").manifest(corpus(3))


def test_speaker_kfold_is_balanced_over_gender_and_class():
    rows = corpus(10)
    gender, label = clips_of(rows, "gender"), clips_of(rows, "label")
    for fold in get_protocol("speaker-kfold").manifest(rows).folds:
        assert Counter(gender[clip] for clip in fold.test) == {"male": 12, "female": 12}
        assert Counter(label[clip] for clip in fold.test) == {0: 8, 1: 8, 2: 8}
    with pytest.raises(InputError, match="needs 3 to 10 folds"):
        get_protocol("speaker-kfold:k=11").manifest(rows)


def test_clip_holdout_is_stratified_and_speaker_dependent():
    rows = corpus(10, clips=10)
    protocol = get_protocol("clip-holdout")
    (fold,) = protocol.manifest(rows).folds
    label, speaker = clips_of(rows, "label"), clips_of(rows, "speaker")
    assert Counter(label[clip] for clip in fold.test) == {0: 20, 1: 20, 2: 20}
    assert Counter(label[clip] for clip in fold.validation) == {0: 10, 1: 10, 2: 10}
    assert {speaker[c] for c in fold.test} & {speaker[c] for c in fold.train}
    assert not protocol.speaker_independent
    assert get_protocol("clip-holdout:seed=1").manifest(rows).sha256 != protocol.manifest(rows).sha256


def test_ordered_trains_on_earlier_and_tests_on_later_clips_of_each_class():
    rows = corpus(10)
    (fold,) = get_protocol("ordered-80-10-10").manifest(rows).folds
    label = clips_of(rows, "label")
    for index in range(3):
        train, validation, test = ([c for c in clips if label[c] == index] for clips in fold.parts().values())
        assert (len(train), len(validation), len(test)) == (32, 4, 4)
        assert max(train) < min(validation) and max(validation) < min(test)


def test_cross_corpus():
    rows = both(corpus(6, name="a"), corpus(4, name="b"))
    (fold,) = get_protocol("cross-corpus:test=b").manifest(rows).folds
    assert {clip[0] for clip in fold.test} == {"b"} and len(fold.test) == 48
    assert {clip[0] for clip in fold.train + fold.validation} == {"a"}
    with pytest.raises(InputError, match="here are a, b"):
        get_protocol("cross-corpus:test=c").manifest(rows)
    with pytest.raises(InputError, match="load the mixture with classes=shared"):
        get_protocol("cross-corpus:test=b").manifest(
            both(corpus(), corpus(4, name="b").filter(lambda r: r["label"] < 2))
        )


def test_cross_corpus_refuses_a_speaker_of_two_corpora():
    song = corpus(6, name="a").map(lambda row: {"corpus": "song", "clip_id": "song/" + row["clip_id"]})
    with pytest.raises(InputError, match="6 of song speak in another corpus too .a-00, a-01, a-02"):
        get_protocol("cross-corpus:test=song").manifest(both(corpus(6, name="a"), song))


def test_byte_identical_copies_are_kept_together_by_clip_and_refused_by_speaker():
    rows = corpus(10)
    contents = {clip: clip for clip in rows["clip_id"]}
    (before,) = get_protocol("clip-holdout").manifest(rows, contents).folds
    one, other = before.train[0], before.test[0]
    contents[other] = contents[one]
    (after,) = get_protocol("clip-holdout").manifest(rows, contents).folds
    home = "train" if one < other else "test"
    assert {part for part, clips in after.parts().items() if one in clips or other in clips} == {home}
    (split,) = get_protocol("speaker-holdout").manifest(rows, contents).folds
    one, other = split.train[0], split.test[0]
    contents = {clip: clip for clip in rows["clip_id"]} | {other: one}
    with pytest.raises(LeakError, match=f"byte-identical copy in train and test: {one} = {other}"):
        audit(split, clips_of(rows, "speaker"), contents, speaker_independent=True)


def test_a_spec_names_the_protocol_wholly():
    protocol = get_protocol("speaker-kfold:seed=7,k=4")
    assert protocol.spec == "speaker-kfold:k=4,seed=7"
    assert get_protocol(protocol.spec) == protocol
    assert get_protocol("speaker-kfold:k=5").spec == "speaker-kfold"
    assert protocol.manifest(corpus()).protocol == protocol.spec


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        ("speaker-kfold:folds=4", "has no setting 'folds'; its settings are k, seed"),
        ("speaker-kfold:k=four", "k cannot be 'four'; give a int"),
        ("ravdess-5fold:k=4", "its settings are none"),
        ("clip-kfold:k=99", "no protocol|needs 2 to"),
    ],
)
def test_specs_that_are_refused(spec, rule):
    with pytest.raises(InputError, match=rule):
        get_protocol(spec).manifest(corpus())


def test_show(corpus_dir, tmp_path, capsys, refused):
    file = tmp_path / "manifest.json"
    shown = ["protocol", "show", "speaker-kfold:k=3", "--corpus", "synthetic", "--data-dir", str(corpus_dir)]
    assert main([*shown, "--save", str(file)]) == 0
    out = capsys.readouterr().out
    assert json.loads(file.read_text())["sha256"] in out
    assert "speaker-independent, 3 folds" in out and "fold 2" in out and "2 speakers: synthetic-0" in out
    assert "audit: no speaker, clip or byte-identical copy on two sides" in out
    assert "no protocol 'x'" in refused("protocol", "show", "x")
