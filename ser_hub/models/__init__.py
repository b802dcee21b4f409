"""Architectures, each a `PreTrainedModel` that is a `LightningModule`, registered with transformers' Auto classes."""

from typing import NamedTuple

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForAudioClassification

from ser_hub.features import (
    AveragesFeatureExtractor,
    FunctionalsFeatureExtractor,
    LogMelFeatureExtractor,
    MfccChromaFeatureExtractor,
    MfccFeatureExtractor,
    PannsLogMelFeatureExtractor,
    SERFeatureExtractor,
    ShortTermFeatureExtractor,
    SpectralMfccDeltaFeatureExtractor,
    VoicedLogMelFeatureExtractor,
    WaveformFeatureExtractor,
)
from ser_hub.models.alexnet import AlexNet, AlexNetConfig
from ser_hub.models.attention_blstm import AttentionBLSTM, AttentionBLSTMConfig
from ser_hub.models.base import SERConfig, SERModel
from ser_hub.models.baselines import CNNMFCC, CNNMFCCConfig, StackedRNN, StackedRNNConfig
from ser_hub.models.blstm_attention import BLSTMLocalAttention, BLSTMLocalAttentionConfig
from ser_hub.models.cnn14 import CNN14, CNN14Config
from ser_hub.models.cnn_lstm import CNNLSTM, CNNLSTMConfig
from ser_hub.models.cnn_parallel import CNNParallel, CNNParallelConfig
from ser_hub.models.conv1d_lstm import Conv1dLSTM, Conv1dLSTMConfig
from ser_hub.models.emocatcher import EmoCatcher, EmoCatcherConfig
from ser_hub.models.linear_svm import LinearSVM, LinearSVMConfig
from ser_hub.models.lstm_sa import LSTMSA, LSTMSAConfig, ResLSTMSA, ResLSTMSAConfig
from ser_hub.models.pretrained_encoder import PretrainedEncoder, PretrainedEncoderConfig
from ser_hub.models.speech_text import SpeechText, SpeechTextConfig


class Architecture(NamedTuple):
    """One line of the table.

    Attributes:
        model: The model.
        feature_extractor: The features that it was designed for.
        causal: Whether it reads the frames in their order, so that it could follow a live stream.
        source: Where it is published.
    """

    model: type[SERModel]
    feature_extractor: type[SERFeatureExtractor]
    causal: bool
    source: str

    @property
    def config(self) -> type[SERConfig]:
        """Its configuration."""
        return self.model.config_class


ARCHITECTURES = {
    architecture.config.model_type: architecture
    for architecture in (
        Architecture(LSTMSA, MfccChromaFeatureExtractor, True, "Krasnoproshin and Vashkevich 2026"),
        Architecture(ResLSTMSA, MfccChromaFeatureExtractor, True, "Krasnoproshin and Vashkevich 2026"),
        Architecture(EmoCatcher, VoicedLogMelFeatureExtractor, False, "hwang9u 2023"),
        Architecture(
            CNNLSTM,
            LogMelFeatureExtractor,
            False,
            "CNN-LSTM comparison paper 2025, Speech-Emotion-Classification-with-PyTorch",
        ),
        Architecture(CNNParallel, LogMelFeatureExtractor, False, "Speech-Emotion-Classification-with-PyTorch"),
        Architecture(Conv1dLSTM, AveragesFeatureExtractor, False, "CNN-LSTM comparison paper 2025"),
        Architecture(BLSTMLocalAttention, ShortTermFeatureExtractor, False, "Mirsamadi et al. 2017"),
        Architecture(AttentionBLSTM, SpectralMfccDeltaFeatureExtractor, False, "Cantini 2020"),
        Architecture(StackedRNN, MfccFeatureExtractor, True, "survey"),
        Architecture(CNNMFCC, MfccFeatureExtractor, False, "survey"),
        Architecture(PretrainedEncoder, WaveformFeatureExtractor, False, "Baevski et al. 2020, and others"),
        Architecture(CNN14, PannsLogMelFeatureExtractor, False, "Kong et al. 2020"),
        Architecture(AlexNet, LogMelFeatureExtractor, False, "Krizhevsky 2014"),
        Architecture(LinearSVM, FunctionalsFeatureExtractor, False, "Eyben et al. 2016, Schuller et al. 2016"),
        Architecture(SpeechText, MfccChromaFeatureExtractor, False, "survey"),
    )
}
"""Every architecture by its `model_type`; adding one is one line here."""


def register() -> None:
    """Make every architecture known to transformers' Auto classes."""
    for model_type, architecture in ARCHITECTURES.items():
        AutoConfig.register(model_type, architecture.config, exist_ok=True)
        AutoModel.register(architecture.config, architecture.model, exist_ok=True)
        AutoModelForAudioClassification.register(architecture.config, architecture.model, exist_ok=True)
        AutoFeatureExtractor.register(architecture.config, architecture.feature_extractor, exist_ok=True)


__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "AlexNet",
    "AlexNetConfig",
    "AttentionBLSTM",
    "AttentionBLSTMConfig",
    "BLSTMLocalAttention",
    "BLSTMLocalAttentionConfig",
    "CNN14",
    "CNN14Config",
    "CNNLSTM",
    "CNNLSTMConfig",
    "CNNMFCC",
    "CNNMFCCConfig",
    "CNNParallel",
    "CNNParallelConfig",
    "Conv1dLSTM",
    "Conv1dLSTMConfig",
    "EmoCatcher",
    "EmoCatcherConfig",
    "LinearSVM",
    "LinearSVMConfig",
    "LSTMSA",
    "LSTMSAConfig",
    "PretrainedEncoder",
    "PretrainedEncoderConfig",
    "register",
    "ResLSTMSA",
    "ResLSTMSAConfig",
    "SERConfig",
    "SERModel",
    "SpeechText",
    "SpeechTextConfig",
    "StackedRNN",
    "StackedRNNConfig",
]
