"""Feature extractors, each a Hugging Face `SequenceFeatureExtractor`."""

from ser_hub.features.averages import AveragesFeatureExtractor
from ser_hub.features.base import SERFeatureExtractor
from ser_hub.features.functionals import FunctionalsFeatureExtractor
from ser_hub.features.log_mel import LogMelFeatureExtractor
from ser_hub.features.mfcc import MfccFeatureExtractor
from ser_hub.features.mfcc_chroma import MfccChromaFeatureExtractor
from ser_hub.features.panns_log_mel import PannsLogMelFeatureExtractor
from ser_hub.features.short_term import ShortTermFeatureExtractor
from ser_hub.features.spectral_mfcc_delta import SpectralMfccDeltaFeatureExtractor
from ser_hub.features.voiced_log_mel import VoicedLogMelFeatureExtractor
from ser_hub.features.waveform import WaveformFeatureExtractor

FEATURE_EXTRACTORS: tuple[type[SERFeatureExtractor], ...] = (
    AveragesFeatureExtractor,
    FunctionalsFeatureExtractor,
    LogMelFeatureExtractor,
    MfccChromaFeatureExtractor,
    MfccFeatureExtractor,
    PannsLogMelFeatureExtractor,
    ShortTermFeatureExtractor,
    SpectralMfccDeltaFeatureExtractor,
    VoicedLogMelFeatureExtractor,
    WaveformFeatureExtractor,
)
"""Every feature extractor; adding one is one line here."""

__all__ = [
    "FEATURE_EXTRACTORS",
    "AveragesFeatureExtractor",
    "FunctionalsFeatureExtractor",
    "LogMelFeatureExtractor",
    "MfccChromaFeatureExtractor",
    "MfccFeatureExtractor",
    "PannsLogMelFeatureExtractor",
    "SERFeatureExtractor",
    "ShortTermFeatureExtractor",
    "SpectralMfccDeltaFeatureExtractor",
    "VoicedLogMelFeatureExtractor",
    "WaveformFeatureExtractor",
]
