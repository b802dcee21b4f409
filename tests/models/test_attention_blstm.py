import pytest
import torch

from ser_hub.models import AttentionBLSTM, AttentionBLSTMConfig, BLSTMLocalAttention, BLSTMLocalAttentionConfig
from ser_hub.models.layers import Bidirectional

from .recurrent import run

SHEMO = ["anger", "surprise", "fear", "happiness", "sadness", "neutral"]


def test_parameter_count_of_the_source():
    model = AttentionBLSTM(AttentionBLSTMConfig(labels=SHEMO))
    total = sum(p.numel() for p in model.parameters() if p.requires_grad)
    second_biases = model.lstm.ahead.bias_hh_l0.numel() + model.lstm.back.bias_hh_l0.numel()
    assert total == 760_070
    assert total - second_biases == 758_022  # as Keras counts


def test_forward_by_hand():
    """The equations of the source for one clip, the LSTM with torch's cell."""
    torch.manual_seed(0)
    model = AttentionBLSTM(AttentionBLSTMConfig(input_size=3, hidden_size=4, labels=["a", "b"])).eval()
    clip = torch.randn(7, 3)
    ahead, back = run(model.lstm.ahead, clip), run(model.lstm.back, clip.flip(0))
    states = torch.cat([ahead, back.flip(0)], dim=1)  # (7, 8)
    energies = torch.stack([model.energy.weight[0] @ torch.tanh(model.projection.weight @ h) / 2 for h in states])
    weights = torch.softmax(energies, dim=0)
    embedding = torch.cat([weights @ states, ahead[-1], back[-1]])
    output = model(clip[None])
    assert torch.allclose(output.attentions[0], weights, atol=1e-6)
    assert torch.allclose(output.hidden_states[-1][0], embedding, atol=1e-6)
    assert torch.allclose(output.logits[0], model.classifier(embedding), atol=1e-6)


def test_bidirectional_lstm_equals_packed_sequences():
    """Against `torch.nn.LSTM(bidirectional=True)` over packed sequences, which skips padding as well."""
    torch.manual_seed(0)
    own, reference = Bidirectional(torch.nn.LSTM, 3, 4), torch.nn.LSTM(3, 4, batch_first=True, bidirectional=True)
    for name, value in own.ahead.state_dict().items():
        reference.state_dict()[name].copy_(value)
    for name, value in own.back.state_dict().items():
        reference.state_dict()[f"{name}_reverse"].copy_(value)
    frames, lengths = torch.randn(4, 9, 3), torch.tensor([9, 1, 5, 8])
    mask = (torch.arange(9) < lengths[:, None]).long()
    packed = torch.nn.utils.rnn.pack_padded_sequence(frames, lengths, batch_first=True, enforce_sorted=False)
    expected, (final, _) = reference(packed)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(expected, batch_first=True)
    states, last = own(frames, mask)
    assert torch.allclose(states[mask.bool()], expected[mask.bool()], atol=1e-6)
    assert torch.allclose(last, torch.cat([final[0], final[1]], dim=1), atol=1e-6)


def test_initialisation_of_the_source():
    torch.manual_seed(0)
    model = AttentionBLSTM(AttentionBLSTMConfig())
    for layer in (model.projection, model.energy):
        assert layer.weight.std().item() == pytest.approx(1.0, rel=0.1)
    assert model.classifier.weight.std().item() == pytest.approx((2 / (1024 + 8)) ** 0.5, rel=0.05)
    assert not model.classifier.bias.any()


MODELS = [
    AttentionBLSTM(AttentionBLSTMConfig(input_size=6, hidden_size=8)),
    BLSTMLocalAttention(BLSTMLocalAttentionConfig(input_size=6, dense_size=16, hidden_size=8)),
    BLSTMLocalAttention(BLSTMLocalAttentionConfig(input_size=6, dense_size=16, hidden_size=8, attention="free")),
]


@pytest.mark.parametrize("model", MODELS)
def test_prediction_does_not_depend_on_the_batch(model):
    model.eval()
    long, short = torch.randn(50, 6), torch.randn(20, 6)
    features, mask = torch.full((2, 50, 6), 99.0), torch.zeros(2, 50)
    features[0], features[1, :20] = long, short
    mask[0], mask[1, :20] = 1, 1
    together = model(features, mask)
    assert torch.allclose(together.logits[1], model(short[None]).logits[0], atol=1e-5)
    assert not together.attentions[1, 20:].any()


@pytest.mark.parametrize("model", MODELS)
def test_exports_with_a_dynamic_batch(model):
    model.eval()
    dynamic = {0: torch.export.Dim("batch", min=2, max=64)}
    program = torch.export.export(model, (torch.randn(3, 11, 6), torch.ones(3, 11)), dynamic_shapes=(dynamic, dynamic))
    features, mask = torch.randn(5, 11, 6), (torch.arange(11) < torch.tensor([11, 4, 1, 9, 11])[:, None]).float()
    assert torch.allclose(program.module()(features, mask).logits, model(features, mask).logits, atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_bfloat16_autocast(model):
    model.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model(torch.randn(4, 9, 6), torch.ones(4, 9), torch.tensor([0, 1, 2, 3])).loss
    loss.backward()
    assert torch.isfinite(loss)
