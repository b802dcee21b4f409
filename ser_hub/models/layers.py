"""Parts that several architectures share.

Sequences are (batch, time, dim); masks are (batch, time), nonzero where the frame is real.
"""

import torch
from torch import Tensor, nn


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
