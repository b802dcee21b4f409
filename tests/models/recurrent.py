"""An LSTM one step at a time, the reference of tests of recurrent architectures."""

import torch


def run(lstm, sequence):
    """Return the states (time, hidden) of a one-layer `torch.nn.LSTM` over a sequence (time, dim), by its cell."""
    cell = torch.nn.LSTMCell(lstm.input_size, lstm.hidden_size)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in lstm.state_dict().items()})
    state, outputs = None, []
    for frame in sequence:
        state = cell(frame[None], state)
        outputs.append(state[0][0])
    return torch.stack(outputs)
