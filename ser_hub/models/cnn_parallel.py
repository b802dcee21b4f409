"""A CNN and a BiLSTM with attention side by side (the public design Speech-Emotion-Classification-with-PyTorch).

    frames > [Conv2d > BatchNorm > ReLU > MaxPool > dropout] x 4 > flatten      |
                                                                                | concatenated > Linear
    frames > MaxPool 4 x 2 (time x mel) > BiLSTM > dropout > attention pooling  |

263,593 trainable parameters for 563 frames of 128 mel bands and 8 classes. All clips are of one length, so that nothing
is masked. The design standardises every pixel of the training part's spectrograms, here every mel band.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hub.models.base import SERConfig, SERModel
from ser_hub.models.layers import conv_stack

CHANNELS, KERNELS, POOLS = (16, 32, 64, 64), (3, 3, 3, 3), (2, 4, 4, 4)
REDUCTION = (4, 2)
"""Factors by which the BiLSTM's input is pooled over time and mel bands."""


class CNNParallelConfig(SERConfig):
    """Configuration of the parallel CNN and BiLSTM.

    Args:
        input_size: Number of mel bands.
        frames: Number of frames of every clip, on which the size of the last layer depends.
        hidden_size: Width of each direction of the LSTM.
        dropout: Dropout probability after each convolution block.
        recurrent_dropout: Dropout probability after the LSTM.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "cnn_parallel"

    def __init__(
        self,
        input_size: int = 128,
        frames: int = 563,
        hidden_size: int = 128,
        dropout: float = 0.3,
        recurrent_dropout: float = 0.1,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.frames = frames
        self.hidden_size = hidden_size
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class CNNParallel(SERModel):
    """A CNN over the whole spectrogram beside a BiLSTM with attention over its frames.

    Args:
        config: Its configuration.
    """

    config: CNNParallelConfig
    config_class = CNNParallelConfig

    def __init__(self, config: CNNParallelConfig) -> None:
        super().__init__(config)
        config = self.config
        self.cnn = conv_stack(CHANNELS, KERNELS, POOLS, config.dropout)
        height, width = config.input_size, config.frames
        for pool in POOLS:
            height, width = height // pool, width // pool
        self.reduce = nn.MaxPool2d(REDUCTION)
        self.lstm = nn.LSTM(config.input_size // REDUCTION[1], config.hidden_size, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(config.recurrent_dropout)
        self.energy = nn.Linear(2 * config.hidden_size, 1)
        self.classifier = nn.Linear(CHANNELS[-1] * height * width + 2 * config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify clips of `frames` frames.

        Args:
            input_features: (batch, frames, input_size).
            attention_mask: Taken for the contract's sake; clips are of one length.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), attentions (batch, frames // 4), hidden_states ((batch, size),).
        """
        image = input_features.unsqueeze(1)  # (B, 1, T, mel)
        seen = self.cnn(image.transpose(2, 3)).flatten(1)  # (B, channels mel time)
        states, _ = self.lstm(self.reduce(image).squeeze(1))  # (B, T // 4, 2 hidden)
        states = self.dropout(states)
        weights = self.energy(states).squeeze(-1).float().softmax(dim=1)  # (B, T // 4)
        heard = torch.einsum("bt,bth->bh", weights.to(states.dtype), states)  # (B, 2 hidden)
        embedding = torch.cat([seen, heard], dim=-1)
        return self.output(self.classifier(embedding), labels, hidden_states=(embedding,), attentions=weights)
