"""Where ser_hub keeps what can be made again, and how files are written so that nothing is ever half there."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def cache_dir(room: str) -> Path:
    """Return a folder for one kind of cached thing: below SER_HUB_CACHE, else below the user's cache folder."""
    home = os.environ.get("SER_HUB_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "ser_hub")
    return Path(home).expanduser() / room


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path beside `path` to write to, and rename it to `path` when the block ends without an error.

    Two writers at once are harmless: each has its own file and the last rename wins. After an error nothing is left.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}{target.suffix}")
    partial.touch(exist_ok=False)  # not tempfile's, which is private: what we write is an ordinary file
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write a JSON file, beside and renamed."""
    with written_aside(path) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")
