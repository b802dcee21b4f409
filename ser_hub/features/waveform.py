"""The waveform itself, of zero mean and unit variance, the input of wav2vec 2.0 and its kin.

The values are those of transformers' `Wav2Vec2FeatureExtractor`.
"""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from ser_hub.features.base import Array, SERFeatureExtractor


class WaveformFeatureExtractor(SERFeatureExtractor):
    """Samples of zero mean and unit variance, (num_samples, 1).

    Args:
        sampling_rate: In Hz.
        max_seconds: Where longer clips are cut, in seconds.
        **kwargs: As `SERFeatureExtractor` takes them.
    """

    def __init__(self, sampling_rate: int = 16_000, max_seconds: float = 15.0, **kwargs: Any) -> None:
        kwargs.pop("feature_size", None)  # one value per sample, always
        super().__init__(feature_size=1, sampling_rate=sampling_rate, **kwargs)
        self.max_seconds = max_seconds

    @property
    def min_samples(self) -> int:
        """One frame of the encoders: 25 ms."""
        return int(self.sampling_rate) // 40

    @property
    def reads(self) -> str:
        """What of a clip it reads, as a card says it."""
        return f"the first {self.max_seconds:g} s"

    def extract(self, waveform: Array) -> Array:
        """Normalise one clip (num_samples,), shape (num_samples, 1), of `max_seconds` at most."""
        samples = waveform[: round(self.max_seconds * self.sampling_rate)]
        return np.asarray((samples - samples.mean()) / np.sqrt(samples.var() + 1e-7), dtype=np.float32)[:, np.newaxis]

    def fit(self, features: Iterable[Array]) -> Self:
        """Fit nothing: every clip is normalised by itself."""
        return self
