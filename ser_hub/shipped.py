"""Where the files lie that come with ser_hub and are no code: recipes and trained checkpoints."""

import sys
from pathlib import Path


def folders(name: str) -> tuple[Path, Path]:
    """Return where a folder of such files may lie: in a checkout, or where pip puts it."""
    return Path(__file__).parents[1] / name, Path(sys.prefix) / "share" / "ser_hub" / name
