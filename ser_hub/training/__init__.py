"""What training needs and inference does not: the data module, schedulers."""

from ser_hub.training.data import SERDataModule
from ser_hub.training.schedulers import CosineWarmRestarts

__all__ = ["CosineWarmRestarts", "SERDataModule"]
