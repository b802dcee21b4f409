"""Architectures, each a `PreTrainedModel` that is a `LightningModule`, registered with transformers' Auto classes."""

from typing import NamedTuple

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForAudioClassification

from ser_hub.features import (
    MfccChromaFeatureExtractor,
    SERFeatureExtractor,
    ShortTermFeatureExtractor,
    SpectralMfccDeltaFeatureExtractor,
)
from ser_hub.models.attention_blstm import AttentionBLSTM, AttentionBLSTMConfig
from ser_hub.models.base import SERConfig, SERModel
from ser_hub.models.blstm_attention import BLSTMLocalAttention, BLSTMLocalAttentionConfig
from ser_hub.models.lstm_sa import LSTMSA, LSTMSAConfig, ResLSTMSA, ResLSTMSAConfig


class Architecture(NamedTuple):
    """One line of the table: a model, its configuration, and the features that it was designed for."""

    model: type[SERModel]
    config: type[SERConfig]
    feature_extractor: type[SERFeatureExtractor]


ARCHITECTURES = {
    architecture.config.model_type: architecture
    for architecture in (
        Architecture(LSTMSA, LSTMSAConfig, MfccChromaFeatureExtractor),
        Architecture(ResLSTMSA, ResLSTMSAConfig, MfccChromaFeatureExtractor),
        Architecture(BLSTMLocalAttention, BLSTMLocalAttentionConfig, ShortTermFeatureExtractor),
        Architecture(AttentionBLSTM, AttentionBLSTMConfig, SpectralMfccDeltaFeatureExtractor),
    )
}
"""Every architecture by its `model_type`; adding one is one line here."""


def register() -> None:
    """Make every architecture known to transformers' Auto classes."""
    for model_type, (model, config, feature_extractor) in ARCHITECTURES.items():
        AutoConfig.register(model_type, config, exist_ok=True)
        AutoModel.register(config, model, exist_ok=True)
        AutoModelForAudioClassification.register(config, model, exist_ok=True)
        AutoFeatureExtractor.register(config, feature_extractor, exist_ok=True)


__all__ = [
    "ARCHITECTURES",
    "LSTMSA",
    "Architecture",
    "AttentionBLSTM",
    "AttentionBLSTMConfig",
    "BLSTMLocalAttention",
    "BLSTMLocalAttentionConfig",
    "LSTMSAConfig",
    "ResLSTMSA",
    "ResLSTMSAConfig",
    "SERConfig",
    "SERModel",
    "register",
]
