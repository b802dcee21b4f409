import random
from collections import Counter

import pytest
from datasets import Dataset, concatenate_datasets

from ser_hub.errors import InputError
from ser_hub.protocols import (
    Fold,
    LeakError,
    Manifest,
    RavdessFiveFold,
    SpeakerHoldout,
    audit,
    get_protocol,
    interleaved_by_gender,
)


def corpus(actors=range(1, 25), clips=3):
    rows = [
        {
            "clip_id": f"ravdess/{actor:02d}-{clip}",
            "speaker": f"ravdess-{actor:02d}",
            "gender": "male" if actor % 2 else "female",
            "label": clip,
        }
        for actor in actors
        for clip in range(clips)
    ]
    return Dataset.from_list(rows)


def actors_of(clip_ids):
    return sorted({int(clip_id.split("/")[1][:2]) for clip_id in clip_ids})


def test_paper_folds():
    """The folds as the paper prints them."""
    folds = RavdessFiveFold().folds(corpus())
    assert [actors_of(fold.test) for fold in folds] == [
        [2, 5, 14, 15, 16],
        [3, 6, 7, 13, 18],
        [10, 11, 12, 19, 20],
        [8, 17, 21, 23, 24],
        [1, 4, 9, 22],
    ]
    assert [actors_of(fold.validation) for fold in folds] == [[3, 6], [10, 11], [8, 17], [1, 14], [2, 5]]
    for fold in folds:
        parts = [actors_of(clips) for clips in fold.parts().values()]
        assert sorted(sum(parts, [])) == list(range(1, 25))
        assert sum(len(clips) for clips in fold.parts().values()) == 72
    tested = Counter(clip for fold in folds for clip in fold.test)
    assert set(tested.values()) == {1} and len(tested) == 72


def test_paper_folds_need_every_actor():
    with pytest.raises(InputError, match="2 are missing .05, 06."):
        RavdessFiveFold().folds(corpus([1, 2, 3, 4, *range(7, 25)]))


def test_paper_folds_need_one_corpus():
    other = [{**row, "speaker": row["speaker"].replace("ravdess", "emodb")} for row in corpus([3, 8])]
    mixed = concatenate_datasets([corpus(), Dataset.from_list(other)])
    with pytest.raises(InputError, match="not the speakers of emodb and ravdess; choose speaker-kfold"):
        RavdessFiveFold().folds(mixed)


def test_speaker_holdout():
    rows = corpus()
    (fold,) = SpeakerHoldout().folds(rows)
    train, validation, test = (actors_of(clips) for clips in (fold.train, fold.validation, fold.test))
    assert (len(train), len(validation), len(test)) == (17, 2, 5)
    assert sorted(train + validation + test) == list(range(1, 25))
    assert abs(sum(actor % 2 for actor in test) - 2.5) <= 1  # both genders
    assert SpeakerHoldout().folds(rows) == [fold]
    assert SpeakerHoldout(seed=1).folds(rows) != [fold]


def test_speaker_holdout_needs_three_speakers():
    assert len(SpeakerHoldout().folds(corpus(range(1, 4)))[0].train) == 3
    with pytest.raises(InputError, match="leaves none of the 2 speakers"):
        SpeakerHoldout().folds(corpus(range(1, 3)))


def test_interleaving_keeps_the_gender_balance():
    speakers = interleaved_by_gender(corpus(), random.Random(3))
    for count in range(2, 25):
        men = sum(int(speaker[-2:]) % 2 for speaker in speakers[:count])
        assert abs(men - count / 2) <= 1


def test_manifest_hash(tmp_path):
    manifest = RavdessFiveFold().manifest(corpus())
    assert manifest.sha256 == RavdessFiveFold().manifest(corpus(reversed(range(1, 25)))).sha256
    assert manifest.sha256 != RavdessFiveFold().manifest(corpus(clips=2)).sha256
    manifest.save(tmp_path / "manifest.json")
    assert Manifest.load(tmp_path / "manifest.json") == manifest
    text = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(text.replace("ravdess/02-0", "ravdess/03-0"))
    with pytest.raises(InputError, match="SHA-256 differs"):
        Manifest.load(tmp_path / "manifest.json")
    with pytest.raises(InputError, match="there is no fold 5: .* numbered 0 to 4"):
        manifest.fold(5)


def test_unknown_protocol():
    with pytest.raises(InputError, match="no protocol 'x'; known are ravdess-5fold"):
        get_protocol("x")


SPEAKERS = {"a": "anna", "b": "ben", "c": "cleo", "d": "anna"}
HASHES = {"a": "1", "b": "2", "c": "3", "d": "4"}


def test_audit_passes_a_clean_split():
    audit(Fold(("a",), ("b",), ("c",)), SPEAKERS, HASHES, speaker_independent=True)
    audit(Fold(("a",), ("b",), ("d",)), SPEAKERS, HASHES, speaker_independent=False)


@pytest.mark.parametrize(
    ("fold", "hashes", "message"),
    [
        (Fold(("a", "b"), ("c",), ("b",)), HASHES, "same clip in train and test: b"),
        (Fold(("a",), ("b",), ("c",)), HASHES | {"c": "2"}, "byte-identical copy in validation and test: b = c"),
        (Fold(("a",), ("b",), ("d",)), HASHES, "same speaker in train and test: anna"),
    ],
)
def test_audit_stops_each_leak(fold, hashes, message):
    with pytest.raises(LeakError, match=message):
        audit(fold, SPEAKERS, hashes, speaker_independent=True)


def test_audit_refuses_an_empty_part():
    with pytest.raises(InputError, match="no clip for validation"):
        audit(Fold(("a",), (), ("c",)), SPEAKERS, HASHES, speaker_independent=True)
