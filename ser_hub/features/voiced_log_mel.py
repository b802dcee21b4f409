"""Log-mel bands of a clip's voiced region, the input of EmoCatcher (hwang9u, 2023).

    samples (num_samples,) > |STFT|^2 > mel > dB > cut to the voiced region = (time, 64)

The values are those of `librosa.feature.melspectrogram` and `librosa.power_to_db`. The region is found where the clip's
loudness curve, sorted and smoothed, rises most steeply.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from ser_hub.features import spectral
from ser_hub.features.base import Array, SERFeatureExtractor

SPARE = 3
"""Frames that are kept before the voiced region; after it one fewer, for the source takes it for the end of a slice."""


class VoicedLogMelFeatureExtractor(SERFeatureExtractor):
    """Log-mel bands, cut to the voiced region.

    Args:
        sampling_rate: In Hz.
        n_fft: Length of the transform.
        win_length: Samples per frame, and shortest clip that is accepted.
        hop_length: Samples between frames.
        n_mels: Number of mel bands.
        fmax: Upper end of the bands in Hz.
        cut: Whether the clip is cut to its voiced region.
        mean: Per-dimension mean of the training part.
        std: Per-dimension standard deviation of the training part.
        **kwargs: As `SERFeatureExtractor` takes them.
    """

    def __init__(
        self,
        sampling_rate: int = 22_050,
        n_fft: int = 4096,
        win_length: int = 2048,
        hop_length: int = 1364,
        n_mels: int = 64,
        fmax: float = 6000.0,
        cut: bool = True,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("feature_size", None)  # saved with the rest, but it follows from the other settings
        super().__init__(feature_size=n_mels, sampling_rate=sampling_rate, mean=mean, std=std, **kwargs)
        self.n_fft = n_fft
        self.win_length = win_length
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.fmax = fmax
        self.cut = cut

    @property
    def min_samples(self) -> int:
        """One frame."""
        return self.win_length

    @property
    def reads(self) -> str:
        """What of a clip it reads, as a card says it."""
        return "what lies between its first and its last loud frame" if self.cut else super().reads

    def extract(self, waveform: Array) -> Array:
        """Compute the log-mel bands of one clip (num_samples,), shape (time, n_mels)."""
        power = spectral.power_spectrogram(waveform, self.n_fft, self.hop_length, self.win_length)
        mel = power @ spectral.mel_filter_bank(self.sampling_rate, self.n_fft, self.n_mels, fmax=self.fmax)
        decibels = spectral.power_to_db(mel)
        return np.ascontiguousarray(decibels[voiced(loudness(mel))] if self.cut else decibels)

    def fit(self, features: Iterable[Array]) -> Self:
        """Fit nothing: the source gives the network decibels."""
        return self


def loudness(mel: Array) -> npt.NDArray[np.float64]:
    """Return a clip's loudness curve (time,) from its power mel spectrogram (time, n_mels).

    As in the source, which takes the power for an amplitude: its decibels are doubled and its range of 80 dB is 40.
    """
    decibels = spectral.power_to_db(np.square(mel)).astype(np.float64)
    span = decibels.max() - decibels.min()
    return np.asarray(((decibels - decibels.min()) / (span or 1.0)).sum(axis=1))


def voiced(curve: npt.NDArray[np.float64]) -> slice:
    """Return the frames from the first to the last above the threshold, three before and two after; all if none is."""
    ordered = gaussian_filter1d(np.sort(curve), sigma=10)
    threshold = ordered[np.argmax(np.gradient(ordered))]
    above = np.flatnonzero(curve > threshold)
    if not len(above):
        return slice(None)
    return slice(max(int(above[0]) - SPARE, 0), int(above[-1]) + SPARE)
