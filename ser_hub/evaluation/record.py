"""The evidence record: what was measured, on what, with what, so that a number can be believed and made again."""

import datetime
import hashlib
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import torch

from ser_hub.cache import write_json, written_aside
from ser_hub.models.base import SERModel

LIBRARIES = ("torch", "lightning", "transformers", "datasets", "torchmetrics", "librosa", "soxr", "numpy", "scipy")


def environment() -> dict[str, Any]:
    """Return when, and with which code and libraries, a record is made."""
    return {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "ser_hub": version("ser-hub"),
        "git": COMMIT,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def write_record(path: Path, record: dict[str, Any], predictions: dict[str, list[Any]]) -> None:
    """Write a record as JSON and its per-clip predictions as a Parquet beside it.

    Args:
        path: The JSON file; the predictions become `predictions.parquet` in its folder.
        record: The record without the name of its predictions.
        predictions: Columns of equal length, one entry per clip.
    """
    parquet = path.with_name("predictions.parquet")
    with written_aside(parquet) as partial:
        pyarrow.parquet.write_table(pa.table(predictions), partial)
    write_json(path, record | {"predictions": parquet.name})


def weights_sha256(model: SERModel) -> str:
    """Return one SHA-256 for the weights of a model: their names, and their bytes in single precision."""
    digest = hashlib.sha256()
    for name, weights in sorted(model.state_dict().items()):
        digest.update(name.encode())
        single = weights.float() if weights.is_floating_point() else weights  # as an exported model has them
        digest.update(single.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def without_folder(settings: Sequence[str]) -> list[str]:
    """Return settings with PATH for where the clips lie: that is this machine's, and not part of what was measured."""
    key, shown = "--data.data_dir", list(settings)
    for place, word in enumerate(shown):
        if word == key and place + 1 < len(shown):
            shown[place + 1] = "PATH"
        elif word.startswith(f"{key}="):
            shown[place] = f"{key}=PATH"
    return shown


def _git_commit() -> str | None:
    """Return the commit of this code, with `+` where code or recipes were changed since; None outside its checkout."""
    package = Path(__file__).parents[1]
    questions = (
        ("ls-files", "--error-unmatch", "__init__.py"),  # an environment within somebody else's checkout is not ours
        ("rev-parse", "HEAD"),
        ("status", "--porcelain", "--", ".", "../configs", "../scripts"),
    )
    try:
        _, commit, changed = (
            # Without the lock that `status` takes to tidy up: many processes ask, and somebody may be committing.
            subprocess.run(
                ["git", "--no-optional-locks", *words], cwd=package, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in questions
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")


COMMIT = _git_commit()
"""Asked when the code is loaded: what lies on disk when a long run ends may be other code."""
