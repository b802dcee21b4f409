"""Decode one clip to mono float32 samples at the sampling rate that is asked for."""

import hashlib
import io
import os
import re
import struct
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

SOUND_CHUNK = {b"RIFF": ("<", b"data"), b"RIFX": (">", b"data"), b"FORM": (">", b"SSND")}
"""Byte order and name of the chunk that holds the sound, by a WAV's or AIFF's first four bytes."""

UNKNOWN_SIZE = 0x7FFF_F000
"""From here up, a chunk's size is what a program wrote that could not seek back to fill it in."""

UNKNOWN_FRAMES = 2**63 - 1
"""libsndfile's number of samples of a FLAC whose header leaves it open."""

HEADER_BYTES = 44
"""Of a plain WAV; some programs count it into the size of the sound."""

MP3_SLACK = 2 * 1152
"""Samples by which a whole MP3 may miss its count: two of its frames, for the encoder's delay and its own header."""


def decode(source: AudioSource, sampling_rate: int | None = None) -> tuple[npt.NDArray[np.float32], int]:
    """Read one clip, mix its channels down to mono and resample it.

    Args:
        source: Path, file content or undecoded row value.
        sampling_rate: Wanted rate in Hz; None keeps the file's own. Resampling is soxr's high-quality polyphase
            filter, which is also librosa's default.

    Returns:
        Samples of shape (num_samples,), float32, full scale at 1.0; and their sampling rate in Hz.

    Raises:
        InputError: The file is missing, unreadable, cut short or empty, or holds samples that are not finite.
    """
    name, content = describe(source), _content(source)
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.frames == UNKNOWN_FRAMES:
                raise InputError(f"{name} does not say how long it is, as FLAC written to a pipe; write it to a file")
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
            cut = _is_cut_short(content, file.format, file.frames - len(samples))
    except soundfile.SoundFileError as error:
        raise InputError(
            f"{name} cannot be decoded as audio; give a readable WAV or FLAC file ({_reason(error)})"
        ) from error
    if cut:
        raise InputError(f"{name} is cut short: it declares more sound than it holds; download it again or remove it")
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


def _is_cut_short(content: bytes, kind: str, unread: int) -> bool:
    """Whether a file breaks off, where libsndfile reads what there is and says nothing; it refuses such FLAC itself.

    Args:
        content: The file.
        kind: libsndfile's name of its format.
        unread: Samples per channel that libsndfile expected and did not find.
    """
    if kind == "MP3":
        return unread > MP3_SLACK and _counts_frames(content)
    if kind == "OGG":
        page = content[content.rfind(b"OggS") :]  # the last: 26 bytes, number of segments, their lengths, segments
        return len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])
    order, sound = SOUND_CHUNK.get(content[:4], ("<", b""))
    position = 12
    while position + 8 <= len(content):
        name, size = struct.unpack_from(f"{order}4sI", content, position)
        position += 8
        if name == sound:
            return bool(HEADER_BYTES < size - (len(content) - position) and size < UNKNOWN_SIZE)
        position += size + size % 2  # chunks begin at even places
    return False


def _counts_frames(mp3: bytes) -> bool:
    """Whether an MP3's first frame says how many follow; where none does, libsndfile guesses from the file's size."""
    start = 0
    if mp3.startswith(b"ID3"):  # a tag of any length before the sound, its size in four times seven bits
        start = 10 + (mp3[6] << 21 | mp3[7] << 14 | mp3[8] << 7 | mp3[9])
    found = re.search(rb"(?:Xing|Info)...(.)", mp3[start : start + 64], re.DOTALL)
    return found is not None and bool(found[1][0] & 1)


def _reason(error: Exception) -> str:
    """Return libsndfile's own words without the in-memory file object that its message begins with."""
    return str(error).rpartition(": ")[2].strip().rstrip(".")
