"""On the real RAVDESS."""

from collections import Counter

import numpy as np
import pytest
import soundfile

from ser_hub import load_corpus
from ser_hub.audio import decode
from ser_hub.corpora.base import content_hashes
from ser_hub.corpora.check import check
from ser_hub.hub.corpora import export_corpus
from ser_hub.protocols import audit, clips_of, get_protocol

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def rows(ravdess_dir):
    return load_corpus("ravdess", ravdess_dir)


def test_inventory(rows):
    """As Livingstone and Russo (2018) publish it: 60 clips of each of 24 actors."""
    assert len(rows) == 1_440
    assert set(Counter(rows["speaker"]).values()) == {60} and len(set(rows["speaker"])) == 24
    counts = Counter(rows.features["label"].int2str(rows["label"][:]))
    assert counts.pop("neutral") == 96
    assert set(counts.values()) == {192} and len(counts) == 7


def test_five_stereo_clips_are_mixed_down(rows):
    stereo = [source["path"] for source in rows["audio"] if soundfile.info(source["path"]).channels == 2]
    assert len(stereo) == 5
    for path in stereo:
        assert np.allclose(decode(path)[0], soundfile.read(path)[0].mean(axis=1), atol=1e-6)


def test_paper_folds_do_not_leak(rows):
    hashes = dict(zip(rows["clip_id"], content_hashes(rows), strict=True))
    manifest = get_protocol("ravdess-5fold").manifest(rows)
    for fold in manifest.folds:
        audit(fold, clips_of(rows, "speaker"), hashes, speaker_independent=True)
    assert sorted(clip for fold in manifest.folds for clip in fold.test) == sorted(rows["clip_id"])


def test_the_published_copy_of_a_clip_stays_on_one_side(rows):
    """RAVDESS as published holds one clip twice: actor 7, happy, "dogs", both repetitions."""
    contents = dict(zip(rows["clip_id"], content_hashes(rows), strict=True))
    twins = {"ravdess/03-01-03-01-02-01-07", "ravdess/03-01-03-01-02-02-07"}
    assert len({contents[clip] for clip in twins}) == 1 and len(set(contents.values())) == 1_439
    for seed in range(4):
        (fold,) = get_protocol(f"clip-holdout:seed={seed}").manifest(rows, contents).folds
        audit(fold, clips_of(rows, "speaker"), contents, speaker_independent=False)
        assert sum(bool(twins & set(clips)) for clips in fold.parts().values()) == 1


def test_check_finds_no_defect(ravdess_dir):
    found = check("ravdess", ravdess_dir)
    assert found.defects == []
    assert found.remarks[0].startswith("byte-identical copies of one speaker and class: ravdess/03-01-03-01-02-01-07 =")
    assert found.remarks[1].startswith("5 not mono")


def test_exported_and_read_back(ravdess_dir, rows, tmp_path):
    read = load_corpus("ravdess", export_corpus("ravdess", tmp_path / "ravdess", ravdess_dir))
    assert read.remove_columns("audio").to_list() == rows.remove_columns("audio").to_list()
    assert content_hashes(read) == content_hashes(rows)
