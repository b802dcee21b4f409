"""Parts that several architectures share.

Sequences are (batch, time, dim); masks are (batch, time), nonzero where the frame is real.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import initialization as init


def full_mask(sequence: Tensor) -> Tensor:
    """Return the mask (batch, time) that says every frame of a sequence (batch, time, dim) is real."""
    return torch.ones(sequence.shape[:2], dtype=torch.bool, device=sequence.device)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over time that gives padded frames weight 0, so that a clip's weights do not depend on its batch.

    Args:
        scores: (batch, time).
        mask: (batch, time), nonzero where the frame is real.

    Returns:
        Weights (batch, time) in float32 that sum to 1 over the real frames.
    """
    return scores.float().masked_fill(~mask.bool(), -torch.inf).softmax(dim=-1)


class AttentionPooling(nn.Module):
    """Weighted mean over time with one learned query: e_t = u^T h_t, alpha = softmax(e), context = sum_t alpha_t h_t.

    Args:
        hidden_size: Dimension of the frames and of u.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw u as `nn.Linear(hidden_size, 1)` would draw its weight."""
        bound = self.query.shape[0] ** -0.5
        nn.init.uniform_(self.query, -bound, bound)

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pool frames (batch, time, hidden_size) to the context (batch, hidden_size) and its weights (batch, time)."""
        weights = masked_softmax(frames @ self.query, mask)
        return torch.einsum("bt,bth->bh", weights.to(frames.dtype), frames), weights


class MaskedBatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation of frames (batch, time, num_features) whose training statistics leave padding out."""

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        """Normalise frames (batch, time, num_features); padded frames come out as zeros while training."""
        if not self.training:  # running statistics: elementwise, so padding cannot reach a real frame
            return super().forward(frames.transpose(1, 2)).transpose(1, 2)
        real = super().forward(frames[mask.bool()])  # (real frames, num_features)
        return real.new_zeros(frames.shape).masked_scatter(mask.bool().unsqueeze(-1), real)


class Bidirectional(nn.Module):
    """Bidirectional LSTM or GRU whose backward direction starts at each clip's last real frame, not in its padding.

    Packed sequences do the same, but neither torch.export nor ONNX takes them. Clips must be padded at their end.

    Args:
        cell: `torch.nn.LSTM` or `torch.nn.GRU`.
        input_size: Dimension of the frames.
        hidden_size: Width of each direction.
        dropout: Probability of an input dimension to be dropped for the whole clip, drawn for each direction (Keras's
            `LSTM(dropout=...)`).
    """

    def __init__(self, cell: type[nn.LSTM | nn.GRU], input_size: int, hidden_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.ahead = cell(input_size, hidden_size, batch_first=True)
        self.back = cell(input_size, hidden_size, batch_first=True)
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Read frames (batch, time, input_size).

        Returns:
            Both directions' states at every frame and at the end of their way: (batch, time, 2 hidden_size) and
            (batch, 2 hidden_size).
        """
        time = torch.arange(frames.shape[1], device=frames.device)
        length = mask.bool().sum(dim=1, keepdim=True)  # (B, 1)
        mirror = torch.where(time < length, length - 1 - time, time).unsqueeze(-1)  # (B, T, 1), its own inverse
        ahead, _ = self.ahead(self._drop(frames))
        back, _ = self.back(self._drop(frames).gather(1, mirror.expand_as(frames)))
        back = back.gather(1, mirror.expand_as(back))
        last = (length - 1).unsqueeze(-1).expand(-1, 1, ahead.shape[-1])
        final = torch.cat([ahead.gather(1, last).squeeze(1), back[:, 0]], dim=-1)
        return torch.cat([ahead, back], dim=-1), final

    def _drop(self, frames: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(frames.transpose(1, 2)).transpose(1, 2)
        return dropped


def initialise_as_keras(module: nn.Linear | nn.Conv1d | nn.RNNBase) -> None:
    """Draw the weights as Keras's Dense, Conv1D, LSTM, GRU and SimpleRNN do where a source says nothing.

    Glorot uniform input weights, orthogonal recurrent weights, zero biases, and 1 for the forget gate, which torch's
    second bias does not double.
    """
    for name, parameter in module.named_parameters():
        if name.startswith("weight_hh"):
            init.orthogonal_(parameter)
        elif name.startswith("weight"):
            init.xavier_uniform_(parameter)
        else:
            bias = torch.zeros_like(parameter)
            if name.startswith("bias_ih") and isinstance(module, nn.LSTM):
                quarter = len(bias) // 4  # torch's gate order: input, forget, cell, output
                bias[quarter : 2 * quarter] = 1.0
            init.copy_(parameter, bias)


def conv_stack(channels: Sequence[int], kernels: Sequence[int], pools: Sequence[int], dropout: float) -> nn.Sequential:
    """Return 2D convolution blocks over images (batch, 1, height, width): Conv > BatchNorm > MaxPool > ReLU > dropout.

    The sources have ReLU before the pooling: the same values, on a map several times as large.

    Args:
        channels: Channels that each block gives.
        kernels: Kernel size of each block's convolution, which keeps height and width.
        pools: Factor by which each block's pooling divides height and width.
        dropout: Dropout probability after each block.
    """
    blocks: list[nn.Module] = []
    for inside, out, kernel, pool in zip([1, *channels[:-1]], channels, kernels, pools, strict=True):
        blocks += [
            nn.Conv2d(inside, out, kernel, padding=kernel // 2),
            nn.BatchNorm2d(out),
            nn.MaxPool2d(pool),
            nn.ReLU(),
            nn.Dropout(dropout),
        ]
    return nn.Sequential(*blocks)
