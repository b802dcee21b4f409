"""ser_hub: the place where speech emotion recognition is done.

After `import ser_hub`, transformers' Auto classes know every architecture and feature extractor of this package:

    import ser_hub
    from transformers import pipeline

    classify = pipeline("audio-classification", model="path/or/org/reslstm-sa-h64")
    classify("clip.wav")
"""

from ser_hub import _librosa, _torchaudio

_torchaudio.ensure_importable()  # before transformers' audio modules, which import torchaudio
_librosa.compile_alone()  # before any module calls librosa

from importlib.metadata import version  # noqa: E402

from ser_hub.corpora import CORPORA, load_corpus  # noqa: E402
from ser_hub.errors import InputError  # noqa: E402
from ser_hub.features import FEATURE_EXTRACTORS  # noqa: E402
from ser_hub.hub.zoo import checkpoint  # noqa: E402
from ser_hub.inference import pipeline  # noqa: E402
from ser_hub.models import ARCHITECTURES, SERModel, register  # noqa: E402
from ser_hub.protocols import PROTOCOLS  # noqa: E402

__version__ = version("ser-hub")

register()
pipeline.register()

__all__ = [
    "ARCHITECTURES",
    "CORPORA",
    "FEATURE_EXTRACTORS",
    "PROTOCOLS",
    "InputError",
    "SERModel",
    "__version__",
    "checkpoint",
    "load_corpus",
]
