"""Where the files lie that come with ser_hub and are no code: recipes and trained checkpoints."""

import sys
from importlib.metadata import files
from pathlib import Path


def folders(name: str) -> tuple[Path, Path]:
    """Return where a folder of such files may lie: beside the code, or where pip put it.

    Beside the code is the checkout, or what `pip install --target` made; a folder of the same name in site-packages
    would be another package's.
    """
    root = Path(__file__).parents[1]
    is_checkout = (root / "pyproject.toml").is_file()
    return root / name if is_checkout else root / "share" / "ser_hub" / name, _installed(name)


def _installed(name: str) -> Path:
    """Return the folder by pip's record of what it wrote: every scheme (user, Debian, ...) has its own place."""
    for file in files("ser-hub") or ():
        before, found, _ = file.as_posix().partition(f"share/ser_hub/{name}/")
        if found:
            return Path(str(file.dist.locate_file(before + found))).resolve()
    return Path(sys.prefix, "share", "ser_hub", name)
