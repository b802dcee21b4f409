"""Log-mel bands as PANNs have them, the input of CNN14 (Kong et al. 2020).

    samples (num_samples,) > |STFT|^2, mirrored at the edges > mel > dB = (time, 64)

The values are those of librosa with `pad_mode="reflect"` and no limit to the dynamic range.
"""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from ser_hub.features import spectral
from ser_hub.features.base import Array, SERFeatureExtractor

N_FFT, HOP_LENGTH, N_MELS, FMIN, FMAX = 1024, 320, 64, 50.0, 14_000.0


class PannsLogMelFeatureExtractor(SERFeatureExtractor):
    """Log-mel bands, (1 + num_samples // 320, 64); the network's first layer normalises them.

    Args:
        sampling_rate: In Hz.
        **kwargs: As `SERFeatureExtractor` takes them.
    """

    def __init__(self, sampling_rate: int = 32_000, **kwargs: Any) -> None:
        kwargs.pop("feature_size", None)  # fixed
        super().__init__(feature_size=N_MELS, sampling_rate=sampling_rate, **kwargs)

    @property
    def min_samples(self) -> int:
        """The network's five poolings leave one of 32 frames."""
        return 32 * HOP_LENGTH

    def extract(self, waveform: Array) -> Array:
        """Compute the log-mel bands of one clip (num_samples,), shape (time, 64)."""
        power = spectral.power_spectrogram(waveform, N_FFT, HOP_LENGTH, pad_mode="reflect")
        mel = power @ spectral.mel_filter_bank(self.sampling_rate, N_FFT, N_MELS, FMIN, FMAX)
        return np.asarray(spectral.power_to_db(mel, top_db=np.inf), dtype=np.float32)

    def fit(self, features: Iterable[Array]) -> Self:
        """Fit nothing: the network's first layer normalises."""
        return self
