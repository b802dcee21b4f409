"""Speech-like signals for tests of features, made here so that they need no corpus."""

import numpy as np
from scipy.signal import lfilter


def voiced(rate, seconds=1.5, f0=180.0, seed=0):
    """Harmonics with vibrato through two resonances, in syllables, over a little noise; float32."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(rate * seconds)) / rate
    phase = np.cumsum(f0 * 2 ** (0.5 * np.sin(2 * np.pi * 5 * time) / 12)) / rate
    source = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, int(4000 / f0)))
    for frequency, bandwidth in ((600, 80), (1500, 120)):
        radius = np.exp(-np.pi * bandwidth / rate)
        b, c = 2 * radius * np.cos(2 * np.pi * frequency / rate), -(radius**2)
        source = lfilter([1 - b - c], [1, -b, -c], source)
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * time)
    return (0.1 * syllables * source / source.std() + 0.001 * rng.normal(size=len(time))).astype(np.float32)


def noise(rate, seconds=1.0, seed=0):
    """White noise, float32."""
    return np.random.default_rng(seed).normal(0, 0.1, int(rate * seconds)).astype(np.float32)


def relative_error(values, reference):
    """Largest deviation of each dimension, relative to that dimension's largest reference value."""
    scale = np.abs(reference).max(axis=0)
    return (np.abs(values - reference).max(axis=0) / np.where(scale > 0, scale, 1.0)).max()
