"""162 averages over a clip's frames, the input of Conv1D-LSTM.

    samples (num_samples,) > stretch > zero-crossing rate 1, chroma 12, MFCC 20, RMS 1, mel 128, each a mean over frames
                           = (162, 1): a sequence of 162 steps of one channel

The values are those of librosa with its defaults: `feature.zero_crossing_rate`, `feature.chroma_stft` of the magnitude
spectrogram with its tuning estimate, `feature.mfcc`, `feature.rms`, and `feature.melspectrogram` as power.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import librosa
import numpy as np

from ser_hub.features import spectral
from ser_hub.features.base import Array, SERFeatureExtractor

N_FFT, HOP_LENGTH = 2048, 512
N_CHROMA, N_MFCC, N_MELS = 12, 20, 128
SIZE = 1 + N_CHROMA + N_MFCC + 1 + N_MELS


class AveragesFeatureExtractor(SERFeatureExtractor):
    """One vector of 162 averages per clip, as 162 steps of one channel.

    Standardised value by value: `mean` and `std` have length 162.

    Args:
        sampling_rate: In Hz.
        offset: Where the stretch that is read begins, in seconds.
        seconds: How long it is at the most.
        mean: Mean of each value over the training part.
        std: Standard deviation of each value over the training part.
        **kwargs: As `SERFeatureExtractor` takes them.
    """

    def __init__(
        self,
        sampling_rate: int = 22_050,
        offset: float = 0.6,
        seconds: float = 2.5,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("feature_size", None)  # one channel, always
        super().__init__(feature_size=1, sampling_rate=sampling_rate, mean=mean, std=std, **kwargs)
        self.offset = offset
        self.seconds = seconds

    @property
    def min_samples(self) -> int:
        """What is skipped, and one frame."""
        return round(self.offset * int(self.sampling_rate)) + N_FFT

    @property
    def reads(self) -> str:
        """What of a clip it reads, as a card says it."""
        return f"{self.offset:g} s to {self.offset + self.seconds:g} s"

    def extract(self, waveform: Array) -> Array:
        """Compute the averages of one clip (num_samples,), shape (162, 1)."""
        samples = spectral.stretch_of(waveform, self.sampling_rate, self.offset, self.seconds, fill=False)
        power = spectral.power_spectrogram(samples, N_FFT, HOP_LENGTH)
        mel = power @ spectral.mel_filter_bank(self.sampling_rate, N_FFT, N_MELS)
        values = [
            [librosa.feature.zero_crossing_rate(samples, frame_length=N_FFT, hop_length=HOP_LENGTH).mean()],
            spectral.chroma(np.sqrt(power), self.sampling_rate, N_CHROMA).mean(axis=0),
            spectral.mfcc(mel, N_MFCC).mean(axis=0),
            [librosa.feature.rms(y=samples, frame_length=N_FFT, hop_length=HOP_LENGTH).mean()],
            mel.mean(axis=0),
        ]
        return np.concatenate(values, dtype=np.float32)[:, np.newaxis]

    def fit(self, features: Iterable[Array]) -> Self:
        """Set `mean` and `std`, each of length 162, from the training clips' vectors (162, 1)."""
        super().fit(clip.T for clip in features)
        return self

    def normalise(self, features: Array) -> Array:
        """Standardise a clip's vector (162, 1) value by value."""
        return super().normalise(features.T).T
