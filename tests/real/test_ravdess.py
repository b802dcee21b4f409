"""On the real RAVDESS."""

from collections import Counter

import numpy as np
import pytest
import soundfile

from ser_hub import load_corpus
from ser_hub.audio import decode
from ser_hub.corpora.base import content_hashes
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
