"""scripts/ablation.py: each row changes what it says, and each way to choose an epoch takes the one that it says."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ser_hub.features import MfccChromaFeatureExtractor
from ser_hub.training import CosineWarmRestarts, SERDataModule


@pytest.fixture(scope="module")
def ablation(load_script):
    return load_script("ablation")


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


def test_watching_does_not_change_the_training(ablation, data):
    class Model(torch.nn.Module):
        def forward(self, frames, mask):
            return SimpleNamespace(logits=frames.mean(dim=1))

    data.setup()
    trainer = SimpleNamespace(
        sanity_checking=False,
        datamodule=data,
        callback_metrics={"val/uar": 0.5},
        strategy=SimpleNamespace(batch_to_device=lambda batch: batch),
    )
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    watch = ablation.EveryEpoch()
    watch.on_validation_end(trainer, Model())
    assert torch.equal(torch.rand(3), expected)
    assert [len(epoch) for epoch in watch.predictions] == [len(data.fold.test)] and watch.validation == [0.5]


def test_the_rate_falls_within_an_epoch(ablation):
    """At batch b of n of epoch e: eta_min + (lr - eta_min) (1 + cos(pi ((e + b/n) mod T_0) / T_0)) / 2."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    scheduler = CosineWarmRestarts(optimizer, T_0=2)
    trainer = SimpleNamespace(
        lr_scheduler_configs=[SimpleNamespace(scheduler=scheduler)], num_training_batches=4, current_epoch=3
    )
    ablation.AnnealWithinEpochs().on_train_batch_start(trainer, None, None, 2)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.004 + 0.396 * (1 + np.cos(np.pi * 1.5 / 2)) / 2)


def test_each_way_to_choose_takes_its_own_epoch(ablation):
    """Of three epochs the first is best on validation, the second on the test clips; the last is neither."""
    right, wrong, half = [0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]
    run = {"labels": right, "validation": [0.9, 0.2, 0.1], "predictions": [half, right, wrong], "git": "a"}
    row = ablation.summarise("as-committed", {0: [run, run | {"git": "b"}]})
    assert row["git_of_runs"] == ["a", "b"]  # what trained, not what collected
    assert row["uar"] == {"validation": [0.5], "last": [0.0], "test": [1.0]}
    assert row["best_validation_uar"] == [0.9]
    assert "| the recipe as committed | 0.500 | 0.000 | 1.000 | 0.900 | 1 |" in ablation.report("lstm-sa-h64", [row])
