"""Time MFCC and chroma extraction against librosa, on the same clips, on one core.

    python scripts/benchmark_features.py [--data-dir ../shared/corpora/ravdess] [--clips 48] [--repeats 5]

The two alternate clip by clip within each repeat, so that other load on the machine meets both; a clip's time is the
median over the repeats.
"""

import os

# Before numpy and torch are imported, for their thread pools are made then.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import librosa  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from ser_hub.audio import EXTENSIONS, decode  # noqa: E402
from ser_hub.features import MfccChromaFeatureExtractor  # noqa: E402
from ser_hub.features.base import Array  # noqa: E402

RATE = 48_000


def main() -> None:
    """Print both medians, their ratio and the largest difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder of clips, searched deeply; without it, synthetic tones")
    parser.add_argument("--clips", type=int, default=48, help="number of clips, spread over the folder")
    parser.add_argument("--repeats", type=int, default=5, help="times each clip is featurised by each")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clips = load(arguments.data_dir, arguments.clips) if arguments.data_dir else synthetic(arguments.clips)

    ours = MfccChromaFeatureExtractor(sampling_rate=RATE).extract
    error = max(relative_error(ours(clip), by_librosa(clip)) for clip in clips)  # the first calls are not timed
    seconds = np.array(
        [[[timed(by_librosa, clip), timed(ours, clip)] for clip in clips] for _ in range(arguments.repeats)]
    )  # (repeats, clips, 2)
    librosa_ms, ours_ms = 1e3 * np.median(seconds, axis=0).mean(axis=0)
    print(f"{len(clips)} clips, {sum(map(len, clips)) / RATE / len(clips):.2f} s each on average, one core")
    print(
        f"librosa {librosa_ms:.2f} ms a clip, ser_hub {ours_ms:.2f} ms a clip: {librosa_ms / ours_ms:.2f} times faster"
    )
    print(f"largest difference relative to its dimension's largest value: {error:.1e}")


def by_librosa(samples: Array) -> Array:
    """Compute the reference features (time, 46)."""
    mfcc = librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=34, n_fft=4096, hop_length=2048)
    chroma = librosa.feature.chroma_stft(y=samples, sr=RATE, n_fft=4096, hop_length=2048)
    return np.concatenate([mfcc, chroma]).T


def relative_error(features: Array, reference: Array) -> float:
    """Return the largest deviation of any dimension, relative to that dimension's largest reference value."""
    return float((np.abs(features - reference).max(axis=0) / np.abs(reference).max(axis=0)).max())


def timed(extract: Callable[[Array], Array], clip: Array) -> float:
    """Return the seconds that one clip takes."""
    start = time.perf_counter()
    extract(clip)
    return time.perf_counter() - start


def load(folder: Path, count: int) -> list[Array]:
    """Decode clips spread evenly over a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)
    if not paths:
        raise SystemExit(f"{folder} holds no audio files ({', '.join(EXTENSIONS)})")
    return [decode(path, RATE)[0] for path in paths[:: max(1, len(paths) // count)][:count]]


def synthetic(count: int) -> list[Array]:
    """Make 3.7 s harmonic tones with vibrato over noise, each at its own pitch."""
    rng = np.random.default_rng(0)
    clock = np.arange(int(3.7 * RATE)) / RATE
    clips = []
    for f0 in rng.uniform(90, 300, count):
        phase = np.cumsum(f0 * 2 ** (0.5 * np.sin(2 * np.pi * 5 * clock) / 12)) / RATE
        tone = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 20))
        clips.append((0.1 * tone + 0.001 * rng.normal(size=len(clock))).astype(np.float32))
    return clips


if __name__ == "__main__":
    main()
