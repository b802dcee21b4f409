"""Let one process at a time compile librosa's numba functions.

librosa compiles them when its modules are first imported and keeps the machine code beside itself. numba does not lock
that store: two processes that fill it at once can each overwrite what the other has just indexed, and the loser then
calls code that was compiled for other types, which ends in a segmentation fault (two workers on a fresh environment).
"""

import importlib
from contextlib import ExitStack, suppress

from filelock import FileLock

from ser_hub.cache import cache_dir

COMPILED = ("librosa.util.utils", "librosa.core.audio", "librosa.core.spectrum", "librosa.core.pitch")
"""The modules of librosa that compile at import."""

PATIENCE = 300.0
"""Seconds to wait for another process, many times what compiling takes."""


def compile_alone() -> None:
    """Import librosa's compiled modules while no other process of this user does.

    Without the lock where it cannot be had: no home folder, one that cannot be written, or a process that holds it and
    does not move on. What is at stake is then the race above, and not the import.
    """
    with ExitStack() as stack:
        with suppress(OSError, RuntimeError):  # a timeout of the lock is an OSError, no home folder a RuntimeError
            folder = cache_dir("librosa")
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(folder / "compile.lock", timeout=PATIENCE))
        for name in COMPILED:
            importlib.import_module(name)
