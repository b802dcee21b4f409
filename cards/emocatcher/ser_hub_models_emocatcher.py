"""EmoCatcher: convolutional attention bidirectional GRU (hwang9u, https://github.com/hwang9u/emocatcher, 2023).

    frames > [Conv1d > LayerNorm > GELU > dropout] x 3 > MaxPool > LayerNorm > BiGRU > additive attention >
    Linear > BatchNorm > GELU > dropout > Linear

166,729 trainable parameters for 64 mel bands and 8 classes. The layers and their order are the source's, so that
weights trained by it are carried over by renaming keys (`from_original`).

Departures from the source: it lets padding into the convolutions, so that a clip's logits depend on its batch; here
padded frames are zero before each convolution, which is what a clip alone sees at its edges. Its initialisation first
draws the attention's query and key weights as Xavier uniform, as here, and then once more as Kaiming normal.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from .ser_hub_models_base import SERConfig, SERModel
from .ser_hub_models_layers import Bidirectional, full_mask, masked_softmax


class EmoCatcherConfig(SERConfig):
    """Configuration of EmoCatcher.

    Args:
        input_size: Number of mel bands.
        hidden_size: Channels of the last convolution, and width of both directions of the GRU together.
        dropout: Dropout probability in the convolution blocks.
        head_dropout: Dropout probability before the last layer.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it. The source puts 0.9 on the class and 0.1 / 7 on each of
            the other seven: 0.1 * 8 / 7 in torch's count, which spreads over all eight.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "emocatcher"

    def __init__(
        self,
        input_size: int = 64,
        hidden_size: int = 128,
        dropout: float = 0.2,
        head_dropout: float = 0.1,
        labels: list[str] | None = None,
        label_smoothing: float = 0.1 * 8 / 7,
        **kwargs: Any,
    ) -> None:
        self.hidden_size = hidden_size
        self.dropout = dropout
        self.head_dropout = head_dropout
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class ConvBlock(nn.Module):
    """Convolution over time, normalised over its channels.

    Args:
        in_channels: Dimension of the frames that come in.
        out_channels: Dimension of the frames that go out.
        dropout: Dropout probability.
    """

    def __init__(self, in_channels: int, out_channels: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size=3, padding="same")
        self.norm = nn.LayerNorm(out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Map frames (batch, time, in_channels) to (batch, time, out_channels); padded ones do not reach real ones."""
        real = frames * mask.unsqueeze(-1).to(frames.dtype)
        convolved = self.conv(real.transpose(1, 2)).transpose(1, 2)
        out: Tensor = self.dropout(nn.functional.gelu(self.norm(convolved)))
        return out


class AdditiveAttention(nn.Module):
    """Attention of one query over frames (Bahdanau et al. 2015): e_t = v . tanh(W q + U k_t).

    Args:
        size: Dimension of the query and of the frames.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.energy = nn.Linear(size, 1)

    def forward(self, query: Tensor, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pool frames (batch, time, size) by a query (batch, size): context (batch, size), weights (batch, time)."""
        energies = self.energy(torch.tanh(self.query(query).unsqueeze(1) + self.key(frames))).squeeze(-1)
        weights = masked_softmax(energies, mask)
        return torch.einsum("bt,bth->bh", weights.to(frames.dtype), frames), weights


class EmoCatcher(SERModel):
    """Three convolutions, a bidirectional GRU and additive attention.

    Args:
        config: Its configuration.
    """

    config: EmoCatcherConfig
    config_class = EmoCatcherConfig

    def __init__(self, config: EmoCatcherConfig) -> None:
        super().__init__(config)
        bands, size, dropout = self.config.input_size, self.config.hidden_size, self.config.dropout
        self.blocks = nn.ModuleList(
            [
                ConvBlock(bands, size // 2, dropout),
                ConvBlock(size // 2, size // 2, dropout),
                ConvBlock(size // 2, size, dropout),
            ]
        )
        self.pool = nn.MaxPool1d(2)
        self.norm = nn.LayerNorm(size)
        self.gru = Bidirectional(nn.GRU, size, size // 2)
        self.attention = AdditiveAttention(size)
        self.hidden = nn.Linear(size, size // 2)
        self.hidden_norm = nn.BatchNorm1d(size // 2)
        self.dropout = nn.Dropout(self.config.head_dropout)
        self.classifier = nn.Linear(size // 2, self.config.num_labels)
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify padded clips.

        Args:
            input_features: (batch, time, input_size), at least two frames a clip.
            attention_mask: (batch, time), 1 where the frame is real; None where all are. Padding is at the end.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), attentions (batch, time), the weight of a pooled frame being shared by the two
            that it was pooled from, hidden_states ((batch, hidden_size),).
        """
        mask = full_mask(input_features) if attention_mask is None else attention_mask
        frames = input_features
        for block in self.blocks:
            frames = block(frames, mask)  # (B, T, hidden)
        pooled = self.norm(self.pool(frames.transpose(1, 2)).transpose(1, 2))  # (B, T // 2, hidden)
        pooled_mask = mask[:, 1::2]  # a pooled frame is real where both of its frames are: length // 2 of them
        states, final = self.gru(pooled, pooled_mask)  # (B, T // 2, hidden), (B, hidden)
        embedding, weights = self.attention(final, states, pooled_mask)  # (B, hidden), (B, T // 2)
        hidden = nn.functional.gelu(self.hidden_norm(self.hidden(embedding)))
        logits = self.classifier(self.dropout(hidden))  # (B, num_labels)
        shared = nn.functional.pad(weights.repeat_interleave(2, dim=1) / 2, (0, mask.shape[1] % 2))  # (B, T)
        return self.output(logits, labels, hidden_states=(embedding,), attentions=shared)

    def _init_weights(self, module: nn.Module) -> None:
        """Kaiming normal; attention query and key and the GRU's input Xavier uniform, its recurrence orthogonal."""
        if isinstance(module, nn.Conv1d | nn.Linear):
            draw = (
                init.xavier_uniform_ if module in (self.attention.query, self.attention.key) else init.kaiming_normal_
            )
            draw(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, nn.GRU):
            for name, parameter in module.named_parameters():
                if name.startswith("bias"):
                    init.zeros_(parameter)
                else:
                    (init.orthogonal_ if name.startswith("weight_hh") else init.xavier_uniform_)(parameter)
        else:
            super()._init_weights(module)


ORIGINAL_NAMES = {
    **{
        f"conv_block{block}.conv_block.{index}": f"blocks.{block - 1}.{name}"
        for block in (1, 2, 3)
        for index, name in (("0", "conv"), ("1.layer_norm", "norm"))
    },
    "gru_layernorm": "norm",
    "attention.linear_q": "attention.query",
    "attention.linear_k": "attention.key",
    "attention.linear_z": "attention.energy",
    "linear1.0": "hidden",
    "linear1.1": "hidden_norm",
    "linear2": "classifier",
}
"""The original code's names of modules, and ours."""


def from_original(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the state dict of a model that the original code trained, for `EmoCatcher.load_state_dict`."""
    renamed = {}
    for key, value in state_dict.items():
        module, _, parameter = key.rpartition(".")
        if module == "gru":
            direction = "back" if parameter.endswith("_reverse") else "ahead"
            renamed[f"gru.{direction}.{parameter.removesuffix('_reverse')}"] = value
        else:
            renamed[f"{ORIGINAL_NAMES[module]}.{parameter}"] = value
    return renamed
