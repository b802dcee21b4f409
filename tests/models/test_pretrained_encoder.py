import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader
from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

from ser_hub.errors import InputError
from ser_hub.features import WaveformFeatureExtractor
from ser_hub.models import PretrainedEncoder, PretrainedEncoderConfig
from ser_hub.models.pretrained_encoder import TINY

HUBERT = TINY | {"model_type": "hubert"}
WAVLM = TINY | {"model_type": "wavlm", "num_buckets": 8, "max_bucket_distance": 16}


def small(**settings):
    torch.manual_seed(0)
    return PretrainedEncoder(PretrainedEncoderConfig(projection_size=8, labels=["a", "b"], **settings))


def fit(model, tmp_path, epochs=1):
    batch = {
        "input_features": torch.randn(4, 4_000, 1),
        "attention_mask": torch.ones(4, 4_000, dtype=torch.long),
        "labels": torch.tensor([0, 1, 0, 1]),
        "clip_id": ["a"] * 4,
    }
    loader = DataLoader([batch], batch_size=None)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = Trainer(max_epochs=epochs, default_root_dir=tmp_path, **quiet)
    trainer.fit(model, loader)
    return trainer


@pytest.fixture
def published(tmp_path):
    """A tiny encoder as the Hub would hold it."""
    torch.manual_seed(7)
    AutoModel.from_config(AutoConfig.for_model(**TINY)).save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def test_waveform_equals_transformers():
    waveform = np.random.default_rng(0).normal(0.3, 0.2, 16_000).astype(np.float32)
    reference = Wav2Vec2FeatureExtractor(do_normalize=True)(waveform, sampling_rate=16_000, return_tensors="np")
    ours = WaveformFeatureExtractor()(waveform, sampling_rate=16_000, return_tensors="np")
    assert np.allclose(ours["input_features"][0, :, 0], reference["input_values"][0], atol=1e-5)
    assert len(WaveformFeatureExtractor(max_seconds=0.5).extract(waveform)) == 8_000


def test_waveforms_of_different_length_are_padded_over_time_alone():
    long, short = np.random.default_rng(0).normal(size=5_000), np.random.default_rng(1).normal(size=3_000)
    batch = WaveformFeatureExtractor()([long, short], sampling_rate=16_000, return_tensors="pt")
    assert batch["input_features"].shape == (2, 5_000, 1) and batch["attention_mask"].sum(dim=1).tolist() == [
        5_000,
        3_000,
    ]
    assert not batch["input_features"][1, 3_000:].any()
    alone = WaveformFeatureExtractor()(short, sampling_rate=16_000, return_tensors="pt")["input_features"]
    assert torch.equal(batch["input_features"][1, :3_000], alone[0])


@pytest.mark.parametrize("encoder", [TINY, HUBERT, WAVLM], ids=lambda encoder: encoder["model_type"])
@pytest.mark.parametrize("freeze", [True, False])
def test_encoders_run_save_and_load(encoder, freeze, tmp_path):
    model = small(encoder_config=encoder, freeze=freeze).eval()
    clip = torch.randn(2, 4_000, 1)
    if freeze:
        torch.nn.init.normal_(model.mix.weight)  # as learned
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path)
    assert type(loaded.encoder).__name__.lower().startswith(encoder["model_type"])
    assert torch.allclose(loaded(clip).logits, model(clip).logits, atol=1e-6)
    mask = torch.ones(2, 4_000)
    mask[1, 3_000:] = 0
    alone = model(clip[1:, :3_000]).logits
    assert torch.allclose(model(clip, mask).logits[1], alone[0], atol=1e-4)


def test_published_weights_are_fetched_when_a_training_begins_and_not_again(published, tmp_path):
    reference = AutoModel.from_pretrained(published)
    model = small(weights=str(published))
    key = "encoder.layers.0.attention.k_proj.weight"
    assert not torch.equal(model.encoder.state_dict()[key], reference.state_dict()[key])
    fit(model, tmp_path)
    assert torch.equal(model.encoder.state_dict()[key], reference.state_dict()[key])  # frozen
    with torch.no_grad():
        model.encoder.state_dict()[key].fill_(0.5)  # as if it had been fine-tuned
    model.save_pretrained(tmp_path / "ours")
    again = AutoModel.from_pretrained(tmp_path / "ours")
    fit(again, tmp_path)
    assert (again.encoder.state_dict()[key] == 0.5).all()


def test_frozen_means_no_gradient_and_no_dropout_while_the_head_learns(published, tmp_path):
    model = small(weights=str(published), lr=0.1)
    fit(model, tmp_path)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit(model, tmp_path, epochs=3)
    changed = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"mix", "projection", "classifier"}
    assert model.train().projection.training and not any(m.training for m in model.encoder.modules())


def test_fine_tuning_has_two_learning_rates():
    head, encoder = small(freeze=False, lr=1e-3, encoder_lr=1e-5).configure_optimizers().param_groups
    assert (head["lr"], encoder["lr"]) == (1e-3, 1e-5)
    assert len(head["params"]) == 4 and sum(p.numel() for p in encoder["params"]) > 10_000
    assert len(small(freeze=True).configure_optimizers().param_groups) == 1


def test_weights_that_cannot_be_had_are_said_in_one_sentence(published, tmp_path):
    with pytest.raises(InputError, match="cannot be fetched; go online"):
        small().load_published(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="does not fit the recipe's encoder_config"):
        small(encoder_config=TINY | {"hidden_size": 16}).load_published(str(published))


@pytest.mark.parametrize(
    "other",
    [{"do_stable_layer_norm": True}, {"hidden_act": "relu"}, {"num_attention_heads": 4}, {"conv_stride": (10, 4, 4)}],
)
def test_weights_of_equal_shapes_that_compute_something_else_are_refused(published, other):
    model = small(encoder_config=TINY | other)
    model.encoder.load_state_dict(AutoModel.from_pretrained(published).state_dict())  # torch has no objection
    with pytest.raises(InputError, match="does not fit the recipe's encoder_config"):
        model.load_published(str(published))


def test_settings_of_training_alone_may_differ(published):
    model = small(
        encoder_config=TINY | {"hidden_dropout": 0.5, "attention_dropout": 0.5, "layerdrop": 0.5}, freeze=False
    )
    model.train().load_published(str(published))
    assert all(module.training for module in model.modules())
