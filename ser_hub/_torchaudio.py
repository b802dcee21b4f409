"""Make `import torchaudio` work beside a torch build that its compiled extension was not linked against.

The torchaudio wheels on PyPI are linked against CUDA builds of torch; next to a CPU-only torch their import raises
OSError while it loads `torchaudio._extension`, which nothing in ser_hub uses. In that case a stand-in for that one
module is put in place and the pure-PyTorch part (functional, transforms) imports as usual. Where the two builds match,
nothing is done. transformers' audio modules import torchaudio too, so `ser_hub/__init__.py` runs this first.
"""

import importlib
import importlib.machinery
import sys
import types


def ensure_importable() -> None:
    """Import torchaudio, without its compiled extension if that cannot be loaded.

    Raises:
        ImportError: torchaudio is not installed.
    """
    try:
        importlib.import_module("torchaudio")
    except OSError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _extension_stand_in()
        importlib.import_module("torchaudio")


def _extension_stand_in() -> types.ModuleType:
    """Return what `torchaudio._extension` is in a build without compiled code: the flags, and refusals."""

    def unavailable(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("torchaudio's compiled extension does not match the installed torch build")

    module = types.ModuleType("torchaudio._extension")
    module.__spec__ = importlib.machinery.ModuleSpec("torchaudio._extension", loader=None)
    vars(module).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        fail_if_no_align=lambda _function: unavailable,
        _load_lib=unavailable,
        _check_cuda_version=unavailable,
    )
    return module
