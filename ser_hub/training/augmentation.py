"""Altered copies of training clips, made after the split and from training clips alone.

Alterations of the waveform make further copies of each training clip, the same in every epoch, so that their features
are computed once and cached. Alterations of the features (SpecAugment, mixup) are drawn anew for every batch.
Everything follows from a seed.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.signal
import soxr
import torch
from librosa.effects import pitch_shift, time_stretch
from torch import Tensor, nn
from torchaudio.functional import add_noise

from ser_hub.errors import InputError
from ser_hub.features.base import Array
from ser_hub.features.cache import Alteration
from ser_hub.protocols import Fold


@dataclass(frozen=True)
class WaveformAugmentation(ABC):
    """An alteration of a clip's samples."""

    @abstractmethod
    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Alter a clip.

        Args:
            samples: (num_samples,) float32.
            sampling_rate: In Hz.
            rng: Where every random choice comes from.

        Returns:
            Samples, float32; their number may differ.
        """


@dataclass(frozen=True)
class WhiteNoise(WaveformAugmentation):
    """Additive white Gaussian noise at a signal-to-noise ratio drawn from a range, in dB."""

    min_snr: float = 15.0
    max_snr: float = 30.0

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Add noise."""
        return _with_noise(samples, rng.normal(size=len(samples)), rng.uniform(self.min_snr, self.max_snr))


@dataclass(frozen=True)
class UniformNoise(WaveformAugmentation):
    """Additive noise with uniformly distributed samples, at a signal-to-noise ratio drawn from a range, in dB."""

    min_snr: float = 15.0
    max_snr: float = 30.0

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Add noise."""
        return _with_noise(samples, rng.uniform(-1, 1, len(samples)), rng.uniform(self.min_snr, self.max_snr))


@dataclass(frozen=True)
class PeakNoise(WaveformAugmentation):
    """Additive white Gaussian noise whose deviation is a share, drawn from 0 to `amount`, of the clip's peak.

    The noise of the notebook behind Conv1D-LSTM: 0.035 U(0, 1) max|x| N(0, 1).
    """

    amount: float = 0.035

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Add noise."""
        deviation = self.amount * rng.uniform() * np.abs(samples).max()
        return np.asarray(samples + deviation * rng.normal(size=len(samples)), dtype=np.float32)


@dataclass(frozen=True)
class TimeStretch(WaveformAugmentation):
    """Another tempo at the same pitch (phase vocoder): a rate of 0.8 makes the clip longer."""

    min_rate: float = 0.8
    max_rate: float = 1.2

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Stretch."""
        return np.asarray(time_stretch(samples, rate=rng.uniform(self.min_rate, self.max_rate)))


@dataclass(frozen=True)
class PitchShift(WaveformAugmentation):
    """Another pitch at the same tempo, in semitones."""

    min_semitones: float = -2.0
    max_semitones: float = 2.0

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Shift."""
        semitones = rng.uniform(self.min_semitones, self.max_semitones)
        return np.asarray(pitch_shift(samples, sr=sampling_rate, n_steps=semitones))


@dataclass(frozen=True)
class Speed(WaveformAugmentation):
    """Played faster or slower: tempo and pitch together, by resampling."""

    min_factor: float = 0.9
    max_factor: float = 1.1

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Resample."""
        factor = rng.uniform(self.min_factor, self.max_factor)
        return np.asarray(soxr.resample(samples, factor * sampling_rate, sampling_rate), dtype=np.float32)


@dataclass(frozen=True)
class Shift(WaveformAugmentation):
    """Moved earlier or later by up to some seconds; what is moved out is lost, what is moved in is silence."""

    max_seconds: float = 0.3

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Move."""
        limit = min(round(self.max_seconds * sampling_rate), len(samples) - 1)
        steps = int(rng.integers(-limit, limit + 1))
        moved = np.zeros_like(samples)
        if steps >= 0:
            moved[steps:] = samples[: len(samples) - steps]
        else:
            moved[:steps] = samples[-steps:]
        return moved


@dataclass(frozen=True)
class Gain(WaveformAugmentation):
    """Louder or softer, in dB."""

    min_db: float = -6.0
    max_db: float = 6.0

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Scale."""
        return (samples * 10 ** (rng.uniform(self.min_db, self.max_db) / 20)).astype(np.float32)


@dataclass(frozen=True)
class Reverberation(WaveformAugmentation):
    """A room: convolution with exponentially decaying noise after the direct sound, at the same energy.

    The reverberation time (60 dB of decay, in seconds) is drawn from a range; Moorer (1979) has this model of a room.
    """

    min_rt60: float = 0.2
    max_rt60: float = 0.6
    wet: float = 0.3

    def __call__(self, samples: Array, sampling_rate: int, rng: np.random.Generator) -> Array:
        """Convolve."""
        rt60 = rng.uniform(self.min_rt60, self.max_rt60)
        time = np.arange(round(rt60 * sampling_rate)) / sampling_rate
        room = rng.normal(size=len(time)) * 10 ** (-3 * time / rt60)
        room *= self.wet / np.linalg.norm(room)
        room[0] += 1.0
        wet = scipy.signal.fftconvolve(samples, room)[: len(samples)]
        energy = np.linalg.norm(wet)
        return np.asarray(wet * (np.linalg.norm(samples) / energy if energy else 1.0), dtype=np.float32)


@dataclass(frozen=True)
class FeatureAugmentation(ABC):
    """An alteration of a clip's normalised features."""

    @abstractmethod
    def __call__(self, features: Array, rng: np.random.Generator) -> Array:
        """Alter features (time, dim) without their padding; returns features of the same shape."""


@dataclass(frozen=True)
class SpecAugment(FeatureAugmentation):
    """Bands of frames and of dimensions set to 0 (Park et al. 2019, without time warping).

    That is the mean of features that are standardised; of those that are not (VoicedLogMel, Panns, Waveform) it is not.

    Args:
        time_masks: Number of bands over time.
        time_share: Widest band of frames, as a share of the clip.
        feature_masks: Number of bands over the features.
        feature_width: Widest band of dimensions; never more than half of them.
    """

    time_masks: int = 2
    time_share: float = 0.1
    feature_masks: int = 2
    feature_width: int = 8

    def __call__(self, features: Array, rng: np.random.Generator) -> Array:
        """Mask."""
        masked = features.copy()
        frames, dims = features.shape
        for _ in range(self.time_masks):
            start, width = _band(frames, round(self.time_share * frames), rng)
            masked[start : start + width] = 0.0
        for _ in range(self.feature_masks):
            start, width = _band(dims, min(self.feature_width, dims // 2), rng)
            masked[:, start : start + width] = 0.0
        return masked


@dataclass(frozen=True)
class Augmentation:
    """What is done to training clips.

    Args:
        copies: One entry per further copy of each training clip: the alterations of its waveform, in order.
        features: Alterations of the features, in order, drawn anew for every batch.
        mixup: Parameter of the Beta distribution by which pairs of a batch are mixed (Zhang et al. 2018); 0 for none.
        seed: Seed of the copies. What is drawn for a batch follows from the run's own seed.
        before_split: LEAKS: altered copies of every clip, test clips among them, are dealt out at random, as in sources
            that augment first and split afterwards. It is here to measure what that adds to a number.
    """

    copies: Sequence[Sequence[WaveformAugmentation]] = ()
    features: Sequence[FeatureAugmentation] = ()
    mixup: float = 0.0
    seed: int = 0
    before_split: bool = False

    def alterations(self) -> list[Alteration]:
        """Return, for each further copy, what makes it."""
        return [self._alteration(index, chain) for index, chain in enumerate(self.copies)]

    def settings(self) -> dict[str, Any]:
        """Return everything that it does, as the evidence record keeps it."""
        return {
            "copies": [[_named(step) for step in chain] for chain in self.copies],
            "features": [_named(step) for step in self.features],
            "mixup": self.mixup,
            "seed": self.seed,
            "before_split": self.before_split,
        }

    def clips_to_copy(self, fold: Fold) -> list[set[str]]:
        """Return, for each further copy, the ids of the clips of which training gets one.

        They are the training clips; with `before_split`, as large a share of all clips, drawn at random.
        """
        if not self.before_split:
            return [set(fold.train) for _ in self.copies]
        rng = np.random.default_rng(self.seed)
        clips = sorted(clip for part in fold.parts().values() for clip in part)
        return [{clips[i] for i in rng.permutation(len(clips))[: len(fold.train)]} for _ in self.copies]

    def alter_batch(self, batch: dict[str, Tensor], num_labels: int) -> dict[str, Tensor]:
        """Alter the features of a training batch and mix its clips, as drawn from torch's generator.

        Args:
            batch: input_features (batch, time, dim), attention_mask (batch, time), labels (batch,).
            num_labels: Number of classes.

        Returns:
            The batch; with mixup its labels are shares (batch, num_labels).
        """
        rng = np.random.default_rng(int(torch.randint(2**31, ())))
        features, mask, labels = batch["input_features"].clone(), batch["attention_mask"], batch["labels"]
        for step in self.features:
            for clip, length in zip(features, mask.sum(dim=1).tolist(), strict=True):
                clip[:length] = torch.from_numpy(step(clip[:length].numpy(), rng))
        if self.mixup > 0:
            share, partner = float(rng.beta(self.mixup, self.mixup)), torch.from_numpy(rng.permutation(len(labels)))
            features = share * features + (1 - share) * features[partner]
            mask = torch.maximum(mask, mask[partner])
            shares = nn.functional.one_hot(labels, num_labels).float()
            labels = share * shares + (1 - share) * shares[partner]
        return batch | {"input_features": features, "attention_mask": mask, "labels": labels}

    def _alteration(self, index: int, chain: Sequence[WaveformAugmentation]) -> Alteration:
        def apply(samples: Array, sampling_rate: int, content: str) -> Array:
            rng = np.random.default_rng([self.seed, index, int(content[:16], 16)])
            for step in chain:
                samples = step(samples, sampling_rate, rng)
            return samples

        return Alteration({"seed": self.seed, "copy": index, "chain": [_named(step) for step in chain]}, apply)


EVERY_WAVEFORM_AUGMENTATION: tuple[type[WaveformAugmentation], ...] = (
    WhiteNoise,
    UniformNoise,
    PeakNoise,
    TimeStretch,
    PitchShift,
    Speed,
    Shift,
    Gain,
    Reverberation,
)
"""Every alteration of the waveform; adding one is one line here."""


def _named(step: Any) -> dict[str, Any]:
    return {"name": type(step).__name__, **asdict(step)}


def _with_noise(samples: Array, noise: np.ndarray[Any, Any], snr: float) -> Array:
    if not samples.any():
        raise InputError("the clip is silent, and noise at a signal-to-noise ratio to silence has no level; remove it")
    noisy = add_noise(torch.from_numpy(samples), torch.from_numpy(noise).float(), torch.tensor(snr))
    return np.asarray(noisy.numpy())


def _band(length: int, widest: int, rng: np.random.Generator) -> tuple[int, int]:
    width = int(rng.integers(0, widest + 1))
    return int(rng.integers(0, length - width + 1)), width
