"""A corpus as a Hub dataset repository: Parquet files with the audio inside, and a README that says what they hold."""

import json
from pathlib import Path
from typing import Any, Literal, overload

from datasets import Dataset, IterableDataset, load_dataset
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from ser_hub.corpora.base import features_of
from ser_hub.errors import InputError, first_line

FILES = "data/*.parquet"
SPLIT = "train"
"""The Hub wants a split; who trains on what is a protocol's to say."""
LABEL_MAP = "label_map.json"
"""Holds `rows.info.description`, which Parquet does not."""


def is_exported(folder: str | Path) -> bool:
    """Whether a folder holds an exported corpus."""
    return any(Path(folder).expanduser().glob(FILES))


@overload
def read(source: str | Path, *, streaming: Literal[False] = False) -> Dataset: ...
@overload
def read(source: str | Path, *, streaming: Literal[True]) -> IterableDataset: ...
def read(source: str | Path, *, streaming: bool = False) -> Any:
    """Read an exported corpus from its folder or from the Hub.

    Args:
        source: The folder, or the name of the repository.
        streaming: Whether to read clip by clip.

    Returns:
        The rows, with their description where the repository holds it.

    Raises:
        InputError: There is no such repository, it cannot be reached, or it does not keep the row contract.
    """
    if is_local := Path(source).expanduser().is_dir():
        source = Path(source).expanduser().absolute()
    try:
        rows = load_dataset(str(source), split=SPLIT, streaming=streaming)
        rows.info.description = _description(source, is_local)
    except (DatasetNotFoundError, FileNotFoundError, HFValidationError, ValueError) as error:
        raise InputError(f"{source} cannot be read as an exported corpus ({first_line(error)})") from error
    except (HfHubHTTPError, OfflineModeIsEnabled, ConnectionError, OSError) as error:
        raise InputError(f"{source} cannot be fetched from the Hub ({first_line(error)}); try again online") from error
    features = rows.features
    if features is None or "label" not in features or features != features_of(getattr(features["label"], "names", [])):
        way_out = "export it again" if is_local else "name a repository that `ser-hub corpus push` filled"
        raise InputError(f"{source} does not hold the columns of a corpus of ser_hub; {way_out}")
    return rows


def _description(source: str | Path, is_local: bool) -> str:
    try:
        path = Path(source, LABEL_MAP) if is_local else hf_hub_download(str(source), LABEL_MAP, repo_type="dataset")
        held = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, EntryNotFoundError):
        return ""  # exported before there was one, or offline and not in the Hub's cache
    return str(held.get("description", "")) if isinstance(held, dict) else ""
