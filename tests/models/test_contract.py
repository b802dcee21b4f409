"""One contract, kept by every architecture."""

import copy

import pytest
import torch
from lightning.pytorch import Trainer
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader
from transformers import AutoConfig, AutoModel, AutoModelForAudioClassification

from ser_hub.errors import InputError
from ser_hub.models import ARCHITECTURES

from .cases import CASES, Case, batch

LABELS = ["low", "middle", "high"]


@pytest.fixture(params=sorted(ARCHITECTURES))
def name(request):
    return request.param


@pytest.fixture
def case(name) -> Case:
    assert name in CASES, f"tests/models/cases.py needs a line for {name}"
    return CASES[name]


@pytest.fixture
def model(name, case):
    torch.manual_seed(0)
    architecture = ARCHITECTURES[name]
    return architecture.model(architecture.config(labels=LABELS, **case.config))


def logits(model, inputs):
    return model(input_features=inputs["input_features"], attention_mask=inputs["attention_mask"]).logits


def loader(case):
    return DataLoader([0], batch_size=None, collate_fn=lambda _: batch(case) | {"clip_id": ["a"] * 6})


def quiet_trainer(tmp_path, **settings):
    return Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


def test_output(model, case):
    inputs = batch(case)
    output = model.eval()(**inputs)
    assert output.logits.shape == (6, 3)
    assert output.loss.ndim == 0
    expected = torch.nn.functional.cross_entropy(
        output.logits, inputs["labels"], label_smoothing=model.config.label_smoothing
    )
    assert torch.isclose(output.loss, expected)
    if output.attentions is not None:
        assert torch.allclose(output.attentions.sum(dim=-1), torch.ones(6), atol=1e-5)


def test_without_mask_equals_full_mask(model, case):
    inputs = batch(case)
    model.eval()
    assert torch.allclose(model(inputs["input_features"]).logits, logits(model, inputs), atol=1e-6)


def test_padding_does_not_change_logits(model, case):
    if not case.masks:
        pytest.skip("the source of this architecture takes clips of one length and does not mask")
    inputs = batch(case)
    features, mask = inputs["input_features"], inputs["attention_mask"]
    garbage = 7.0 * torch.ones(6, 5, features.shape[2])
    padded = torch.cat([features, garbage], dim=1), torch.cat([mask, torch.zeros(6, 5, dtype=mask.dtype)], dim=1)
    model.eval()
    with torch.no_grad():
        assert torch.allclose(model(*padded).logits, model(features, mask).logits, atol=1e-5)


def test_training_lowers_the_loss(model, case):
    torch.manual_seed(1)
    inputs = batch(case)
    optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=3e-3)
    model.eval()  # the same function before and after: no dropout
    before = model(**inputs).loss.item()
    model.train()
    for _ in range(30):
        optimizer.zero_grad()
        model(**inputs).loss.backward()
        optimizer.step()
    assert model(**inputs).loss.item() < before


def test_auto_classes_and_hub_round_trip(model, name, case, tmp_path):
    model.save_pretrained(tmp_path)
    inputs = batch(case)
    expected = logits(model.eval(), inputs)
    assert AutoConfig.from_pretrained(tmp_path).class_names == LABELS
    for auto in (AutoModel, AutoModelForAudioClassification):
        loaded, info = auto.from_pretrained(tmp_path, output_loading_info=True)
        assert type(loaded) is ARCHITECTURES[name].model
        assert not info["missing_keys"] and not info["unexpected_keys"]
        assert loaded.device.type == "cpu" and not loaded.training
        assert torch.equal(logits(loaded, inputs), expected)


def test_wrongly_prefixed_weights_are_refused(model, name, tmp_path):
    model.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({f"net.{key}": value for key, value in load_file(path).items()}, path, metadata={"format": "pt"})
    with pytest.raises(InputError, match="missing keys"):
        AutoModel.from_pretrained(tmp_path)


def test_fit_after_from_pretrained_then_checkpoint(model, case, tmp_path):
    model.save_pretrained(tmp_path / "hub")
    loaded = AutoModel.from_pretrained(tmp_path / "hub")
    before = copy.deepcopy(loaded.state_dict())
    modes = []
    forward = loaded.training_step
    loaded.training_step = lambda *args: modes.append(loaded.training) or forward(*args)
    trainer = quiet_trainer(tmp_path, max_epochs=1)
    trainer.fit(loaded, loader(case), loader(case))
    assert modes == [True]
    assert any(not torch.equal(before[key], value) for key, value in loaded.state_dict().items())
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    again = type(loaded).load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    inputs = batch(case)
    assert again.config.class_names == LABELS
    assert torch.equal(logits(again.eval(), inputs), logits(loaded.eval(), inputs))


def test_trainer_metrics(model, case, tmp_path):
    """UAR and WAR that the Trainer reports, against the closed forms."""
    inputs = batch(case)
    (reported,) = quiet_trainer(tmp_path).test(model, loader(case), verbose=False)
    guesses = logits(model.eval(), inputs).argmax(dim=-1)
    hits = (guesses == inputs["labels"]).float()
    recalls = [hits[inputs["labels"] == index].mean() for index in range(3)]
    assert reported["test/war"] == pytest.approx(hits.mean().item())
    assert reported["test/uar"] == pytest.approx(torch.stack(recalls).mean().item())
