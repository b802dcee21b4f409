"""The recipes (configs/*.yaml), and the table of what they train."""

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml

from ser_hub.errors import InputError
from ser_hub.models import ARCHITECTURES, SERModel
from ser_hub.shipped import folders
from ser_hub.tables import aligned

FOLDERS = folders("configs")


class Recipe(NamedTuple):
    """One line of the table.

    Attributes:
        name: Name of the recipe, which is its file's.
        model: Name of the model's class.
        parameters: Number of trainable parameters with eight classes.
        features: The input: features of one frame, and what computes them.
        sampling_rate: Rate of the audio in Hz.
        causal: Whether the model could follow a live stream.
        source: Where the architecture is published.
    """

    name: str
    model: str
    parameters: int
    features: str
    sampling_rate: int
    causal: bool
    source: str


def recipe_files() -> list[Path]:
    """Return every recipe's file, sorted by name.

    Raises:
        InputError: There is no recipe, as in a damaged installation.
    """
    for folder in FOLDERS:
        if files := sorted(folder.glob("*.yaml")):
            return files
    raise InputError(f"there is no recipe in {FOLDERS[0]} or {FOLDERS[1]}; install ser_hub again")


def recipes() -> list[Recipe]:
    """Return the table of recipes, by architecture and then by size."""
    order = list(ARCHITECTURES)
    table = [_read(path) for path in recipe_files()]
    table.sort(key=lambda line: (order.index(line[0]), line[1].parameters))
    return [recipe for _, recipe in table]


def as_text(table: list[Recipe]) -> str:
    """Return the table with aligned columns."""
    lines = [("recipe", "model", "parameters", "input", "Hz", "causal", "source")]
    lines += [
        (
            r.name,
            r.model,
            f"{r.parameters:,}",
            r.features,
            f"{r.sampling_rate:,}",
            "yes" if r.causal else "no",
            r.source,
        )
        for r in table
    ]
    return aligned(lines, to_right={2, 4})


def _read(path: Path) -> tuple[str, Recipe]:
    """Return a recipe's architecture and its line."""
    recipe = yaml.safe_load(path.read_text())
    settings = recipe["data"]["feature_extractor"]
    extractor = _class(settings["class_path"])(**settings.get("init_args", {}))
    model_class: type[SERModel] = _class(recipe["model"]["class_path"])
    config = model_class.config_class(
        input_size=extractor.feature_size, **(recipe["model"].get("init_args") or {}).get("config", {})
    )
    with torch.device("meta"):  # counted, not computed
        model = model_class(config)
    architecture = ARCHITECTURES[config.model_type]
    return config.model_type, Recipe(
        name=path.stem,
        model=model_class.__name__,
        parameters=model.num_parameters(only_trainable=True),
        features=f"{extractor.feature_size} {type(extractor).__name__.removesuffix('FeatureExtractor')}",
        sampling_rate=extractor.sampling_rate,
        causal=architecture.causal,
        source=architecture.source,
    )


def _class(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
