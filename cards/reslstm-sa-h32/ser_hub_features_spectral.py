"""Spectral building blocks that several feature extractors share, with librosa's definitions and values.

Arrays are (time, frequency): a frame is a row. Filter banks are librosa's own, kept for the settings in use.
"""

from functools import lru_cache
from typing import Literal

import librosa
import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.signal
import scipy.sparse
from librosa.filters import chroma as chroma_weights
from librosa.filters import mel as mel_weights

Array = npt.NDArray[np.float32]


def frames(
    samples: Array,
    frame_length: int,
    hop_length: int,
    *,
    center: bool = True,
    pad_mode: Literal["constant", "reflect"] = "constant",
) -> Array:
    """Cut samples into overlapping frames.

    Args:
        samples: (num_samples,).
        frame_length: Samples per frame.
        hop_length: Samples between the starts of two frames.
        center: Whether frame t is centred on sample t * hop_length, as librosa has it.
        pad_mode: What is beyond the ends then: zeros ("constant") or the mirrored samples ("reflect").

    Returns:
        A read-only view (time, frame_length).
    """
    if center:
        samples = np.pad(samples, frame_length // 2, mode=pad_mode)
    return np.lib.stride_tricks.sliding_window_view(samples, frame_length)[::hop_length]


def stretch_of(samples: Array, sampling_rate: int, offset: float, seconds: float, *, fill: bool) -> Array:
    """Return the stretch of a clip that begins at `offset` and lasts `seconds`, filled up with zeros where `fill`."""
    start, length = round(offset * sampling_rate), round(seconds * sampling_rate)
    stretch = samples[start : start + length]
    return np.pad(stretch, (0, length - len(stretch))) if fill else stretch


BLOCK = 8
"""Frames per transform: few enough for their double-precision spectra to stay in the processor's cache."""


@lru_cache
def window(name: str, win_length: int, n_fft: int) -> npt.NDArray[np.float64]:
    """Return a periodic window of win_length samples, padded with zeros on both sides to n_fft."""
    return np.asarray(librosa.util.pad_center(scipy.signal.get_window(name, win_length), size=n_fft))


def power_spectrogram(
    samples: Array,
    n_fft: int,
    hop_length: int,
    win_length: int | None = None,
    window_name: str = "hann",
    pad_mode: Literal["constant", "reflect"] = "constant",
) -> Array:
    """Return |STFT|^2, shape (time, 1 + n_fft // 2), of a centred, padded signal, as librosa has it.

    Rounded step by step as in librosa, for a tuning estimate counts votes and the last bit can decide a tie.
    """
    framed = frames(samples, n_fft, hop_length, pad_mode=pad_mode)
    taper = window(window_name, win_length or n_fft, n_fft)
    power = np.empty((len(framed), 1 + n_fft // 2), dtype=np.float32)
    for start in range(0, len(framed), BLOCK):
        block = slice(start, start + BLOCK)
        np.abs(scipy.fft.rfft(framed[block] * taper, axis=-1).astype(np.complex64), out=power[block])
    return np.square(power, out=power)


@lru_cache
def mel_filter_bank(
    sampling_rate: int, n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float | None = None
) -> scipy.sparse.csc_array:
    """Return librosa's (Slaney) mel filter bank, shape (1 + n_fft // 2, n_mels), for `power @ bank`.

    Sparse, because each band covers few bins; and its product stays out of BLAS, whose threads wait for one another
    where clips are featurised in parallel (60 ms instead of 0.3 were seen on two busy cores).
    """
    bank = mel_weights(sr=sampling_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    return scipy.sparse.csc_array(bank.T)


@lru_cache
def chroma_filter_bank(sampling_rate: int, n_fft: int, n_chroma: int, tuning: float) -> Array:
    """Return librosa's chroma filter bank for a tuning deviation in bins, shape (n_chroma, 1 + n_fft // 2)."""
    return np.asarray(chroma_weights(sr=sampling_rate, n_fft=n_fft, tuning=tuning, n_chroma=n_chroma))


def power_to_db(power: Array, *, relative_to_max: bool = False, top_db: float = 80.0) -> Array:
    """Return 10 log10 of a power spectrogram, floored at 1e-10 and at top_db below its maximum, as librosa does.

    Args:
        power: Power of any shape.
        relative_to_max: Whether 0 dB is the maximum, else 1.0.
        top_db: Dynamic range in dB that is kept.
    """
    amin = np.float32(1e-10)
    decibels = 10.0 * np.log10(np.maximum(amin, power))
    if relative_to_max:
        decibels -= 10.0 * np.log10(np.maximum(amin, power.max()))
    return np.asarray(np.maximum(decibels, decibels.max() - np.float32(top_db)))


def mfcc(mel_power: Array, n_mfcc: int) -> Array:
    """Return the first n_mfcc coefficients (orthonormal DCT-II of the dB mel spectrum), shape (time, n_mfcc)."""
    return np.asarray(scipy.fft.dct(power_to_db(mel_power), type=2, norm="ortho", axis=-1)[:, :n_mfcc])


def chroma(power: Array, sampling_rate: int, n_chroma: int = 12) -> Array:
    """Return the chromagram (time, n_chroma) of a power spectrogram, each frame's maximum scaled to 1.

    The filter bank follows the clip's own tuning estimate, as in `librosa.feature.chroma_stft`; silent frames stay 0.
    """
    n_fft = 2 * (power.shape[1] - 1)
    bank = chroma_filter_bank(sampling_rate, n_fft, n_chroma, estimate_tuning(power, sampling_rate, n_chroma))
    raw = np.einsum("tf,cf->tc", power, bank)  # not `@`: no BLAS threads, as for the mel bands
    peak = raw.max(axis=1, keepdims=True)
    return np.asarray(raw / np.where(peak < np.finfo(np.float32).tiny, np.float32(1), peak))


def estimate_tuning(spectrogram: Array, sampling_rate: int, bins_per_octave: int = 12) -> float:
    """Estimate the tuning deviation of a clip, in bins of the octave, as `librosa.estimate_tuning` does.

    Spectral peaks between 150 Hz and 4 kHz, interpolated by a parabola, of at least a tenth of their frame's maximum
    and of at least the median magnitude of such peaks, vote for a deviation in steps of 0.01 bins.

    Args:
        spectrogram: (time, 1 + n_fft // 2); librosa's chroma gives the power spectrogram.
        sampling_rate: In Hz.
        bins_per_octave: Bins per octave.

    Returns:
        Deviation in [-0.5, 0.5) bins; 0 where there is no peak.
    """
    n_fft = 2 * (spectrogram.shape[1] - 1)
    bin_hz = sampling_rate / n_fft
    low, high = int(np.ceil(150.0 / bin_hz)), int(np.ceil(min(4000.0, sampling_rate / 2) / bin_hz))
    # One bin more on either side, for the neighbours of the outermost peaks. The rest of the spectrum is left out:
    # librosa interpolates all of it, which is what makes it slow.
    band = spectrogram[:, low - 1 : high + 1]
    loud = band * (band > np.float32(0.1) * spectrogram.max(axis=1, keepdims=True))
    is_peak = (loud[:, 1:-1] > loud[:, :-2]) & (loud[:, 1:-1] >= loud[:, 2:])
    row, column = np.nonzero(is_peak)
    if not len(row):
        return 0.0
    before, peak, after = band[row, column], band[row, column + 1], band[row, column + 2]
    curvature = (after + before).astype(np.float64) - 2.0 * peak
    slope = (after - before) / 2.0
    inside = np.abs(slope) < np.abs(curvature)
    shift = np.where(inside, -slope / np.where(inside, curvature, 1.0), 0.0).astype(np.float32)
    pitch = ((low + column + shift) * float(sampling_rate) / n_fft).astype(np.float32)
    magnitude = peak + np.float32(0.5) * slope * shift
    voting = pitch[magnitude >= np.median(magnitude)]
    deviation = np.mod(bins_per_octave * librosa.hz_to_octs(voting), 1.0)
    deviation[deviation >= 0.5] -= 1.0
    counts, edges = np.histogram(deviation, np.linspace(-0.5, 0.5, 101))
    return float(edges[np.argmax(counts)])
