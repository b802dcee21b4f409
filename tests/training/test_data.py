import copy
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DistributedSampler
from transformers import AutoFeatureExtractor, AutoModel

from ser_hub.errors import InputError
from ser_hub.features import MfccChromaFeatureExtractor
from ser_hub.models import LSTMSA, LSTMSAConfig, ResLSTMSA
from ser_hub.protocols import Fold, LeakError, Protocol
from ser_hub.training import CosineWarmRestarts, SERDataModule


@pytest.fixture
def data(corpus_dir):
    module = SERDataModule(
        MfccChromaFeatureExtractor(), corpus="synthetic", data_dir=str(corpus_dir), protocol="speaker-holdout"
    )
    module.prepare_data()
    module.setup()
    return module


def test_batches_cover_each_part_once(data):
    parts = {"train": data.train_dataloader(), "validation": data.val_dataloader(), "test": data.test_dataloader()}
    for part, loader in parts.items():
        clips = [clip for batch in loader for clip in batch["clip_id"]]
        assert sorted(clips) == sorted(data.fold.parts()[part])
    batch = next(iter(parts["test"]))
    assert batch["input_features"].dtype == torch.float32
    assert batch["input_features"].shape[2] == data.feature_size == 46
    assert batch["attention_mask"].shape == batch["input_features"].shape[:2]
    row = next(row for row in data.rows if row["clip_id"] == batch["clip_id"][0])
    assert batch["labels"][0].item() == row["label"]


def test_clips_of_one_length_share_a_batch(data):
    torch.manual_seed(0)
    data.batch_size = 4

    def epoch(grouped):
        data.group_by_length = grouped
        batches = list(data.train_dataloader())
        clips = [clip for batch in batches for clip in batch["clip_id"]]
        assert sorted(clips) == sorted(data.fold.train)
        return clips, 1 - np.mean([batch["attention_mask"].float().mean() for batch in batches])

    grouped, usual = [epoch(True) for _ in range(5)], [epoch(False) for _ in range(5)]
    assert grouped[0][0] != grouped[1][0]  # drawn anew every epoch
    assert np.mean([padding for _, padding in grouped]) < 0.6 * np.mean([padding for _, padding in usual])


def test_normalisation_is_fitted_on_the_training_part_alone(data):
    raw = MfccChromaFeatureExtractor()
    raw.fit([data._items[clip][0] for clip in data.fold.train])
    everything = MfccChromaFeatureExtractor()
    everything.fit([item[0] for item in data._items.values()])
    assert data.feature_extractor.mean == raw.mean
    assert not np.allclose(data.feature_extractor.mean, everything.mean)


def test_statistics_of_a_loaded_extractor_are_kept(corpus_dir):
    extractor = MfccChromaFeatureExtractor(mean=[1.0] * 46, std=[2.0] * 46)
    module = SERDataModule(extractor, corpus="synthetic", data_dir=str(corpus_dir), protocol="speaker-holdout")
    module.setup()
    assert module.feature_extractor.mean == [1.0] * 46


def test_one_extractor_serves_many_folds(data, corpus_dir):
    extractor = MfccChromaFeatureExtractor()
    module = SERDataModule(extractor, corpus="synthetic", data_dir=str(corpus_dir), protocol="speaker-holdout")
    module.setup()
    assert extractor.mean is None and module.feature_extractor.mean is not None


def test_a_lone_last_clip_is_not_a_training_batch(data):
    data.batch_size = len(data.fold.train) - 1
    assert [len(batch["clip_id"]) for batch in data.train_dataloader()] == [data.batch_size]


def test_without_data_dir_the_synthetic_corpus_stands_in_and_says_so(caplog):
    module = SERDataModule(MfccChromaFeatureExtractor(), corpus="ravdess")
    assert module.corpus == "synthetic"
    assert "numbers say nothing about speech" in caplog.text


@dataclass(frozen=True)
class Leaky(Protocol):
    """Claims independence and splits by clip."""

    name = "leaky"
    speaker_independent = True

    def folds(self, rows):
        clips = tuple(rows["clip_id"])
        return [Fold(clips[:50], clips[50:60], clips[60:])]


def test_a_leaking_protocol_stops_the_run(corpus_dir):
    module = SERDataModule(MfccChromaFeatureExtractor(), corpus="synthetic", data_dir=str(corpus_dir), protocol=Leaky())
    with pytest.raises(LeakError, match="same speaker in train and validation"):
        module.setup()


def test_a_checkpoint_is_not_tested_on_what_it_has_seen(data):
    state = data.state_dict()
    fresh = copy.deepcopy(data)
    fresh.load_state_dict(state)
    fresh.test_dataloader()  # its own test part
    state["trained_on"]["train"].append(data.fold.test[0])
    fresh.load_state_dict(state)
    with pytest.raises(LeakError, match="has seen 1 of the test clips"):
        fresh.test_dataloader()
    fresh.allow_seen = True  # told to go on, it flags what the record then says
    assert fresh.test_dataloader() and "1 of the test clips" in fresh.contamination()
    assert fresh.protocol.speaker_independent and not fresh.speaker_independent
    state["trained_on"]["train"].remove(data.fold.test[0])
    speaker = data.speakers[data.fold.test[0]]
    state["trained_on"]["speakers"].append(speaker)
    data.load_state_dict(state)
    with pytest.raises(LeakError, match=f"has seen test speakers .{speaker}"):
        data.test_dataloader()


def test_training_that_goes_on_elsewhere_remembers_what_the_checkpoint_saw(data, corpus_dir):
    def elsewhere(state):
        settings = {"corpus": "synthetic", "data_dir": str(corpus_dir), "protocol": "speaker-kfold:k=3", "fold": 1}
        module = SERDataModule(MfccChromaFeatureExtractor(), **settings)
        module.load_state_dict(state)
        module.setup()
        return module

    moved = elsewhere(data.state_dict())
    assert set(data.fold.train) & set(moved.fold.test)
    later = elsewhere(moved.state_dict())
    assert not later.speaker_independent
    with pytest.raises(LeakError, match="has seen"):
        later.test_dataloader()


def test_a_checkpoint_of_other_features_is_refused(data, corpus_dir):
    settings = {"corpus": "synthetic", "data_dir": str(corpus_dir), "protocol": "speaker-holdout"}
    other = SERDataModule(MfccChromaFeatureExtractor(hop_length=1024), **settings)
    with pytest.raises(InputError, match="features with hop_length 2048, but the recipe says 1024"):
        other.load_state_dict(data.state_dict())


def test_a_model_by_clip_is_tested_where_it_was_trained(exported, corpus_dir, tmp_path):
    """Its configuration names speakers, who stand on both sides; the data module knows the clips."""
    extractor = AutoFeatureExtractor.from_pretrained(exported)
    settings = {"corpus": "synthetic", "data_dir": str(corpus_dir), "protocol": "clip-holdout"}
    quiet = {"accelerator": "cpu", "logger": False, "default_root_dir": tmp_path, "enable_progress_bar": False}
    model = LSTMSA(LSTMSAConfig(hidden_size=4))
    data = SERDataModule(extractor, **settings)
    Trainer(max_epochs=1, **quiet).fit(model, data)
    assert Trainer(**quiet).test(model, data, verbose=False)
    later = SERDataModule(extractor, **settings)
    with pytest.raises(LeakError, match="from its checkpoint, which knows its clips"):
        Trainer(**quiet).test(model, later, verbose=False)
    with pytest.raises(LeakError, match="has seen test speakers"):  # another model's history does not hide this one's
        Trainer(**quiet).test(AutoModel.from_pretrained(exported), data, verbose=False)


def test_a_model_and_its_data_from_a_checkpoint_know_what_they_have_seen(checkpoint, corpus_dir, tmp_path):
    """By `load_from_checkpoint`, not by the Trainer's `ckpt_path`."""
    model = ResLSTMSA.load_from_checkpoint(checkpoint, weights_only=True)
    other = {"corpus": "synthetic", "data_dir": str(corpus_dir), "protocol": "speaker-holdout:seed=1"}
    fresh = SERDataModule(MfccChromaFeatureExtractor(), **other)
    restored = SERDataModule(MfccChromaFeatureExtractor(), **other)
    restored.load_state_dict(torch.load(checkpoint, weights_only=True)["SERDataModule"])
    for data in (fresh, restored):
        trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path, enable_progress_bar=False)
        with pytest.raises(LeakError, match="has seen"):
            trainer.test(model, data, verbose=False)


def test_each_process_groups_its_share_by_length(data):
    data.batch_size, data.group_by_length = 4, True
    parts = []
    for rank in range(2):
        data.trainer = SimpleNamespace(world_size=2, global_rank=rank)
        loader = data.train_dataloader()
        assert isinstance(loader.sampler, DistributedSampler)  # any other is replaced by Lightning
        parts.append([clip for batch in loader for clip in batch["clip_id"]])
    assert set(parts[0]) | set(parts[1]) == set(data.fold.train) and len(set(parts[0]) & set(parts[1])) <= 1


def test_fine_tuning_from_a_hub_folder_without_the_command_line(exported, corpus_dir, tmp_path):
    """`Trainer().fit(model, datamodule)` with a model that came from AutoModel.from_pretrained."""
    model = AutoModel.from_pretrained(exported)
    before, before_speakers = copy.deepcopy(model.state_dict()), model.config.trained_on["speakers"]
    data = SERDataModule(
        AutoFeatureExtractor.from_pretrained(exported),
        corpus="synthetic",
        data_dir=str(corpus_dir),
        protocol="speaker-holdout",
    )
    trainer = Trainer(max_epochs=1, accelerator="cpu", logger=False, default_root_dir=tmp_path)
    trainer.fit(model, data)
    assert any(not torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert "val/uar" in trainer.callback_metrics
    assert model.config.trained_on["speakers"] == before_speakers


def test_a_model_from_a_hub_folder_is_not_tested_on_speakers_that_it_has_seen(exported, data, corpus_dir, tmp_path):
    def judge(**settings):
        extractor = AutoFeatureExtractor.from_pretrained(exported)
        part = SERDataModule(extractor, corpus="synthetic", data_dir=str(corpus_dir), **settings)
        trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path, enable_progress_bar=False)
        return trainer.test(AutoModel.from_pretrained(exported), part, verbose=False), part

    assert judge(protocol="speaker-holdout")[0]  # its own test speakers
    for other in ("speaker-holdout:seed=1", "clip-holdout"):
        with pytest.raises(LeakError, match="has seen test speakers"):
            judge(protocol=other)
    _, flagged = judge(protocol="speaker-holdout:seed=1", allow_seen=True)
    assert not flagged.speaker_independent


def test_a_model_is_not_judged_on_other_classes(exported, corpus_dir, tmp_path):
    part = SERDataModule(
        AutoFeatureExtractor.from_pretrained(exported),
        corpus="synthetic",
        data_dir=str(corpus_dir),
        protocol="speaker-holdout",
        merge_calm=True,
    )
    trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path)
    with pytest.raises(InputError, match="the model tells neutral, calm, .* but the data has neutral, happy"):
        trainer.test(AutoModel.from_pretrained(exported), part)


def test_cosine_floor_follows_the_learning_rate():
    """eta_t = eta_min + (lr - eta_min) (1 + cos(pi t / T_0)) / 2, Loshchilov and Hutter 2017, equation 5."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    scheduler = CosineWarmRestarts(optimizer, T_0=4, eta_min_ratio=0.01)
    rates = []
    for _ in range(9):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    expected = [0.004 + 0.396 * (1 + np.cos(np.pi * (step % 4) / 4)) / 2 for step in range(9)]
    assert rates == pytest.approx(expected)
