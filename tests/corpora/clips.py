"""Small audio files under the names that corpora give their clips."""

import numpy as np
import soundfile


def write(folder, *names, rate=16_000, seed=0):
    """Write a tenth of a second of noise under each name, different for each, below a folder; returns the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng([seed, *name.encode()]).normal(0, 0.1, rate // 10)
        soundfile.write(path, noise, rate)
    return folder
