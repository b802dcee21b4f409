"""Feature extractors, each a Hugging Face `SequenceFeatureExtractor`."""

from ser_hub.features.base import SERFeatureExtractor
from ser_hub.features.functionals import FunctionalsFeatureExtractor
from ser_hub.features.mfcc_chroma import MfccChromaFeatureExtractor

FEATURE_EXTRACTORS: tuple[type[SERFeatureExtractor], ...] = (
    FunctionalsFeatureExtractor,
    MfccChromaFeatureExtractor,
)
"""Every feature extractor; adding one is one line here."""

__all__ = ["FEATURE_EXTRACTORS", "FunctionalsFeatureExtractor", "MfccChromaFeatureExtractor", "SERFeatureExtractor"]
