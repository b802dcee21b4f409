"""Find a model's folder: on disk, or on the Hub."""

import json
from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

from ser_hub.errors import InputError
from ser_hub.hub.zoo import checkpoint
from ser_hub.models import ARCHITECTURES

SETTINGS = ["*.json"]
FILES = [*SETTINGS, "*.safetensors"]
"""What loading needs of a repository: configurations and weights, and nothing that could run."""


def model_folder(model: str | Path, revision: str | None = None) -> Path:
    """Return the folder of a model.

    Args:
        model: A folder that `ser-hub export` wrote, the short name of a checkpoint that comes with ser_hub, or the name
            of a Hub repository, which is downloaded or, without a network, taken from the Hub's cache.
        revision: Branch, tag or commit of the repository; None means main.

    Raises:
        InputError: There is no such model, or the repository holds one that is none of ser_hub's.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir() and "/" not in str(model):
        folder = checkpoint(str(model))
    if not folder.is_dir():
        folder = _fetched(str(model), revision)
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} holds no config.json; give a folder that `ser-hub export` wrote")
    return folder


def _fetched(name: str, revision: str | None) -> Path:
    """Fetch a repository, but of one with a foreign model no more than its settings."""
    try:
        settings = Path(snapshot_download(name, revision=revision, allow_patterns=SETTINGS))
        model_type = _model_type(settings / "config.json")
        if model_type not in ARCHITECTURES:
            raise InputError(
                f"the repository '{name}' holds no model of ser_hub (its type is {model_type}); load it with "
                f"transformers' own pipeline, or name another"
            )
        # The folder's name is the commit: somebody may push between the two.
        return Path(snapshot_download(name, revision=settings.name, allow_patterns=FILES))
    except (HFValidationError, HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise InputError(
            f"the model '{name}' cannot be found: it is neither a folder that `ser-hub export` wrote nor a "
            f"repository on the Hub that can be reached from here"
        ) from error


def _model_type(config: Path) -> str:
    try:
        return str(json.loads(config.read_text(encoding="utf-8")).get("model_type"))
    except (FileNotFoundError, ValueError, AttributeError):  # no file, no JSON, or no table of settings
        return "unknown"
