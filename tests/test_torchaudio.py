import subprocess
import sys


def test_importing_ser_hub_makes_torchaudio_importable_for_everyone():
    code = (
        "import ser_hub, torch, torchaudio, torchaudio.functional as F;"
        "assert F.resample(torch.ones(1, 16000), 16000, 8000).shape == (1, 8000);"
        "from transformers import Wav2Vec2FeatureExtractor, ASTFeatureExtractor"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_matching_build_is_left_alone():
    from ser_hub import _torchaudio

    before = sys.modules["torchaudio"]
    _torchaudio.ensure_importable()
    assert sys.modules["torchaudio"] is before
