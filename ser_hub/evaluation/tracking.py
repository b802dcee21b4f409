"""What goes to Weights & Biases: offline, in the run's own folder, unless WANDB_MODE says otherwise."""

import os
from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch.loggers import WandbLogger


def wandb_logger(root: str | Path, name: str | None = None) -> WandbLogger:
    """Return a logger of the project `ser_hub` whose files lie in a folder."""
    return WandbLogger(name=name, project="ser_hub", save_dir=root, offline="WANDB_MODE" not in os.environ)


def log_summary(folder: Path, name: str, scores: Mapping[str, float]) -> None:
    """Send what many runs came to as a run of its own: the numbers, and every picture of the folder.

    Args:
        folder: Where the pictures lie.
        name: Name of the run.
        scores: The numbers by their name.
    """
    logger = wandb_logger(folder, name)
    logger.log_metrics(dict(scores))
    for picture in sorted(folder.glob("*.png")):
        logger.log_image(picture.stem, [str(picture)])
    logger.experiment.finish()
