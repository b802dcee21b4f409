"""Features on disk, keyed by what they depend on: the clip's content and the extractor's settings."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from ser_hub import audio
from ser_hub.cache import cache_dir, written_aside
from ser_hub.errors import InputError
from ser_hub.features.base import Array, SERFeatureExtractor

log = logging.getLogger(__name__)

_WARNED = Lock()
"""Taken for good by the first clip that cannot be kept: one warning a process, however many threads write."""

_READING = Lock()
"""numpy parses a file's header with `ast`, which in Python 3.11 now and then fails where two threads do so at once."""


class Alteration(NamedTuple):
    """What is done to clips before their features are extracted.

    Attributes:
        settings: All that its outcome depends on but the clip; part of the cache's key.
        apply: From samples (num_samples,), their rate in Hz and the clip's content hash to altered samples.
    """

    settings: dict[str, Any]
    apply: Callable[[Array, int, str], Array]

    def of(self, content: str) -> Callable[[Array, int], Array]:
        """Return what is done to the samples of the clip of that content hash."""
        return lambda samples, sampling_rate: self.apply(samples, sampling_rate, content)


def extract_all(
    sources: Sequence[audio.AudioSource],
    hashes: Sequence[str],
    extractor: SERFeatureExtractor,
    folder: str | Path | None = None,
    alteration: Alteration | None = None,
) -> list[Array]:
    """Extract every clip's features, not normalised, reading those that the cache holds.

    Several runs may do this at once: each file is written aside and renamed, so none is ever read half-written. Where
    the cache cannot be written, a warning says so and the features are given all the same.

    Args:
        sources: The clips, undecoded.
        hashes: SHA-256 of each clip's file content (`ser_hub.corpora.base.content_hashes`).
        extractor: What computes the features.
        folder: The cache; None means ser_hub's own.
        alteration: What is done to each clip first.

    Returns:
        One array (time, feature_size) per clip, in order.

    Raises:
        InputError: A clip cannot be decoded or featurised; the message names it.
    """
    key = extractor.settings() | ({"alteration": alteration.settings} if alteration else {})
    settings = json.dumps(key, sort_keys=True)
    shelf = Path(folder or cache_dir("features")) / hashlib.sha256(settings.encode()).hexdigest()[:16]

    def one(source: audio.AudioSource, content: str) -> Array:
        path = shelf / content[:2] / f"{content}.npy"
        if (cached := _read(path)) is not None:
            return cached
        features = extract_clip(source, extractor, alteration and alteration.of(content))
        _write(path, features)
        return features

    with ThreadPoolExecutor() as pool:
        name = type(extractor).__name__.removesuffix("FeatureExtractor")
        progress = tqdm(pool.map(one, sources, hashes), total=len(sources), desc=f"{name} features", leave=False)
        return list(progress)


def extract_clip(
    source: audio.AudioSource, extractor: SERFeatureExtractor, alter: Callable[[Array, int], Array] | None = None
) -> Array:
    """Decode one clip at the extractor's rate and return its features (time, feature_size), not normalised.

    `alter`, where given, is applied to the samples and their rate in Hz before.

    Raises:
        InputError: The clip cannot be decoded or featurised; the message names it.
    """
    samples, rate = audio.decode(source, extractor.sampling_rate)
    try:
        return extractor.compute(alter(samples, rate) if alter else samples)
    except InputError as error:
        raise InputError(f"{audio.describe(source)} cannot be used: {error}") from error


def _read(path: Path) -> Array | None:
    try:
        with _READING:
            cached: Array = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError):
        return None  # not there, not for us to read, or damaged on disk: computed again
    return cached


def _write(path: Path, features: Array) -> None:
    try:
        with written_aside(path) as aside, aside.open("wb") as file:
            np.save(file, features, allow_pickle=False)
    except OSError as error:
        if _WARNED.acquire(blocking=False):
            log.warning(
                "features cannot be kept in %s (%s), so they are computed again each time; name another folder by "
                "SER_HUB_CACHE or data.cache_dir",
                path.parent,
                error.strerror or error,
            )
