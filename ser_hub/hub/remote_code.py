"""The code that a Hub repository carries, so that transformers loads it where ser_hub is not installed.

`trust_remote_code=True` runs flat modules that import one another relatively. They are ser_hub's own modules, as they
are, with the imports of one another rewritten.
"""

import re
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

OWN_IMPORT = re.compile(r"^from (ser_hub[\w.]*) import (.+)$", re.MULTILINE)


def remote_code(*modules: str) -> dict[str, str]:
    """Return the files that some modules of ser_hub need to be imported without it.

    Args:
        modules: Names as `ser_hub.models.lstm_sa`.

    Returns:
        Source text by file name; `ser_hub.models.lstm_sa` is `ser_hub_models_lstm_sa.py`.
    """
    files: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if (name := f"{flat(module)}.py") in files:
            continue
        source = _path(module).read_text(encoding="utf-8")
        files[name] = OWN_IMPORT.sub(_relative, source)
        for package, names in OWN_IMPORT.findall(source):
            waiting.append(f"{package}.{names}" if _is_module(package, names) else package)
    return files


def flat(module: str) -> str:
    """Return what a module of ser_hub is called in a repository."""
    return module.replace(".", "_")


def _relative(found: re.Match[str]) -> str:
    package, names = found.groups()
    if not _is_module(package, names):
        return f"from .{flat(package)} import {names}"
    module = flat(f"{package}.{names}")
    # transformers fetches the files that a line of the second kind names, and overlooks the first.
    return f"from . import {module} as {names}\nfrom .{module} import __doc__ as _{names}"


def _is_module(package: str, names: str) -> bool:
    return names.isidentifier() and _spec(package).submodule_search_locations is not None


def _path(module: str) -> Path:
    return Path(_spec(module).origin or "")


def _spec(module: str) -> ModuleSpec:
    spec = find_spec(module)
    assert spec is not None, module
    return spec
