"""Decode one clip to mono float32 samples at the sampling rate that is asked for."""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from ser_hub.errors import InputError

AudioSource = str | os.PathLike[str] | bytes | Mapping[str, Any]
"""A path, the bytes of an audio file, or a row's undecoded `datasets.Audio` value `{"path": ..., "bytes": ...}`."""

EXTENSIONS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
"""File extensions, lower case, that count as audio when a folder is searched."""


def decode(source: AudioSource, sampling_rate: int | None = None) -> tuple[npt.NDArray[np.float32], int]:
    """Read one clip, mix its channels down to mono and resample it.

    Args:
        source: Path, file content or undecoded row value.
        sampling_rate: Wanted rate in Hz; None keeps the file's own. Resampling is soxr's high-quality polyphase
            filter, which is also librosa's default.

    Returns:
        Samples of shape (num_samples,), float32, full scale at 1.0; and their sampling rate in Hz.

    Raises:
        InputError: The file is missing, unreadable or empty, or holds samples that are not finite.
    """
    name = describe(source)
    try:
        samples, rate = soundfile.read(open_source(source), dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise InputError(
            f"{name} cannot be decoded as audio; give a readable WAV or FLAC file ({_reason(error)})"
        ) from error
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    if not len(mono):
        raise InputError(f"{name} holds no samples; remove it or download it again")
    if not np.isfinite(mono).all():
        raise InputError(f"{name} holds NaN or infinite samples; audio must be finite, so write the file again")
    return resample(np.ascontiguousarray(mono), rate, sampling_rate or rate), sampling_rate or rate


def resample(samples: npt.NDArray[np.float32], original: int, wanted: int) -> npt.NDArray[np.float32]:
    """Resample mono samples of shape (num_samples,) from one rate to another, both in Hz, with soxr's HQ filter."""
    if original == wanted:
        return samples
    return np.asarray(soxr.resample(samples, original, wanted, quality="HQ"), dtype=np.float32)


def content_hash(source: AudioSource) -> str:
    """Return the SHA-256 (hexadecimal) of the clip's file content: equal for byte-identical copies."""
    return hashlib.sha256(_content(source)).hexdigest()


def open_source(source: AudioSource) -> io.BytesIO:
    """Return the clip's file content as a file object.

    Raises:
        InputError: There is no such file, or it cannot be read.
    """
    return io.BytesIO(_content(source))


def describe(source: AudioSource) -> str:
    """Return how an error names the clip."""
    if isinstance(source, Mapping):
        source = source.get("path") or source["bytes"]
    return f"a clip of {len(source)} bytes" if isinstance(source, bytes) else str(source)


def _content(source: AudioSource) -> bytes:
    given = (source.get("bytes") or source["path"]) if isinstance(source, Mapping) else source
    if isinstance(given, bytes):
        return given
    path = Path(given)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, not an audio file; name a file inside it") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its permissions") from error


def _reason(error: Exception) -> str:
    """Return libsndfile's own words without the in-memory file object that its message begins with."""
    return str(error).rpartition(": ")[2].strip().rstrip(".")
