"""Log-mel bands of a fixed stretch of a clip, the input of the chunked CNN-LSTM models.

    samples (num_samples,) > stretch, padded with zeros > |STFT|^2 > mel > dB below the maximum = (563, 128)

The values are those of `librosa.feature.melspectrogram` and `librosa.power_to_db(ref=numpy.max)`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ser_hub.features import spectral
from ser_hub.features.base import Array, SERFeatureExtractor


class LogMelFeatureExtractor(SERFeatureExtractor):
    """Log-mel bands of `seconds` from `offset`, (1 + seconds * sampling_rate // hop_length, n_mels).

    Args:
        sampling_rate: In Hz.
        offset: Where the stretch begins, in seconds.
        seconds: How long it is; a clip that ends before is filled up with zeros.
        n_fft: Length of the transform.
        win_length: Samples per frame.
        window: Name of the window, as `scipy.signal.get_window` takes it.
        hop_length: Samples between frames.
        n_mels: Number of mel bands, up to half the sampling rate.
        mean: Per-dimension mean of the training part.
        std: Per-dimension standard deviation of the training part.
        **kwargs: As `SERFeatureExtractor` takes them.
    """

    def __init__(
        self,
        sampling_rate: int = 48_000,
        offset: float = 0.5,
        seconds: float = 3.0,
        n_fft: int = 1024,
        win_length: int = 512,
        window: str = "hamming",
        hop_length: int = 256,
        n_mels: int = 128,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("feature_size", None)  # saved with the rest, but it follows from the other settings
        super().__init__(feature_size=n_mels, sampling_rate=sampling_rate, mean=mean, std=std, **kwargs)
        self.offset = offset
        self.seconds = seconds
        self.n_fft = n_fft
        self.win_length = win_length
        self.window = window
        self.hop_length = hop_length
        self.n_mels = n_mels

    def to_dict(self) -> dict[str, Any]:
        """Return every setting; transformers leaves `window` out, where its own extractors keep samples."""
        return {**super().to_dict(), "window": self.window}

    @property
    def min_samples(self) -> int:
        """What is skipped, and one frame."""
        return round(self.offset * int(self.sampling_rate)) + self.win_length

    @property
    def reads(self) -> str:
        """What of a clip it reads, as a card says it."""
        return f"{self.offset:g} s to {self.offset + self.seconds:g} s, filled up with silence"

    def extract(self, waveform: Array) -> Array:
        """Compute the log-mel bands of one clip (num_samples,), shape (time, n_mels)."""
        stretch = spectral.stretch_of(waveform, self.sampling_rate, self.offset, self.seconds, fill=True)
        power = spectral.power_spectrogram(stretch, self.n_fft, self.hop_length, self.win_length, self.window)
        mel = power @ spectral.mel_filter_bank(self.sampling_rate, self.n_fft, self.n_mels)
        return np.asarray(spectral.power_to_db(mel, relative_to_max=True), dtype=np.float32)
