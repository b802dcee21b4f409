import librosa
import numpy as np
import pytest

from ser_hub.errors import InputError
from ser_hub.features import LogMelFeatureExtractor

from .signals import noise, relative_error, voiced


def reference(samples):
    """As the public design has it, with librosa."""
    stretch = np.zeros(144_000, dtype=np.float32)
    part = samples[24_000:168_000]
    stretch[: len(part)] = part
    mel = librosa.feature.melspectrogram(
        y=stretch, sr=48_000, n_fft=1024, win_length=512, window="hamming", hop_length=256, n_mels=128, fmax=24_000
    )
    return librosa.power_to_db(mel, ref=np.max).T


@pytest.mark.parametrize(
    "samples", [voiced(48_000, seconds=4.2), voiced(48_000, seconds=1.5), noise(48_000, seconds=3.0)]
)
def test_equals_librosa(samples):
    features, expected = LogMelFeatureExtractor().extract(samples), reference(samples)
    assert features.shape == expected.shape == (563, 128) and features.dtype == np.float32
    assert relative_error(features, expected) < 1e-4
    assert features.max() == pytest.approx(0, abs=1e-3) and features.min() >= -80.001


def test_nothing_after_the_offset_is_refused():
    with pytest.raises(InputError, match="fewer than"):
        LogMelFeatureExtractor().compute(noise(48_000, seconds=0.5))
