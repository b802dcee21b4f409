"""Time-distributed 2D CNN with an LSTM over its chunks (the CNN-LSTM comparison paper, 2025, and a public design).

    frames > chunks > [Conv2d > BatchNorm > ReLU > MaxPool > dropout] x n > LSTM > last step or attention > Linear

One architecture with four recipes for 128 mel bands and chunks of 128 frames every 64; trainable parameters, 8 classes:

- `cnn-lstm` (Speech-Emotion-Classification-with-PyTorch, stacked CNN-LSTM): 147,816;
- `cnn-bilstm-attention` (the same source, stacked CNN-BiLSTM with attention): 582,761;
- `td-cnn-lstm` (the paper's model 1: six blocks, the first two with 5 x 5 kernels): 439,464;
- `td-cnn-bilstm-attention` (its model 2): 588,073; and its ablations without LSTM, in one direction, without dropout.

The paper gives neither channels nor pooling; here 16, 32, 64, 64, 128, 128 channels, each block halving height and
width, and an LSTM of 64 a direction. The public design standardises every pixel of the training part's spectrograms,
here every mel band. All clips are of one length, so that nothing is masked.

Departures in the recipes: the sources' noise is added to the stretch of a clip that is cut out and padded with zeros,
here to the clip before it is cut, so that padding stays silent; and `BatchNormWithoutDropout` estimates the statistics
of batch normalisation without dropout, for with it these models said one class to everything in evaluation mode.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from .ser_hub_errors import InputError
from .ser_hub_models_base import SERConfig, SERModel
from .ser_hub_models_layers import conv_stack

Recurrent = Literal["lstm", "bilstm", "none"]


class CNNLSTMConfig(SERConfig):
    """Configuration of the time-distributed CNN-LSTM.

    Args:
        input_size: Number of mel bands.
        chunk_length: Frames per chunk.
        chunk_hop: Frames between the starts of two chunks.
        channels: Channels of each convolution block.
        kernels: Kernel size of each block.
        pools: Factor by which each block divides height and width.
        dropout: Dropout probability after each block.
        recurrent: What reads the chunks: "lstm", "bilstm", or "none".
        hidden_size: Width of each direction of the LSTM.
        recurrent_dropout: Dropout probability after the LSTM.
        attention: Whether chunks are pooled by attention, else the last one's state is taken.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.

    Raises:
        InputError: There is no such `recurrent`, or the blocks' settings differ in number.
    """

    model_type = "cnn_lstm"

    def __init__(
        self,
        input_size: int = 128,
        chunk_length: int = 128,
        chunk_hop: int = 64,
        channels: Sequence[int] = (16, 32, 64, 128),
        kernels: Sequence[int] = (3, 3, 3, 3),
        pools: Sequence[int] = (2, 4, 4, 4),
        dropout: float = 0.4,
        recurrent: Recurrent = "lstm",
        hidden_size: int = 64,
        recurrent_dropout: float = 0.3,
        attention: bool = False,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if recurrent not in get_args(Recurrent):
            raise InputError(f"recurrent '{recurrent}' is not known; choose {', '.join(get_args(Recurrent))}")
        if not len(channels) == len(kernels) == len(pools):
            raise InputError(
                f"the recipe gives {len(channels)} channels, {len(kernels)} kernels and {len(pools)} pools; "
                f"each convolution block has one of each"
            )
        self.chunk_length = chunk_length
        self.chunk_hop = chunk_hop
        self.channels = list(channels)
        self.kernels = list(kernels)
        self.pools = list(pools)
        self.dropout = dropout
        self.recurrent = recurrent
        self.hidden_size = hidden_size
        self.recurrent_dropout = recurrent_dropout
        self.attention = attention
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class CNNLSTM(SERModel):
    """A CNN over each chunk of the spectrogram, an LSTM over the chunks.

    Args:
        config: Its configuration.
    """

    config: CNNLSTMConfig
    config_class = CNNLSTMConfig

    def __init__(self, config: CNNLSTMConfig) -> None:
        super().__init__(config)
        config = self.config
        self.cnn = conv_stack(config.channels, config.kernels, config.pools, config.dropout)
        height, width = config.input_size, config.chunk_length
        for pool in config.pools:
            height, width = height // pool, width // pool
        size = config.channels[-1] * height * width
        if config.recurrent != "none":
            both = config.recurrent == "bilstm"
            self.lstm = nn.LSTM(size, config.hidden_size, batch_first=True, bidirectional=both)
            size = config.hidden_size * (2 if both else 1)
        self.dropout = nn.Dropout(config.recurrent_dropout)
        if config.attention:
            self.energy = nn.Linear(size, 1)
        self.classifier = nn.Linear(size, config.num_labels)
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify clips of one length.

        Args:
            input_features: (batch, time, input_size), at least one chunk long; frames after the last whole chunk are
                not read.
            attention_mask: Taken for the contract's sake; clips are of one length.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), hidden_states ((batch, size),) and, where there is attention, attentions
            (batch, time): the weight of each chunk, spread over its frames.
        """
        chunks = input_features.unfold(1, self.config.chunk_length, self.config.chunk_hop)  # (B, C, mel, length)
        batch, count = chunks.shape[:2]
        embedded = self.cnn(chunks.flatten(0, 1).unsqueeze(1))  # (B C, channels, height, width)
        states = embedded.reshape(batch, count, -1)  # (B, C, size)
        if self.config.recurrent != "none":
            states, _ = self.lstm(states)
        states = self.dropout(states)
        over_time = None
        if self.config.attention:
            weights = self.energy(states).squeeze(-1).float().softmax(dim=1)  # (B, C)
            embedding = torch.einsum("bc,bch->bh", weights.to(states.dtype), states)
            spread = weights.new_full((1, 1, self.config.chunk_length), 1 / self.config.chunk_length)
            read = nn.functional.conv_transpose1d(weights.unsqueeze(1), spread, stride=self.config.chunk_hop).squeeze(1)
            over_time = nn.functional.pad(read, (0, input_features.shape[1] - read.shape[1]))  # (B, time)
        else:
            embedding = states[:, -1]
        return self.output(self.classifier(embedding), labels, hidden_states=(embedding,), attentions=over_time)
