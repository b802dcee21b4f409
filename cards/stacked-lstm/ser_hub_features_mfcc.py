"""MFCC per frame, the input of the recurrent and convolutional baselines.

    samples (num_samples,) > |STFT|^2 > mel > dB > DCT = (time, n_mfcc)

The values are those of `librosa.feature.mfcc` with its defaults.
"""

from collections.abc import Sequence
from typing import Any

from . import ser_hub_features_spectral as spectral
from .ser_hub_features_spectral import __doc__ as _spectral
from .ser_hub_features_base import Array, SERFeatureExtractor

N_MELS = 128


class MfccFeatureExtractor(SERFeatureExtractor):
    """MFCC per frame, (1 + num_samples // hop_length, n_mfcc).

    Args:
        sampling_rate: In Hz.
        n_fft: Samples per frame, and shortest clip that is accepted.
        hop_length: Samples between frames.
        n_mfcc: Number of MFCC.
        mean: Per-dimension mean of the training part.
        std: Per-dimension standard deviation of the training part.
        **kwargs: As `SERFeatureExtractor` takes them.
    """

    def __init__(
        self,
        sampling_rate: int = 22_050,
        n_fft: int = 2048,
        hop_length: int = 512,
        n_mfcc: int = 40,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("feature_size", None)  # saved with the rest, but it follows from the other settings
        super().__init__(feature_size=n_mfcc, sampling_rate=sampling_rate, mean=mean, std=std, **kwargs)
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mfcc = n_mfcc

    @property
    def min_samples(self) -> int:
        """One frame."""
        return self.n_fft

    def extract(self, waveform: Array) -> Array:
        """Compute the MFCC of one clip (num_samples,), shape (time, n_mfcc)."""
        power = spectral.power_spectrogram(waveform, self.n_fft, self.hop_length)
        mel = power @ spectral.mel_filter_bank(self.sampling_rate, self.n_fft, N_MELS)
        return spectral.mfcc(mel, self.n_mfcc)
