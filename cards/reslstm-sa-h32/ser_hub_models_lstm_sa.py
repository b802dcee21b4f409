"""LSTM-SA and ResLSTM-SA (Krasnoproshin and Vashkevich, DSPA 2026, arXiv 2606.03359).

    LSTM-SA:     frames > LSTM > attention pooling > BatchNorm > dropout > Linear
    ResLSTM-SA:  frames > LSTM(same width) > + frames > BatchNorm > [LSTM-SA]

Trainable parameters for 46 features and 8 classes, at hidden sizes 32 / 64 / 128: LSTM-SA 10,600 / 29,384 / 91,528,
ResLSTM-SA 27,988 / 46,772 / 108,916.

Departures from the published code: its attention softmax and its first BatchNorm run over padded frames too, so that a
clip's prediction depends on its batch; here both are masked. The paper does not say how the attention vector begins:
here as the weight of a linear layer.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from .ser_hub_models_base import SERConfig, SERModel
from .ser_hub_models_layers import AttentionPooling, MaskedBatchNorm1d, full_mask


class LSTMSAConfig(SERConfig):
    """Configuration of LSTM-SA.

    Args:
        input_size: Number of features per frame.
        hidden_size: Width of the LSTM, and of the clip embedding.
        dropout: Dropout probability before the last layer.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "lstm_sa"

    def __init__(
        self,
        input_size: int = 46,
        hidden_size: int = 64,
        dropout: float = 0.3,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.hidden_size = hidden_size
        self.dropout = dropout
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class ResLSTMSAConfig(LSTMSAConfig):
    """Configuration of ResLSTM-SA: the same settings as LSTM-SA's."""

    model_type = "reslstm_sa"


class LSTMSA(SERModel):
    """LSTM with attention pooling over time.

    Args:
        config: Its configuration.
    """

    config: LSTMSAConfig
    config_class = LSTMSAConfig

    def __init__(self, config: LSTMSAConfig) -> None:
        super().__init__(config)
        self.lstm = nn.LSTM(self.config.input_size, self.config.hidden_size, batch_first=True)
        self.attention = AttentionPooling(self.config.hidden_size)
        self.norm = nn.BatchNorm1d(self.config.hidden_size)
        self.dropout = nn.Dropout(self.config.dropout)
        self.classifier = nn.Linear(self.config.hidden_size, self.config.num_labels)
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify padded clips.

        Args:
            input_features: (batch, time, input_size).
            attention_mask: (batch, time), 1 where the frame is real; None where all are.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), attentions (batch, time), hidden_states ((batch, hidden_size),).
        """
        mask = full_mask(input_features) if attention_mask is None else attention_mask
        frames, _ = self.lstm(self.residual(input_features, mask))  # (B, T, hidden)
        context, weights = self.attention(frames, mask)  # (B, hidden), (B, T)
        embedding = self.norm(context)
        logits = self.classifier(self.dropout(embedding))  # (B, num_labels)
        return self.output(logits, labels, hidden_states=(embedding,), attentions=weights)

    def residual(self, input_features: Tensor, _mask: Tensor) -> Tensor:
        """Return what the LSTM reads: in LSTM-SA the features themselves."""
        return input_features

    def _init_weights(self, module: nn.Module) -> None:
        """Xavier normal input weights, orthogonal recurrent weights, zero biases with both forget gates at 1."""
        if not isinstance(module, nn.LSTM):
            super()._init_weights(module)
            return
        for name, parameter in module.named_parameters():
            if name.startswith("weight_ih"):
                init.xavier_normal_(parameter)
            elif name.startswith("weight_hh"):
                init.orthogonal_(parameter)
            else:
                bias = torch.zeros_like(parameter)
                bias[module.hidden_size : 2 * module.hidden_size] = (
                    1.0  # torch's gate order: input, forget, cell, output
                )
                init.copy_(parameter, bias)


class ResLSTMSA(LSTMSA):
    """LSTM-SA behind a residual LSTM of the input's own width.

    Args:
        config: Its configuration.
    """

    config: ResLSTMSAConfig
    config_class = ResLSTMSAConfig

    def __init__(self, config: ResLSTMSAConfig) -> None:
        super().__init__(config)
        self.residual_lstm = nn.LSTM(self.config.input_size, self.config.input_size, batch_first=True)
        self.residual_norm = MaskedBatchNorm1d(self.config.input_size)
        self.post_init()

    def residual(self, input_features: Tensor, mask: Tensor) -> Tensor:
        """Return BatchNorm(X + LSTM(X)), shape (batch, time, input_size)."""
        hidden, _ = self.residual_lstm(input_features)
        normalised: Tensor = self.residual_norm(input_features + hidden, mask)
        return normalised
