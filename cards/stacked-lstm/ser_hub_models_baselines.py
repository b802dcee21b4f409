"""The survey's baselines: stacked recurrent networks and a CNN over MFCC.

    StackedRNN:  frames > cell 128 > dropout > cell 64 > dropout > last state > Linear
    CNNMFCC:     frames > [Conv1d > ReLU > MaxPool > dropout] x 2 > mean over time > Linear > ReLU > dropout > Linear

StackedRNN's cells are LSTM, GRU, plain RNN (tanh), or the LSTM with ReLU in tanh's place that the source has (Keras's
`LSTM(activation="relu")`). Trainable parameters for 40 MFCC and 8 classes: LSTM 137,224 with either activation, GRU
103,048, RNN 34,696; CNNMFCC 41,224. The source has one output; here any number of classes. Padding is masked: the last
state is that of a clip's last real frame.
"""

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from .ser_hub_errors import InputError
from .ser_hub_models_base import SERConfig, SERModel
from .ser_hub_models_layers import full_mask, initialise_as_keras

Cell = Literal["lstm", "lstm-relu", "gru", "rnn"]


class StackedRNNConfig(SERConfig):
    """Configuration of the stacked recurrent network.

    Args:
        input_size: Number of features per frame.
        cell: What kind of cell: "lstm", "lstm-relu", "gru" or "rnn".
        hidden_sizes: Width of each layer.
        dropout: Dropout probability after each layer.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.

    Raises:
        InputError: There is no such cell.
    """

    model_type = "stacked_rnn"

    def __init__(
        self,
        input_size: int = 40,
        cell: Cell = "lstm",
        hidden_sizes: tuple[int, ...] = (128, 64),
        dropout: float = 0.2,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if cell not in get_args(Cell):
            raise InputError(f"cell '{cell}' is not known; choose {', '.join(get_args(Cell))}")
        self.cell = cell
        self.hidden_sizes = list(hidden_sizes)
        self.dropout = dropout
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class ReluLSTM(nn.LSTM):
    """One layer of LSTM whose candidate and output take ReLU in tanh's place; parameters as `torch.nn.LSTM` has them.

    c_t = f_t c_(t-1) + i_t relu(g_t), h_t = o_t relu(c_t). A loop over time, as torch has no such kernel.
    """

    def forward(self, frames: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        """Read frames (batch, time, input_size); returns the states (batch, time, hidden_size)."""
        enter_weight, state_weight, enter_bias, state_bias = self.all_weights[0]
        driven = nn.functional.linear(frames, enter_weight, enter_bias + state_bias)
        state = cell = frames.new_zeros(frames.shape[0], self.hidden_size)
        states = []
        for step in driven.unbind(dim=1):
            gates = step + nn.functional.linear(state, state_weight)
            enter, forget, candidate, leave = gates.chunk(4, dim=-1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.relu()
            state = leave.sigmoid() * cell.relu()
            states.append(state)
        return torch.stack(states, dim=1), None


CELLS: dict[Cell, type[nn.RNNBase]] = {"lstm": nn.LSTM, "lstm-relu": ReluLSTM, "gru": nn.GRU, "rnn": nn.RNN}


class StackedRNN(SERModel):
    """Recurrent layers, one upon the other, classified by the last state.

    Args:
        config: Its configuration.
    """

    config: StackedRNNConfig
    config_class = StackedRNNConfig

    def __init__(self, config: StackedRNNConfig) -> None:
        super().__init__(config)
        sizes = [self.config.input_size, *self.config.hidden_sizes]
        cell = CELLS[self.config.cell]
        self.layers = nn.ModuleList(
            cell(inside, out, batch_first=True)  # type: ignore[call-arg, arg-type]  # RNNBase itself also asks for the mode
            for inside, out in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.dropout = nn.Dropout(self.config.dropout)
        self.classifier = nn.Linear(sizes[-1], self.config.num_labels)
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify padded clips.

        Args:
            input_features: (batch, time, input_size).
            attention_mask: (batch, time), 1 where the frame is real; None where all are. Padding is at the end.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), hidden_states ((batch, hidden_sizes[-1]),).
        """
        mask = full_mask(input_features) if attention_mask is None else attention_mask
        frames = input_features
        for layer in self.layers:
            states, _ = layer(frames)
            frames = self.dropout(states)  # (B, T, hidden)
        last = (mask.bool().sum(dim=1) - 1).view(-1, 1, 1).expand(-1, 1, frames.shape[2])
        embedding = frames.gather(1, last).squeeze(1)  # (B, hidden)
        return self.output(self.classifier(embedding), labels, hidden_states=(embedding,))

    def _init_weights(self, module: nn.Module) -> None:
        """Initialise as Keras does by default, with which the source was written."""
        if isinstance(module, nn.Linear | nn.RNNBase):
            initialise_as_keras(module)
        else:
            super()._init_weights(module)


class CNNMFCCConfig(SERConfig):
    """Configuration of the CNN over MFCC.

    Args:
        input_size: Number of features per frame.
        channels: Channels of each convolution.
        dense_size: Width of the fully connected layer.
        dropout: Dropout probability.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "cnn_mfcc"

    def __init__(
        self,
        input_size: int = 40,
        channels: tuple[int, ...] = (64, 128),
        dense_size: int = 64,
        dropout: float = 0.2,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.channels = list(channels)
        self.dense_size = dense_size
        self.dropout = dropout
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class CNNMFCC(SERModel):
    """Convolutions over time, pooled to one vector.

    Args:
        config: Its configuration.
    """

    config: CNNMFCCConfig
    config_class = CNNMFCCConfig

    def __init__(self, config: CNNMFCCConfig) -> None:
        super().__init__(config)
        config = self.config
        sizes = [config.input_size, *config.channels]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inside, out, kernel_size=3, padding="same")
            for inside, out in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.pool = nn.MaxPool1d(2, ceil_mode=True)
        self.dropout = nn.Dropout(config.dropout)
        self.dense = nn.Linear(sizes[-1], config.dense_size)
        self.classifier = nn.Linear(config.dense_size, config.num_labels)
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify padded clips.

        Args:
            input_features: (batch, time, input_size).
            attention_mask: (batch, time), 1 where the frame is real; None where all are. Padding is at the end.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), hidden_states ((batch, dense_size),).
        """
        mask = full_mask(input_features) if attention_mask is None else attention_mask
        frames = input_features.transpose(1, 2)  # (B, channels, T)
        real = mask.unsqueeze(1).to(frames.dtype)  # (B, 1, T)
        for convolution in self.convolutions:
            frames = convolution(frames * real).relu() * real  # what is padded is 0, the least that ReLU gives
            frames, real = self.dropout(self.pool(frames)), self.pool(real)
        embedding = (frames * real).sum(dim=2) / real.sum(dim=2)  # (B, channels)
        embedding = self.dropout(self.dense(embedding).relu())
        return self.output(self.classifier(embedding), labels, hidden_states=(embedding,))
