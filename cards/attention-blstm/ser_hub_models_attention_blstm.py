"""Attention_BLSTM, a bidirectional LSTM with additive attention beside its final states (Cantini, 2020).

    frames > BiLSTM > [additive attention pooling, final states] > Linear

The public design of this name (speech_emotion_recognition by R. Cantini, with its article "Emotion detection from
speech using Bi-directional LSTM networks and attention mechanism in Keras") settles what the report leaves open:
e_t = v . tanh(W h_t) / sqrt(256), with the entries of W and v drawn from N(0, 1).

Trainable parameters for 46 features and 6 classes: 760,070; Keras counts 758,022, for its LSTM has one bias where
torch's has two.

Departures from the source: padded frames of a batch are masked. The source has none, for its clips all last 5 s; the
silence that fills a clip up to that is heard as it is there.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from .ser_hub_models_base import SERConfig, SERModel
from .ser_hub_models_layers import Bidirectional, full_mask, initialise_as_keras, masked_softmax


class AttentionBLSTMConfig(SERConfig):
    """Configuration of Attention_BLSTM.

    Args:
        input_size: Number of features per frame.
        hidden_size: Width of each direction of the LSTM, and of the attention's hidden layer.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "attention_blstm"

    def __init__(
        self,
        input_size: int = 46,
        hidden_size: int = 256,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.hidden_size = hidden_size
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class AttentionBLSTM(SERModel):
    """Bidirectional LSTM, classified by what its attention collects and by its final states.

    Args:
        config: Its configuration.
    """

    config: AttentionBLSTMConfig
    config_class = AttentionBLSTMConfig

    def __init__(self, config: AttentionBLSTMConfig) -> None:
        super().__init__(config)
        hidden_size = self.config.hidden_size
        self.lstm = Bidirectional(nn.LSTM, self.config.input_size, hidden_size)
        self.projection = nn.Linear(2 * hidden_size, hidden_size, bias=False)  # W
        self.energy = nn.Linear(hidden_size, 1, bias=False)  # v
        self.classifier = nn.Linear(4 * hidden_size, self.config.num_labels)
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
            logits (batch, num_labels), attentions (batch, time), hidden_states ((batch, 4 hidden_size),).
        """
        mask = full_mask(input_features) if attention_mask is None else attention_mask
        states, final = self.lstm(input_features, mask)  # (B, T, 2 hidden), (B, 2 hidden)
        weights = masked_softmax(self.energies(states), mask)  # (B, T)
        context = torch.einsum("bt,bth->bh", weights.to(states.dtype), states)  # (B, 2 hidden)
        embedding = torch.cat([context, final], dim=-1)  # (B, 4 hidden)
        logits = self.classifier(embedding)  # (B, num_labels)
        return self.output(logits, labels, hidden_states=(embedding,), attentions=weights)

    def energies(self, states: Tensor) -> Tensor:
        """Return v . tanh(W h_t) / sqrt(hidden_size), shape (batch, time)."""
        energies: Tensor = self.energy(torch.tanh(self.projection(states))).squeeze(-1)
        return energies / math.sqrt(self.config.hidden_size)

    def _init_weights(self, module: nn.Module) -> None:
        """Draw the attention's weights from N(0, 1) as the source says, the others as Keras does by default."""
        if module in (self.projection, self.energy):
            init.normal_(module.weight)
        elif isinstance(module, nn.Linear | nn.LSTM):
            initialise_as_keras(module)
        else:
            super()._init_weights(module)
