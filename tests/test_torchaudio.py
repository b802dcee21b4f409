import subprocess
import sys
from pathlib import Path

import pytest


def test_importing_ser_hub_makes_torchaudio_importable_for_everyone():
    code = (
        "import ser_hub, torch, torchaudio, torchaudio.functional as F;"
        "assert F.resample(torch.ones(1, 16000), 16000, 8000).shape == (1, 8000);"
        "from transformers import Wav2Vec2FeatureExtractor, ASTFeatureExtractor"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("extension", "left_alone"), [("OWN = True", True), ("raise OSError('other build')", False)])
def test_only_a_build_that_does_not_match_is_changed(tmp_path, extension, left_alone):
    package = tmp_path / "torchaudio"
    package.mkdir()
    (package / "__init__.py").write_text("from torchaudio import _extension")
    (package / "_extension.py").write_text(extension)
    file = Path(__file__).parents[1] / "ser_hub" / "_torchaudio.py"
    code = (
        f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r});"
        f"runpy.run_path({str(file)!r})['ensure_importable']();"
        f"import torchaudio; assert torchaudio.__file__.startswith({str(tmp_path)!r});"
        f"assert hasattr(torchaudio._extension, 'OWN') is {left_alone}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
