"""Where the real corpora lie; a test that needs one is skipped, saying so, where it is absent."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / ".." / "shared" / "corpora"


@pytest.fixture(scope="session")
def ravdess_dir():
    """Folder of the RAVDESS speech clips (Actor_01 to Actor_24): SER_HUB_RAVDESS, or the shared copy."""
    named = os.environ.get("SER_HUB_RAVDESS")
    path = Path(named or SHARED / "ravdess").resolve()
    assert path.is_dir() or not named, f"SER_HUB_RAVDESS names {named}, which is no folder"
    if not path.is_dir():
        pytest.skip(f"RAVDESS is not at {path}; set SER_HUB_RAVDESS to its folder")
    return path
