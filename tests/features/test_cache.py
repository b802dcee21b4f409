import errno
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import Lock

import numpy as np
import pytest
import soundfile

from ser_hub.audio import content_hash
from ser_hub.errors import InputError
from ser_hub.features import MfccChromaFeatureExtractor
from ser_hub.features.cache import extract_all

from .signals import noise


class Counting(MfccChromaFeatureExtractor):
    """Counts what it computes."""

    computed = 0

    def extract(self, waveform):
        Counting.computed += 1
        return super().extract(waveform)


@pytest.fixture
def clips(tmp_path):
    paths = [tmp_path / f"{index}.wav" for index in range(3)]
    for index, path in enumerate(paths):
        soundfile.write(path, noise(48_000, 0.3, seed=index), 48_000)
    return paths


def extract(clips, folder, extractor=None):
    return extract_all(clips, [content_hash(clip) for clip in clips], extractor or Counting(), folder)


def test_computed_once_by_content_and_settings(clips, tmp_path):
    Counting.computed = 0
    first = extract(clips, tmp_path / "cache")
    assert Counting.computed == 3
    again = extract(clips, tmp_path / "cache")
    assert Counting.computed == 3
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    clips[0].rename(tmp_path / "renamed.wav")  # the content counts, not the name
    extract([tmp_path / "renamed.wav"], tmp_path / "cache")
    assert Counting.computed == 3
    extract(clips[1:], tmp_path / "cache", Counting(hop_length=1024))
    assert Counting.computed == 5
    extract(clips[1:], tmp_path / "cache", Counting(mean=[0.0] * 46, std=[1.0] * 46))  # cached before normalising
    assert Counting.computed == 5


def test_damaged_entry_is_computed_again(clips, tmp_path):
    (expected, *_) = extract(clips, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:50])
    assert np.array_equal(extract(clips, tmp_path / "cache")[0], expected)


def test_a_cache_that_cannot_be_used_costs_a_warning_and_no_result(clips, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("ser_hub.features.cache._WARNED", Lock())
    expected = extract(clips, tmp_path / "cache")
    (tmp_path / "file").write_text("where a folder should be")
    for _ in range(2):
        found = extract(clips, tmp_path / "file" / "cache")
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    (warning,) = caplog.messages
    assert "cannot be kept in" in warning and "Not a directory" in warning and "SER_HUB_CACHE" in warning


def test_a_full_disk_costs_a_warning_and_leaves_nothing(clips, tmp_path, caplog, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ser_hub.features.cache._WARNED", Lock())
    monkeypatch.setattr(np, "save", full)
    assert len(extract(clips, tmp_path / "cache")) == 3
    assert "No space left on device" in caplog.text
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_an_entry_that_cannot_be_read_is_computed_again(clips, tmp_path):
    (expected, *_) = extract(clips[:1], tmp_path / "cache")
    (path,) = (tmp_path / "cache").rglob("*.npy")
    path.unlink()
    path.mkdir()
    assert np.array_equal(extract(clips[:1], tmp_path / "cache")[0], expected)


def run(clips, folder):
    return [features.sum() for features in extract(clips, folder, MfccChromaFeatureExtractor())]


def test_two_processes_at_once(clips, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        one, other = [pool.submit(run, clips, tmp_path / "cache") for _ in range(2)]
        assert one.result() == other.result()
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(left) == 3  # no partial file is left


def test_unusable_clip_is_named(clips, tmp_path):
    soundfile.write(tmp_path / "short.wav", noise(48_000, 0.05), 48_000)
    with pytest.raises(InputError, match=r"short.wav cannot be used: .* fewer than one frame"):
        extract([*clips, tmp_path / "short.wav"], tmp_path / "cache")
