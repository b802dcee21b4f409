import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from ser_hub.models import EmoCatcher, EmoCatcherConfig
from ser_hub.models.emocatcher import from_original


def test_parameter_count_of_the_source():
    assert sum(p.numel() for p in EmoCatcher(EmoCatcherConfig()).parameters() if p.requires_grad) == 166_729


def test_label_smoothing_of_the_source():
    """0.9 on the class, 0.1 / 7 on each of the other seven."""
    model, logits = EmoCatcher(EmoCatcherConfig()), torch.randn(5, 8)
    labels = torch.tensor([0, 3, 7, 1, 2])
    target = torch.full((5, 8), 0.1 / 7).scatter(1, labels[:, None], 0.9)
    expected = -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()
    assert torch.isclose(model.criterion(logits, labels), expected, atol=1e-6)


def original_weights(bands, size, classes):
    """A state dict under the original code's names, drawn at random."""
    generator = torch.Generator().manual_seed(0)
    half = size // 2
    shapes = {"gru_layernorm.weight": (size,), "gru_layernorm.bias": (size,)}
    for block, (inside, out) in enumerate([(bands, half), (half, half), (half, size)], start=1):
        name = f"conv_block{block}.conv_block"
        shapes |= {f"{name}.0.weight": (out, inside, 3), f"{name}.0.bias": (out,)}
        shapes |= {f"{name}.1.layer_norm.weight": (out,), f"{name}.1.layer_norm.bias": (out,)}
    for direction in ("", "_reverse"):
        for kind, width in (("ih", size), ("hh", half)):
            shapes |= {
                f"gru.weight_{kind}_l0{direction}": (3 * half, width),
                f"gru.bias_{kind}_l0{direction}": (3 * half,),
            }
    for name, (inside, out) in {
        "attention.linear_q": (size, size), "attention.linear_k": (size, size), "attention.linear_z": (size, 1),
        "linear1.0": (size, half), "linear2": (half, classes),
    }.items():  # fmt: skip
        shapes |= {f"{name}.weight": (out, inside), f"{name}.bias": (out,)}
    weights = {key: 0.4 * torch.randn(shape, generator=generator) for key, shape in shapes.items()}
    for key in ("weight", "bias", "running_mean", "running_var"):
        weights[f"linear1.1.{key}"] = torch.rand(half, generator=generator) + 0.5
    return weights | {"linear1.1.num_batches_tracked": torch.tensor(3)}


def original_forward(weights, clip, size):
    """The original's arithmetic for one clip (time, bands), written out with torch's functions."""
    x = clip.T[None]
    for block in (1, 2, 3):
        name = f"conv_block{block}.conv_block"
        x = F.conv1d(x, weights[f"{name}.0.weight"], weights[f"{name}.0.bias"], padding=1)
        norm = weights[f"{name}.1.layer_norm.weight"], weights[f"{name}.1.layer_norm.bias"]
        x = F.gelu(F.layer_norm(x.transpose(1, 2), (x.shape[1],), *norm)).transpose(1, 2)
    pooled = F.max_pool1d(x, 2).transpose(1, 2)
    gru = torch.nn.GRU(size, size // 2, batch_first=True, bidirectional=True)
    gru.load_state_dict({key.removeprefix("gru."): value for key, value in weights.items() if key.startswith("gru.")})
    states, last = gru(F.layer_norm(pooled, (size,), weights["gru_layernorm.weight"], weights["gru_layernorm.bias"]))

    def linear(name, value):
        return F.linear(value, weights[f"{name}.weight"], weights[f"{name}.bias"])

    query = torch.cat([last[0], last[1]], dim=-1)
    energy = linear(
        "attention.linear_z", torch.tanh(linear("attention.linear_q", query) + linear("attention.linear_k", states[0]))
    )
    context = (energy.softmax(dim=0) * states[0]).sum(dim=0)
    mean, variance = weights["linear1.1.running_mean"], weights["linear1.1.running_var"]
    hidden = (linear("linear1.0", context) - mean) / (variance + 1e-5).sqrt()
    return linear("linear2", F.gelu(hidden * weights["linear1.1.weight"] + weights["linear1.1.bias"]))


@pytest.mark.parametrize("time", [2, 3, 20, 21])
def test_weights_of_the_original_code_give_its_logits(time):
    weights = original_weights(bands=6, size=16, classes=3)
    model = EmoCatcher(EmoCatcherConfig(input_size=6, hidden_size=16, labels=["a", "b", "c"])).eval()
    model.load_state_dict(from_original(weights))  # strict: every key has its place
    clip = torch.randn(time, 6)
    padded = torch.cat([clip, torch.full((7, 6), 9.0)])
    mask = torch.cat([torch.ones(time), torch.zeros(7)])
    expected = original_forward(weights, clip, size=16)
    assert torch.allclose(model(clip[None]).logits[0], expected, atol=1e-5)
    assert torch.allclose(model(padded[None], mask[None]).logits[0], expected, atol=1e-5)


def test_attention_is_over_the_frames():
    model = EmoCatcher(EmoCatcherConfig(input_size=6, hidden_size=16)).eval()
    weights = model(torch.randn(2, 9, 6), torch.tensor([[1] * 9, [1] * 5 + [0] * 4])).attentions
    assert weights.shape == (2, 9) and torch.allclose(weights.sum(dim=1), torch.ones(2))
    assert not weights[1, 4:].any() and torch.equal(weights[0, 0:8:2], weights[0, 1:8:2])


def test_initialisation():
    torch.manual_seed(0)
    model = EmoCatcher(EmoCatcherConfig())
    assert all(not p.any() for name, p in model.named_parameters() if name.endswith("bias") or "bias_" in name)
    assert model.classifier.weight.std().item() == pytest.approx(
        (2 / 64) ** 0.5, rel=0.1
    )  # Kaiming normal, gain of ReLU
    assert model.attention.key.weight.abs().max().item() <= (6 / 256) ** 0.5  # Xavier uniform
    recurrent = model.gru.ahead.weight_hh_l0.detach()
    assert torch.allclose(recurrent.T @ recurrent, torch.eye(64), atol=1e-5)


def test_the_recipe_has_the_source_s_optimiser_and_schedule():
    from ser_hub.cli import lightning

    cli = lightning(
        ["--config=configs/emocatcher.yaml", "--trainer.logger=false", "--trainer.accelerator=cpu"], run=False
    )
    chosen = cli.model.configure_optimizers()
    (group,) = chosen["optimizer"].param_groups
    assert type(chosen["optimizer"]).__name__ == "AdaBelief"
    assert {key: group[key] for key in ("lr", "eps", "weight_decay", "weight_decouple")} == {
        "lr": 1e-3, "eps": 1e-8, "weight_decay": 1e-7, "weight_decouple": False,
    }  # fmt: skip
    schedule = chosen["lr_scheduler"]["scheduler"]
    assert chosen["lr_scheduler"]["monitor"] == "train/loss"
    assert (schedule.factor, schedule.patience, schedule.cooldown, schedule.threshold) == (0.7, 2, 3, 1e-3)
    assert schedule.min_lrs == [1e-6] and cli.trainer.max_epochs == 100 and cli.datamodule.batch_size == 32
