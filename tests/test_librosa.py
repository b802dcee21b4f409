"""librosa's compiled functions on an environment that has not compiled them yet."""

import importlib
import os
import subprocess
import sys
import time

import pytest

from ser_hub import _librosa

PROGRAM = """
import ser_hub, librosa, numpy
samples = numpy.sin(numpy.arange(4096) * 0.3)
for kind in (numpy.float32, numpy.float64):
    crossings = librosa.zero_crossings(samples.astype(kind)).sum()
    peaks = librosa.util.localmax(samples.astype(kind)).sum()
    assert (crossings, peaks) == (392, 196), (kind, crossings, peaks)
"""


def test_two_processes_compile_at_once(tmp_path):
    # Closed form: 4095 * 0.3 rad = 391.04 half periods hold 391 sign changes, and the first sample counts as one;
    # 195.52 periods hold 196 maxima, the last after 195.25 periods.
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM]
    runs = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], errors


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """Where the lock lies."""
    monkeypatch.setenv("SER_HUB_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "cache" / "librosa" / "compile.lock"
    path.parent.mkdir(parents=True)
    return path


def test_the_lock_lies_in_the_users_cache_and_is_held_while_modules_compile(lock, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def held(name):
        with lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        imported.append(name)

    imported = []
    with monkeypatch.context() as patch:
        patch.setattr(importlib, "import_module", held)
        _librosa.compile_alone()
    assert imported == list(_librosa.COMPILED)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # free again


def test_a_process_that_keeps_the_lock_is_not_waited_for_without_end(lock, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(_librosa, "PATIENCE", 0.5)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        start = time.monotonic()
        _librosa.compile_alone()
        assert 0.4 < time.monotonic() - start < 30


@pytest.mark.parametrize("folder", ["{tmp}/file/cache", "~nobody-has-this-name/cache"])
def test_no_lock_where_there_is_no_place_for_one(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SER_HUB_CACHE", folder.format(tmp=tmp_path))
    _librosa.compile_alone()
