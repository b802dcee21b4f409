import pytest
import torch

from ser_hub.errors import InputError
from ser_hub.models import BLSTMLocalAttention, BLSTMLocalAttentionConfig

from .recurrent import run


def network(**settings):
    torch.manual_seed(0)
    sizes = {"input_size": 3, "dense_size": 5, "hidden_size": 4, "labels": ["a", "b"]}
    return BLSTMLocalAttention(BLSTMLocalAttentionConfig(**(sizes | settings)))


@pytest.mark.parametrize(
    ("attention", "features", "classes", "parameters"),
    [
        # Dense 36 > 512 > 512, two LSTM(512 > 128) with torch's two biases, attention, Dense 256 > classes.
        ("constant", 36, 7, 18_944 + 262_656 + 2 * 328_704 + 65_792 + 1_799),
        ("constant", 36, 8, 1_006_856),
        ("constant", 34, 7, 1_005_575),
        ("free", 36, 7, 18_944 + 262_656 + 2 * 328_704 + 256 + 1_799),
    ],
)
def test_parameter_counts(attention, features, classes, parameters):
    labels = [str(number) for number in range(classes)]
    config = BLSTMLocalAttentionConfig(input_size=features, attention=attention, labels=labels)
    assert sum(p.numel() for p in BLSTMLocalAttention(config).parameters() if p.requires_grad) == parameters


@pytest.mark.parametrize("attention", ["constant", "free"])
def test_forward_by_hand(attention):
    """Every layer of the source for one clip in evaluation mode, the LSTM with torch's cell."""
    model = network(attention=attention).eval()
    clip = torch.randn(7, 3)
    hidden = clip
    for layer in (model.dense[0], model.dense[3]):
        hidden = torch.clamp(hidden @ layer.weight.T + layer.bias, min=0)
    y = torch.cat([run(model.lstm.ahead, hidden), run(model.lstm.back, hidden.flip(0)).flip(0)], dim=1)  # (7, 8)
    if attention == "constant":
        dense = model.attention.query
        u = torch.softmax(dense.weight.sum(dim=1) / 8 + dense.bias, dim=0)
    else:
        u = model.attention.query
    alpha = torch.softmax(y @ u, dim=0)
    expected = model.classifier(alpha @ y)
    output = model(clip[None])
    assert torch.allclose(output.attentions[0], alpha, atol=1e-6)
    assert torch.allclose(output.hidden_states[-1][0], alpha @ y, atol=1e-6)
    assert torch.allclose(output.logits[0], expected, atol=1e-6)


def test_attention_learns():
    """The query moves in training, though what feeds it is constant."""
    for attention in ("constant", "free"):
        model = network(attention=attention).train()
        model(torch.randn(4, 6, 3), labels=torch.tensor([0, 1, 0, 1])).loss.backward()
        assert all(parameter.grad.abs().max() > 0 for parameter in model.attention.parameters())


def test_initialisation_of_keras():
    model = network(dense_size=400, hidden_size=100)
    assert model.dense[3].weight.abs().max() <= (6 / 800) ** 0.5  # Glorot and Bengio 2010, equation 16
    assert model.dense[3].weight.std().item() == pytest.approx((2 / 800) ** 0.5, rel=0.05)
    assert not model.dense[3].bias.any()
    for lstm in (model.lstm.ahead, model.lstm.back):
        gates = (lstm.bias_ih_l0 + lstm.bias_hh_l0).view(4, 100)  # input, forget, cell, output
        assert torch.equal(gates, torch.tensor([0.0, 1.0, 0.0, 0.0])[:, None].expand(4, 100))
        recurrent = lstm.weight_hh_l0
        assert torch.allclose(recurrent.T @ recurrent, torch.eye(100), atol=1e-5)


def test_dropout_of_the_lstm_holds_for_the_whole_clip():
    """Keras drops an input dimension at every frame or at none."""
    model = network(dense_size=200).train()
    frames = model.lstm._drop(torch.ones(3, 9, 200))
    assert torch.equal(frames, frames[:, :1].expand_as(frames))
    assert set(frames.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(frames[0], frames[1])


def test_unknown_attention_is_refused():
    with pytest.raises(InputError, match="attention 'global' is not known; choose constant or free"):
        BLSTMLocalAttentionConfig(attention="global")
