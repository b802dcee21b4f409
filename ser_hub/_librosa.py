"""Let one process at a time compile librosa's numba functions.

librosa compiles them when its modules are first imported and keeps the machine code beside itself. numba does not lock
that store: two processes that fill it at once can each overwrite what the other has just indexed, and the loser then
calls code that was compiled for other types, which ends in a segmentation fault (two workers on a fresh environment).
"""

import importlib
import os
import tempfile
from pathlib import Path

from filelock import FileLock

COMPILED = ("librosa.util.utils", "librosa.core.audio", "librosa.core.spectrum", "librosa.core.pitch")
"""The modules of librosa that compile at import."""


def compile_alone() -> None:
    """Import librosa's compiled modules while no other process of this user does."""
    user = getattr(os, "getuid", int)()  # Windows has none, and a folder for temporary files per user
    with FileLock(Path(tempfile.gettempdir()) / f"ser_hub-librosa-{user}.lock"):
        for name in COMPILED:
            importlib.import_module(name)
