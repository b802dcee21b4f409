"""34 MFCC and 12 chroma per frame, the input of ResLSTM-SA (Krasnoproshin and Vashkevich, arXiv 2606.03359).

    samples (num_samples,) > |STFT|^2 > mel > dB > DCT  = MFCC (time, 34)  |
                                      > chroma filters  = chroma (time, 12) | concatenated (time, 46)

The values are those of `librosa.feature.mfcc` and `librosa.feature.chroma_stft` with its tuning estimate; one STFT
serves both.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import ser_hub_features_spectral as spectral
from .ser_hub_features_spectral import __doc__ as _spectral
from .ser_hub_features_base import Array, SERFeatureExtractor

N_MELS = 128
"""librosa's default number of mel bands under its MFCC."""


class MfccChromaFeatureExtractor(SERFeatureExtractor):
    """MFCC and chroma per frame, (time, n_mfcc + n_chroma).

    Args:
        sampling_rate: In Hz; the paper takes RAVDESS's native rate.
        n_fft: Samples per frame, and shortest clip that is accepted.
        hop_length: Samples between frames.
        n_mfcc: Number of MFCC.
        n_chroma: Number of chroma bins.
        mean: Per-dimension mean of the training part.
        std: Per-dimension standard deviation of the training part.
        **kwargs: As `SERFeatureExtractor` takes them.
    """

    def __init__(
        self,
        sampling_rate: int = 48_000,
        n_fft: int = 4096,
        hop_length: int = 2048,
        n_mfcc: int = 34,
        n_chroma: int = 12,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("feature_size", None)  # saved with the rest, but it follows from the other settings
        super().__init__(feature_size=n_mfcc + n_chroma, sampling_rate=sampling_rate, mean=mean, std=std, **kwargs)
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mfcc = n_mfcc
        self.n_chroma = n_chroma

    @property
    def min_samples(self) -> int:
        """One frame."""
        return self.n_fft

    def extract(self, waveform: Array) -> Array:
        """Compute the features of one clip (num_samples,), shape (1 + num_samples // hop_length, n_mfcc + n_chroma)."""
        power = spectral.power_spectrogram(waveform, self.n_fft, self.hop_length)
        mel = power @ spectral.mel_filter_bank(self.sampling_rate, self.n_fft, N_MELS)
        chroma = spectral.chroma(power, self.sampling_rate, self.n_chroma)
        return np.concatenate([spectral.mfcc(mel, self.n_mfcc), chroma], axis=1, dtype=np.float32)
