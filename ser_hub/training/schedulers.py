"""Learning-rate schedules that a recipe states relative to its learning rate."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts


class CosineWarmRestarts(CosineAnnealingWarmRestarts):
    """torch's cosine annealing with warm restarts, its floor given as a share of the learning rate.

    So a learning rate that is overridden or searched keeps the recipe's shape (eta_min = 0.01 lr in arXiv 2606.03359).

    Args:
        optimizer: The optimizer, with one learning rate for all parameters.
        T_0: Epochs until the first restart.
        T_mult: Factor by which each cycle is longer than the last.
        eta_min_ratio: The floor, as a share of the learning rate.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min_ratio: float = 0.01) -> None:  # noqa: N803
        lr = optimizer.param_groups[0]["lr"]
        super().__init__(optimizer, T_0=T_0, T_mult=T_mult, eta_min=eta_min_ratio * lr)
