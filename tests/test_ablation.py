"""scripts/ablation.py: each row changes what it says, and each way to choose an epoch takes the one that it says."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ser_hub.features import MfccChromaFeatureExtractor
from ser_hub.training import SERDataModule

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "ablation.py"


@pytest.fixture(scope="module")
def ablation():
    spec = importlib.util.spec_from_file_location("ablation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def data(corpus_dir):
    return SERDataModule(
        MfccChromaFeatureExtractor(), corpus="synthetic", data_dir=str(corpus_dir), protocol="speaker-holdout"
    )


def frames_of(data, clips):
    return np.concatenate([data._items[clip][0] for clip in clips])


def test_statistics_of_all_clips(ablation, data):
    ablation.all_clips(data)
    data.setup()
    everything = frames_of(data, data._items)
    np.testing.assert_allclose(data.feature_extractor.mean, everything.mean(axis=0), rtol=1e-4)
    assert not np.allclose(everything.mean(axis=0), frames_of(data, data.fold.train).mean(axis=0), rtol=1e-4)


def test_each_speaker_is_standardised(ablation, data):
    ablation.each_speaker(data)
    data.setup()
    for speaker in set(data.speakers.values()):
        frames = frames_of(data, [clip for clip, name in data.speakers.items() if name == speaker])
        np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-3)
        np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-3)


def test_padding_counts_as_frames(ablation, data):
    data.setup()
    assert not next(iter(data.test_dataloader()))["attention_mask"].all()
    ablation.no_mask(data)
    assert next(iter(data.test_dataloader()))["attention_mask"].all()


def test_each_way_to_choose_takes_its_own_epoch(ablation):
    """Of three epochs the first is best on validation, the second on the test clips; the last is neither."""
    right, wrong, half = [0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]
    run = {"labels": right, "validation": [0.9, 0.2, 0.1], "predictions": [half, right, wrong]}
    row = ablation.summarise("as-committed", {0: [run, run]})
    assert row["uar"] == {"validation": [0.5], "last": [0.0], "test": [1.0]}
    assert row["best_validation_uar"] == [0.9]
    assert "| the recipe as committed | 0.500 | 0.000 | 1.000 | 0.900 | 1 |" in ablation.report("lstm-sa-h64", [row])
