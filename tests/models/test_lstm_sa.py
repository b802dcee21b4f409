import pytest
import torch

from ser_hub.errors import InputError
from ser_hub.models import LSTMSA, LSTMSAConfig, ResLSTMSA, ResLSTMSAConfig
from ser_hub.models.layers import MaskedBatchNorm1d, masked_softmax


@pytest.mark.parametrize(
    ("model", "config", "hidden_size", "parameters"),
    [
        (LSTMSA, LSTMSAConfig, 32, 10_600),
        (LSTMSA, LSTMSAConfig, 64, 29_384),
        (LSTMSA, LSTMSAConfig, 128, 91_528),
        (ResLSTMSA, ResLSTMSAConfig, 32, 27_988),
        (ResLSTMSA, ResLSTMSAConfig, 64, 46_772),
        (ResLSTMSA, ResLSTMSAConfig, 128, 108_916),
    ],
)
def test_parameter_counts_of_the_paper(model, config, hidden_size, parameters):
    network = model(config(hidden_size=hidden_size))
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == parameters


def test_initialisation_of_the_paper():
    torch.manual_seed(0)
    network = ResLSTMSA(ResLSTMSAConfig())
    for lstm in (network.lstm, network.residual_lstm):
        width = lstm.hidden_size
        for bias in (lstm.bias_ih_l0, lstm.bias_hh_l0):
            gates = bias.detach().view(4, width)  # input, forget, cell, output
            assert torch.equal(gates, torch.tensor([0.0, 1.0, 0.0, 0.0])[:, None].expand(4, width))
        recurrent = lstm.weight_hh_l0.detach()  # (4 width, width): orthogonal columns
        assert torch.allclose(recurrent.T @ recurrent, torch.eye(width), atol=1e-5)
        expected = (2.0 / sum(lstm.weight_ih_l0.shape)) ** 0.5  # Glorot and Bengio 2010, equation 12
        assert lstm.weight_ih_l0.std().item() == pytest.approx(expected, rel=0.05)


def test_forward_of_reslstm_sa_by_hand():
    """The equations of the paper, for one clip in evaluation mode, written out with torch's cell."""
    torch.manual_seed(0)
    network = ResLSTMSA(ResLSTMSAConfig(input_size=3, hidden_size=4, labels=["a", "b"])).eval()
    for norm in (network.norm, network.residual_norm):  # as after some training
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)

    def run(lstm, sequence):
        cell = torch.nn.LSTMCell(lstm.input_size, lstm.hidden_size)
        cell.load_state_dict({name.removesuffix("_l0"): value for name, value in lstm.state_dict().items()})
        state, outputs = None, []
        for frame in sequence:
            state = cell(frame[None], state)
            outputs.append(state[0][0])
        return torch.stack(outputs)

    def normalise(norm, x):
        return (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias

    clip = torch.randn(7, 3)
    hidden = run(network.lstm, normalise(network.residual_norm, clip + run(network.residual_lstm, clip)))
    weights = torch.softmax(hidden @ network.attention.query, dim=0)
    expected = network.classifier(normalise(network.norm, weights @ hidden))
    output = network(clip[None])
    assert torch.allclose(output.logits[0], expected, atol=1e-5)
    assert torch.allclose(output.attentions[0], weights, atol=1e-5)


def test_prediction_does_not_depend_on_the_batch():
    torch.manual_seed(0)
    network = ResLSTMSA(ResLSTMSAConfig()).eval()
    long, short = torch.randn(50, 46), torch.randn(20, 46)
    features, mask = torch.zeros(2, 50, 46), torch.zeros(2, 50)
    features[0], features[1, :20], features[1, 20:] = long, short, 99.0
    mask[0], mask[1, :20] = 1, 1
    together = network(features, mask)
    assert torch.allclose(together.logits[1], network(short[None]).logits[0], atol=1e-5)
    assert not together.attentions[1, 20:].any()


def test_masked_batch_norm_leaves_padding_out_of_its_statistics():
    frames, mask = torch.randn(3, 6, 4), torch.ones(3, 6)
    mask[1, 3:] = 0
    frames[1, 3:] = 1e6
    norm = MaskedBatchNorm1d(4).train()
    output = norm(frames, mask)
    reference = torch.nn.BatchNorm1d(4).train()
    assert torch.allclose(output[mask.bool()], reference(frames[mask.bool()]), atol=1e-5)
    assert torch.allclose(norm.running_mean, reference.running_mean)
    assert torch.allclose(norm.running_var, reference.running_var)
    assert not output[1, 3:].any()


def test_masked_softmax():
    weights = masked_softmax(torch.tensor([[1.0, 2.0, 50.0]]), torch.tensor([[1, 1, 0]]))
    assert torch.allclose(weights, torch.tensor([[0.26894142, 0.73105858, 0.0]]))


def test_exports_with_a_dynamic_batch():
    """forward has no step that depends on the data; torch.export itself unrolls an LSTM over a fixed time."""
    network = ResLSTMSA(ResLSTMSAConfig(hidden_size=8)).eval()
    dynamic = {0: torch.export.Dim("batch", min=2, max=64)}
    program = torch.export.export(
        network, (torch.randn(3, 11, 46), torch.ones(3, 11)), dynamic_shapes=(dynamic, dynamic)
    )
    features, mask = torch.randn(5, 11, 46), torch.ones(5, 11)
    assert torch.allclose(program.module()(features, mask).logits, network(features, mask).logits, atol=1e-5)


def test_bfloat16_autocast():
    network = ResLSTMSA(ResLSTMSAConfig(hidden_size=8)).train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = network(torch.randn(4, 9, 46), torch.ones(4, 9), torch.tensor([0, 1, 2, 3])).loss
    loss.backward()
    assert torch.isfinite(loss)


def test_config_of_another_architecture_is_refused():
    with pytest.raises(InputError, match="LSTMSA takes a LSTMSAConfig, not a ResLSTMSAConfig"):
        LSTMSA(ResLSTMSAConfig())


def test_config_labels_survive_and_num_labels_resets():
    assert LSTMSAConfig().class_names[:2] == ["neutral", "calm"]
    config = LSTMSAConfig(labels=["x", "y", "z"])
    assert LSTMSAConfig.from_dict(config.to_dict()).class_names == ["x", "y", "z"]
    assert LSTMSAConfig(num_labels=5).num_labels == 5
