"""The trained checkpoints that come with ser_hub: folders under cards/, exactly as they are pushed to the Hub."""

import json
from pathlib import Path
from typing import NamedTuple

from ser_hub.errors import InputError
from ser_hub.shipped import folders
from ser_hub.tables import aligned

DEFAULT = "reslstm-sa-h32"
"""What `ser-hub predict` uses where no model is named."""


class Trained(NamedTuple):
    """One checkpoint, with what its evidence record says of it.

    Attributes:
        name: Its short name.
        model: Name of the model's class.
        parameters: Number of trainable parameters.
        corpus: What it was tested on.
        protocol: Under which protocol, and which fold.
        uar: Unweighted average recall on the test clips.
        war: Share of the test clips that are right.
    """

    name: str
    model: str
    parameters: int
    corpus: str
    protocol: str
    uar: float
    war: float


def checkpoint(name: str) -> Path:
    """Return the folder of a checkpoint that comes with ser_hub, for `AutoModel.from_pretrained` and its like.

    Args:
        name: Its short name, as `ser-hub models --trained` lists it.

    Raises:
        InputError: There is no checkpoint of that name.
    """
    found = _folders()
    if name not in found:
        raise InputError(
            f"the model '{name}' cannot be found: it is neither a folder nor one that comes with ser_hub "
            f"({', '.join(found) or 'there are none'}); a repository on the Hub is named org/name"
        )
    return found[name]


def trained() -> list[Trained]:
    """Return every checkpoint that comes with ser_hub, by name."""
    return [_read(name, folder) for name, folder in _folders().items()]


def as_text(table: list[Trained]) -> str:
    """Return the checkpoints as a text table."""
    head = ("checkpoint", "model", "parameters", "corpus", "protocol", "UAR", "WAR")
    lines = [
        (t.name, t.model, f"{t.parameters:,}", t.corpus, t.protocol, f"{t.uar:.3f}", f"{t.war:.3f}") for t in table
    ]
    return aligned([head, *lines], to_right={2, 5, 6})


def _folders() -> dict[str, Path]:
    for root in folders("cards"):
        if found := sorted(path.parent for path in root.glob("*/config.json")):
            return {folder.name: folder for folder in found}
    return {}


def _read(name: str, folder: Path) -> Trained:
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    data = record["data"]
    return Trained(
        name=name,
        model=record["model"]["class"],
        parameters=record["model"]["trainable_parameters"],
        corpus=data["corpus"],
        protocol=f"{data['protocol']} fold {data['fold']}" + ("" if data["speaker_independent"] else " (by clip)"),
        uar=record["scores"]["uar"],
        war=record["scores"]["war"],
    )
