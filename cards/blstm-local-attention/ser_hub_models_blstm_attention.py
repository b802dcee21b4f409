"""BLSTM with local attention (after Mirsamadi, Barsoum and Zhang, ICASSP 2017).

    frames > [Linear > ReLU > dropout] x 2 > BiLSTM > attention pooling > Linear

Trainable parameters for 36 features and 7 classes: 1,006,599 with the attention of the public code, 941,063 with that
of the paper. Keras counts 1,024 fewer, for its LSTM has one bias where torch's has two.

The attention weighs frame y_t by alpha = softmax over time of u . y_t. In the paper u is a free vector ("free"). The
public code takes u = softmax(W c + b) with the constant vector c = (1/256, ..., 1/256) as input ("constant"): positive
elements of sum 1, so that u . y_t stays a weighted mean of y_t's elements, within -1 and 1.

Departures from the public code: its attention softmax runs over the padding too, though its LSTM is masked; here both
are masked, so that fixed padding to 1,024 frames is not needed. Keras draws an input-dropout mask for every gate of the
LSTM, here for every direction.
"""

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from .ser_hub_errors import InputError
from .ser_hub_models_base import SERConfig, SERModel
from .ser_hub_models_layers import AttentionPooling, Bidirectional, full_mask, initialise_as_keras, masked_softmax

Attention = Literal["constant", "free"]


class BLSTMLocalAttentionConfig(SERConfig):
    """Configuration of the BLSTM with local attention.

    Args:
        input_size: Number of features per frame.
        dense_size: Width of the two dense layers before the LSTM.
        hidden_size: Width of each direction of the LSTM.
        attention: Where the attention vector comes from: "constant" (the public code) or "free" (the paper).
        dropout: Dropout probability after each dense layer and at the LSTM's input.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.

    Raises:
        InputError: There is no such attention.
    """

    model_type = "blstm_local_attention"

    def __init__(
        self,
        input_size: int = 36,
        dense_size: int = 512,
        hidden_size: int = 128,
        attention: Attention = "constant",
        dropout: float = 0.5,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if attention not in get_args(Attention):
            raise InputError(f"attention {attention!r} is not known; choose {' or '.join(get_args(Attention))}")
        self.dense_size = dense_size
        self.hidden_size = hidden_size
        self.attention = attention
        self.dropout = dropout
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class ConstantAttentionPooling(nn.Module):
    """Weighted mean over time whose query is the softmax of a dense layer of a constant vector.

    Args:
        hidden_size: Dimension of the frames and of the query.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size)

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pool frames (batch, time, hidden_size) to the context (batch, hidden_size) and its weights (batch, time)."""
        constant = torch.full_like(self.query.bias, 1 / self.query.in_features)
        query = self.query(constant).softmax(dim=-1)  # (hidden,)
        weights = masked_softmax(frames @ query.to(frames.dtype), mask)
        return torch.einsum("bt,bth->bh", weights.to(frames.dtype), frames), weights


class BLSTMLocalAttention(SERModel):
    """Two dense layers and a bidirectional LSTM with attention pooling over time.

    Args:
        config: Its configuration.
    """

    config: BLSTMLocalAttentionConfig
    config_class = BLSTMLocalAttentionConfig

    def __init__(self, config: BLSTMLocalAttentionConfig) -> None:
        super().__init__(config)
        config = self.config
        self.dense = nn.Sequential(
            nn.Linear(config.input_size, config.dense_size),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.dense_size, config.dense_size),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )
        self.lstm = Bidirectional(nn.LSTM, config.dense_size, config.hidden_size, config.dropout)
        pooling = ConstantAttentionPooling if config.attention == "constant" else AttentionPooling
        self.attention = pooling(2 * config.hidden_size)
        self.classifier = nn.Linear(2 * config.hidden_size, config.num_labels)
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
            logits (batch, num_labels), attentions (batch, time), hidden_states ((batch, 2 hidden_size),).
        """
        mask = full_mask(input_features) if attention_mask is None else attention_mask
        frames = self.dense(input_features)  # (B, T, dense)
        states, _ = self.lstm(frames, mask)  # (B, T, 2 hidden)
        embedding, weights = self.attention(states, mask)  # (B, 2 hidden), (B, T)
        logits = self.classifier(embedding)  # (B, num_labels)
        return self.output(logits, labels, hidden_states=(embedding,), attentions=weights)

    def _init_weights(self, module: nn.Module) -> None:
        """Initialise as Keras does by default; the free attention vector as `AttentionPooling` does."""
        if isinstance(module, nn.Linear | nn.LSTM):
            initialise_as_keras(module)
        else:
            super()._init_weights(module)
