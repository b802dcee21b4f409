import pytest
import torch

from ser_hub.errors import InputError
from ser_hub.models import CNNMFCC, CNNMFCCConfig, StackedRNN, StackedRNNConfig
from ser_hub.models.baselines import ReluLSTM


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("lstm-relu", 4), ("gru", 3), ("rnn", 1)])
def test_parameter_counts_by_hand(cell, gates):
    network = StackedRNN(StackedRNNConfig(cell=cell))
    expected = gates * 128 * (40 + 128 + 2) + gates * 64 * (128 + 64 + 2) + 64 * 8 + 8
    assert sum(p.numel() for p in network.parameters()) == expected


def test_cnn_parameter_count_by_hand():
    expected = (3 * 40 * 64 + 64) + (3 * 64 * 128 + 128) + (128 * 64 + 64) + (64 * 8 + 8)
    assert sum(p.numel() for p in CNNMFCC(CNNMFCCConfig()).parameters()) == expected


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_last_real_state_against_packed_sequences(cell):
    torch.manual_seed(0)
    network = StackedRNN(StackedRNNConfig(input_size=3, cell=cell, hidden_sizes=(5, 4), labels=["a", "b"])).eval()
    clips, lengths = torch.randn(3, 9, 3), torch.tensor([9, 4, 1])
    packed = torch.nn.utils.rnn.pack_padded_sequence(clips, lengths, batch_first=True, enforce_sorted=False)
    for layer in network.layers:
        packed, last = layer(packed)
    last = last[0] if isinstance(last, tuple) else last
    mask = torch.arange(9) < lengths[:, None]
    assert torch.allclose(network(clips, mask).logits, network.classifier(last[0]), atol=1e-6)


def test_relu_lstm_equations():
    """By numpy-like loops; and with tanh in ReLU's place it is torch's own LSTM."""
    torch.manual_seed(0)
    layer, clip = ReluLSTM(3, 4, batch_first=True), torch.randn(6, 3)

    def run(squash):
        state = cell = torch.zeros(4)
        states = []
        for frame in clip:
            gates = layer.weight_ih_l0 @ frame + layer.bias_ih_l0 + layer.weight_hh_l0 @ state + layer.bias_hh_l0
            i, f, g, o = gates.view(4, 4)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * squash(g)
            state = torch.sigmoid(o) * squash(cell)
            states.append(state)
        return torch.stack(states)

    assert torch.allclose(layer(clip[None])[0][0], run(torch.relu), atol=1e-6)
    assert torch.allclose(torch.nn.LSTM.forward(layer, clip[None])[0][0], run(torch.tanh), atol=1e-6)
    assert not torch.allclose(run(torch.relu), run(torch.tanh), atol=1e-2)


def test_unknown_cell_is_refused():
    with pytest.raises(InputError, match="cell 'elman' is not known; choose lstm, lstm-relu, gru, rnn"):
        StackedRNNConfig(cell="elman")
