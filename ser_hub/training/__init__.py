"""What training needs and inference does not: the data module, augmentation, schedulers, callbacks."""

from ser_hub.training.augmentation import (
    Augmentation,
    Gain,
    PeakNoise,
    PitchShift,
    Reverberation,
    Shift,
    SpecAugment,
    Speed,
    TimeStretch,
    UniformNoise,
    WhiteNoise,
)
from ser_hub.training.callbacks import BatchNormWithoutDropout, ChannelsLast
from ser_hub.training.data import SERDataModule
from ser_hub.training.schedulers import CosineWarmRestarts

__all__ = [
    "Augmentation",
    "BatchNormWithoutDropout",
    "ChannelsLast",
    "CosineWarmRestarts",
    "Gain",
    "PeakNoise",
    "PitchShift",
    "Reverberation",
    "SERDataModule",
    "Shift",
    "SpecAugment",
    "Speed",
    "TimeStretch",
    "UniformNoise",
    "WhiteNoise",
]
