"""The base of every feature extractor: waveform in, normalised and padded (batch, time, dim) features out."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from transformers import BatchFeature, SequenceFeatureExtractor

from .ser_hub_errors import InputError

Array = npt.NDArray[np.float32]
Waveform = npt.NDArray[Any] | torch.Tensor | Sequence[float]


class SERFeatureExtractor(SequenceFeatureExtractor):  # type: ignore[misc]
    """Turn waveforms into `input_features` (batch, time, feature_size) float32 and `attention_mask` (batch, time).

    A subclass gives `extract`, one clip's unnormalised features, and `min_samples`. The statistics for normalising
    (`mean`, `std`, each of length feature_size) are fitted on the training part by `fit` and saved in
    `preprocessor_config.json` with everything else, so that a checkpoint folder predicts by itself.

    Args:
        feature_size: Number of features per frame.
        sampling_rate: Rate in Hz that the waveforms must have.
        mean: Per-dimension mean that is subtracted; None leaves the features as they are.
        std: Per-dimension standard deviation that is divided by; None leaves the features as they are.
        padding_value: Value of padded frames, after normalising.
        **kwargs: As `transformers.SequenceFeatureExtractor` takes them.
    """

    model_input_names: ClassVar[list[str]] = ["input_features", "attention_mask"]
    version: ClassVar[int] = 1
    """Raised when `extract` gives other values for the same settings, so that cached features are not mixed up."""

    def __init__(
        self,
        feature_size: int,
        sampling_rate: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        padding_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("auto_map", None)  # where a repository keeps code, which is not a setting
        super().__init__(feature_size=feature_size, sampling_rate=sampling_rate, padding_value=padding_value, **kwargs)
        self.mean = mean
        self.std = std

    @property
    @abstractmethod
    def min_samples(self) -> int:
        """Number of samples below which a clip is refused: one frame."""

    @property
    def reads(self) -> str:
        """What of a clip it reads, as a card says it; an extractor that leaves something out says what."""
        return "all"

    @abstractmethod
    def extract(self, waveform: Array) -> Array:
        """Compute one clip's features, not normalised.

        Args:
            waveform: Samples of shape (num_samples,), float32, at `sampling_rate`.

        Returns:
            Features of shape (time, feature_size), float32.
        """

    def settings(self) -> dict[str, Any]:
        """Return what `extract` depends on, for the key of a feature cache: all but the fitted statistics."""
        fitted = {"mean", "std"}
        settings = {key: value for key, value in self.to_dict().items() if key not in fitted}
        return settings | {"version": self.version}

    def fit(self, features: Iterable[Array]) -> Self:
        """Set `mean` and `std` from the frames of the training clips.

        Args:
            features: One array (time, feature_size) per clip, as `extract` gives it.

        Raises:
            ValueError: There is no frame.
        """
        clips = list(features)
        if not clips:
            raise ValueError("normalisation statistics need at least one training clip")
        frames = np.concatenate(clips).astype(np.float64)
        std = frames.std(axis=0)
        self.mean = frames.mean(axis=0).tolist()
        # A dimension that never varies carries nothing: dividing by 1 keeps it at zero instead of at NaN.
        self.std = np.where(std > 0, std, 1.0).tolist()
        return self

    def normalise(self, features: Array) -> Array:
        """Standardise features (time, feature_size) with the fitted statistics; without them, return them as given."""
        if self.mean is None or self.std is None:
            return features
        return np.asarray((features - np.asarray(self.mean)) / np.asarray(self.std), dtype=np.float32)

    def compute(self, waveform: Waveform) -> Array:
        """Check one clip and extract its features, not normalised.

        Raises:
            InputError: The clip is not mono, not finite, shorter than one frame, or of integers of unknown scale.
        """
        samples = as_float(waveform)
        if samples.ndim != 1:
            raise InputError(f"a waveform has shape {samples.shape}, but one channel is expected; mix it down to mono")
        if len(samples) < self.min_samples:
            raise InputError(
                f"the clip has {len(samples)} samples, fewer than one frame of {self.min_samples} at "
                f"{self.sampling_rate} Hz; give a longer clip"
            )
        if not np.isfinite(samples).all():
            raise InputError("the clip holds NaN or infinite samples; audio must be finite")
        return self.extract(samples)

    def collate(self, features: Sequence[Array], return_tensors: str | None = "pt") -> BatchFeature:
        """Normalise and pad clips' features, each (time, feature_size), to one batch with its attention mask."""
        clips = [self.normalise(clip) for clip in features]
        # Not by `self.pad`, which takes about as long as a training step of a small model.
        padded = np.full((len(clips), max(map(len, clips)), self.feature_size), self.padding_value, dtype=np.float32)
        mask = np.zeros(padded.shape[:2], dtype=np.int32)
        for row, clip in enumerate(clips):
            padded[row, : len(clip)], mask[row, : len(clip)] = clip, 1
        return BatchFeature({"input_features": padded, "attention_mask": mask}, tensor_type=return_tensors)

    def __call__(
        self,
        raw_speech: Waveform | Sequence[Waveform],
        sampling_rate: int | None = None,
        return_tensors: str | None = None,
        **_kwargs: Any,
    ) -> BatchFeature:
        """Featurise one waveform or a list of them.

        Args:
            raw_speech: Samples of shape (num_samples,), or a list of such.
            sampling_rate: The waveforms' rate in Hz; when given it must be this extractor's own.
            return_tensors: "pt", "np" or None, as in transformers.
            **_kwargs: `padding` and the like, accepted for transformers' call signature: clips are always padded to
                the longest and masked.

        Returns:
            `input_features` (batch, time, feature_size) float32 and `attention_mask` (batch, time).

        Raises:
            InputError: The rate differs, or a waveform cannot be used (`compute`).
        """
        if sampling_rate is not None and sampling_rate != self.sampling_rate:
            raise InputError(
                f"the waveform's sampling rate is {sampling_rate} Hz, but {type(self).__name__} was set up for "
                f"{self.sampling_rate} Hz; resample it first (ser_hub.audio.resample)"
            )
        first = raw_speech[0] if len(raw_speech) else 0.0
        is_batch = np.ndim(first) > 0
        waveforms = raw_speech if is_batch else [raw_speech]
        return self.collate([self.compute(waveform) for waveform in waveforms], return_tensors)  # type: ignore[arg-type]


def as_float(waveform: Waveform) -> Array:
    """Return samples as float32 in -1 to 1: 16 and 32 bits, as files store them, are scaled; floats stay as they are.

    Raises:
        InputError: The samples are other integers, whose scale nobody knows.
    """
    samples = np.asarray(waveform)
    if samples.dtype in (np.int16, np.int32):
        return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
    if np.issubdtype(samples.dtype, np.integer):
        raise InputError(f"samples are {samples.dtype}; give floats from -1 to 1, or 16 or 32-bit integers")
    return samples.astype(np.float32, copy=False)
