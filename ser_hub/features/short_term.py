"""The short-term features of pyAudioAnalysis (Giannakopoulos 2015), the input of the BLSTM with local attention.

    samples (num_samples,) > frames of 25 ms every 10 ms  > zero crossings, energy, its entropy     (time, 3)
                             |FFT| of each                > centroid, spread, entropy, flux, roll-off (time, 5)
                                                          > 13 MFCC                                 (time, 13)
                                                          > 12 chroma and their deviation           (time, 13)
                             autocorrelation of each      > harmonic ratio and pitch                (time, 2)

The values are the library's, quirks included. Its mel filters (13 linear, 27 logarithmic) take bin k for a frequency of
twice its own, so that they end near 3.4 kHz at a rate of 16 kHz. Its chroma keeps the last bin alone of those that fall
on one semitone, and divides it by the count of another. Its harmonic ratio divides by the energy of a frame's first
samples, fewer the longer the lag, so that it may exceed 1 and prefers a subharmonic (a sine of 200 Hz gets 67); its
pitch lag is one sample short. Frames are not windowed, and the last one ends within the clip.

Departures from the code behind the report: it normalises each frame over its own 36 values, which mixes hertz with
ratios; here each dimension is standardised by the training part, as everywhere in ser_hub. It pads every clip to 1,024
frames; here the mask makes that unnecessary. Of longer clips it keeps the last 1,024 frames, and so does this.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from ser_hub.errors import InputError
from ser_hub.features.base import Array, SERFeatureExtractor

Array64 = npt.NDArray[np.float64]

FRAME_SECONDS, HOP_SECONDS = 0.025, 0.010
EPS = float(np.finfo(np.float64).eps)
BLOCKS = 10
"""Sub-blocks of an entropy."""
N_MFCC, N_CHROMA = 13, 12
ROLL_OFF = 0.90
"""Share of the spectrum's energy below the roll-off."""
LOWEST_RATE = 8_000
"""In Hz; below it the mel filters would not fit under the sampling rate."""


class ShortTermFeatureExtractor(SERFeatureExtractor):
    """Short-term features per frame, (time, 36), or (time, 34) without harmonic ratio and pitch.

    Args:
        sampling_rate: In Hz, at least 8,000.
        harmonic: Whether harmonic ratio and pitch (in Hz) follow the 34 others.
        max_frames: Frames that are kept, the last ones of a longer clip.
        mean: Per-dimension mean of the training part.
        std: Per-dimension standard deviation of the training part.
        **kwargs: As `SERFeatureExtractor` takes them.

    Raises:
        InputError: The sampling rate is too low for the mel filters.
    """

    def __init__(
        self,
        sampling_rate: int = 16_000,
        harmonic: bool = True,
        max_frames: int = 1024,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        if sampling_rate < LOWEST_RATE:
            raise InputError(
                f"sampling_rate {sampling_rate} is too low for the mel filters of the short-term features; "
                f"give {LOWEST_RATE} Hz or more"
            )
        kwargs.pop("feature_size", None)  # saved with the rest, but it follows from the other settings
        super().__init__(36 if harmonic else 34, sampling_rate, mean=mean, std=std, **kwargs)
        self.harmonic = harmonic
        self.max_frames = max_frames

    @property
    def frame_length(self) -> int:
        """Samples per frame: 25 ms."""
        return int(FRAME_SECONDS * self.sampling_rate)

    @property
    def hop_length(self) -> int:
        """Samples between the starts of two frames: 10 ms."""
        return int(HOP_SECONDS * self.sampling_rate)

    @property
    def min_samples(self) -> int:
        """One frame."""
        return self.frame_length

    @property
    def reads(self) -> str:
        """What of a clip it reads, as a card says it."""
        return f"the last {self.max_frames} frames, about {self.max_frames * HOP_SECONDS:g} s"

    def extract(self, waveform: Array) -> Array:
        """Compute the features of one clip (num_samples,), shape (time, 36 or 34)."""
        framed = sliding_window_view(normalise_level(waveform), self.frame_length)[:: self.hop_length]
        framed = framed[-self.max_frames - 1 :]  # one more than is kept, for the flux of the first
        size = self.frame_length // 2
        magnitude = np.abs(scipy.fft.rfft(framed, axis=-1))[:, :size] / size
        features = [
            zero_crossing_rate(framed),
            np.square(framed).mean(axis=1),
            entropy(framed),
            *centroid_and_spread(magnitude),
            entropy(magnitude),
            flux(magnitude),
            roll_off(magnitude),
            *mfcc(magnitude, self.sampling_rate).T,
            *(chroma := semitones(magnitude, self.sampling_rate)).T,
            chroma.std(axis=1),
        ]
        if self.harmonic:
            features += harmonic_ratio_and_pitch(framed, self.sampling_rate)
        return np.stack(features, axis=1).astype(np.float32)[-self.max_frames :]


def normalise_level(waveform: Array) -> Array64:
    """Remove the mean of samples (num_samples,) and scale their largest magnitude to 1; silence stays 0."""
    samples = waveform.astype(np.float64)
    samples -= samples.mean()
    return np.asarray(samples / (np.abs(samples).max() + 1e-10))


def zero_crossing_rate(framed: Array64) -> Array64:
    """Return sign changes per sample (time,) of frames (time, frame_length)."""
    changes = np.abs(np.diff(np.sign(framed), axis=1)).sum(axis=1) / 2
    return np.asarray(changes / (framed.shape[1] - 1))


def entropy(rows: Array64) -> Array64:
    """Return the entropy in bits (time,) of the energies of ten equal blocks of each row (time, size)."""
    length = rows.shape[1] // BLOCKS  # samples that fill no block count in the total alone
    energy = np.square(rows)
    blocks = energy[:, : BLOCKS * length].reshape(len(rows), BLOCKS, length).sum(axis=2)
    share = blocks / (energy.sum(axis=1, keepdims=True) + EPS)
    return np.asarray(-(share * np.log2(share + EPS)).sum(axis=1))


def centroid_and_spread(magnitude: Array64) -> tuple[Array64, Array64]:
    """Return centroid and spread of spectra (time, size), as shares of half the sampling rate."""
    position = np.arange(1, magnitude.shape[1] + 1) / magnitude.shape[1]
    peak = magnitude.max(axis=1, keepdims=True)
    weight = magnitude / np.where(peak > 0, peak, 1.0)
    total = weight.sum(axis=1) + EPS
    centroid = (weight * position).sum(axis=1) / total
    spread = np.sqrt((weight * np.square(position - centroid[:, None])).sum(axis=1) / total)
    return centroid, spread


def flux(magnitude: Array64) -> Array64:
    """Return the squared distance (time,) of each spectrum of sum 1 from the one before; 0 for the first."""
    share = magnitude / (magnitude + EPS).sum(axis=1, keepdims=True)
    return np.asarray(np.square(np.diff(share, axis=0, prepend=share[:1])).sum(axis=1))


def roll_off(magnitude: Array64) -> Array64:
    """Return the share of bins (time,) below which 90 % of a spectrum's energy lies."""
    energy = np.square(magnitude)
    above = energy.cumsum(axis=1) + EPS > ROLL_OFF * energy.sum(axis=1, keepdims=True)
    return np.asarray(above.argmax(axis=1) / magnitude.shape[1])


@lru_cache
def mel_filter_bank(sampling_rate: int, size: int) -> Array64:
    """Return 40 triangles of area 1, (size, 40): 13 in steps of 66.7 Hz from 133 Hz on, then 27 by a factor of 1.07."""
    linear = 133.33 + np.arange(13) * 200 / 3
    corners = np.concatenate([linear, linear[-1] * 1.0711703 ** np.arange(1, 30)])
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    frequency = np.arange(size)[:, None] * sampling_rate / size  # twice that of the bins: the library's own
    rising, falling = (frequency - low) / (centre - low), (high - frequency) / (high - centre)
    # The library counts bins by rounding the corners down; a bin on a corner has height 0 or 1 either way.
    return np.asarray(np.maximum(np.minimum(rising, falling), 0.0) * 2 / (high - low))


def mfcc(magnitude: Array64, sampling_rate: int) -> Array64:
    """Return the first 13 of the orthonormal DCT-II of the log10 mel magnitudes, (time, 13)."""
    mel = np.einsum("tf,fm->tm", magnitude, mel_filter_bank(sampling_rate, magnitude.shape[1]))
    return np.asarray(scipy.fft.dct(np.log10(mel + EPS), type=2, norm="ortho", axis=-1)[:, :N_MFCC])


@lru_cache
def semitone_filter_bank(sampling_rate: int, size: int) -> Array64:
    """Return the weight (size, 12) with which the energy of each bin enters each pitch class from A on."""
    frequency = np.arange(1, size + 1) * sampling_rate / (2 * size)
    semitone = np.round(12 * np.log2(frequency / 27.5)).astype(int)  # above A0, of each bin
    shared = np.bincount(semitone, minlength=size)[semitone]  # by how many bins each bin's semitone is shared
    bank = np.zeros((size, N_CHROMA))
    for number in np.unique(semitone):
        last = np.flatnonzero(semitone == number)[-1]  # assigning by index keeps the last
        bank[last, number % N_CHROMA] = 1 / shared[semitone[number]]  # the library's own divisor
    return bank


def semitones(magnitude: Array64, sampling_rate: int) -> Array64:
    """Return the share of the energy in the twelve pitch classes, (time, 12)."""
    energy = np.square(magnitude)
    total = energy.sum(axis=1, keepdims=True)
    classes = np.einsum("tf,fc->tc", energy, semitone_filter_bank(sampling_rate, magnitude.shape[1]))
    return np.asarray(classes / np.where(total > 0, total, EPS))


def harmonic_ratio_and_pitch(framed: Array64, sampling_rate: int) -> tuple[Array64, Array64]:
    """Return the height of the autocorrelation's peak and its frequency in Hz, (time,) each; 0 where unvoiced."""
    length, longest = framed.shape[1], round(0.016 * sampling_rate) - 1
    power = np.square(np.abs(scipy.fft.rfft(framed, n=scipy.fft.next_fast_len(2 * length), axis=-1)))
    lags = scipy.fft.irfft(power, n=scipy.fft.next_fast_len(2 * length), axis=-1)
    energy, correlation = lags[:, :1], lags[:, 1 : length - 1]
    crossing = np.diff(np.sign(correlation), axis=1) != 0
    start = np.where(crossing.any(axis=1), crossing.argmax(axis=1), correlation.shape[1] - 1)[:, None]
    lag = np.arange(longest)
    cumulative = np.take_along_axis(
        np.square(framed).cumsum(axis=1), np.clip(longest - lag + start, 0, longest), axis=1
    )  # (time, lag)
    ratio = correlation[:, :longest] / (np.sqrt(np.maximum(energy * cumulative, 0.0)) + EPS)
    ratio = np.where(lag >= start, ratio, 0.0)
    peak, position = ratio.max(axis=1), ratio.argmax(axis=1)
    peak[zero_crossing_rate(ratio) > 0.15] = 0.0
    pitch = sampling_rate / np.maximum(position, EPS)
    pitch[(pitch > 5000.0) | (peak < 0.1)] = 0.0
    return peak, pitch
