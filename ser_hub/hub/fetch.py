"""Find a model's folder: on disk, or on the Hub."""

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from ser_hub.errors import InputError
from ser_hub.hub.zoo import checkpoint

FILES = ["*.json", "*.safetensors"]
"""What loading needs of a repository: configurations and weights, and nothing that could run."""


def model_folder(model: str | Path, revision: str | None = None) -> Path:
    """Return the folder of a model.

    Args:
        model: A folder that `ser-hub export` wrote, the short name of a checkpoint that comes with ser_hub, or the name
            of a Hub repository, which is downloaded or, without a network, taken from the Hub's cache.
        revision: Branch, tag or commit of the repository; None means main.

    Raises:
        InputError: There is no such model.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir() and "/" not in str(model):
        folder = checkpoint(str(model))
    if not folder.is_dir():
        try:
            folder = Path(snapshot_download(str(model), revision=revision, allow_patterns=FILES))
        except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError) as error:
            raise InputError(
                f"the model '{model}' cannot be found: it is neither a folder that `ser-hub export` wrote nor a "
                f"repository on the Hub that can be reached from here"
            ) from error
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} holds no config.json; give a folder that `ser-hub export` wrote")
    return folder
