"""Features of real speech against librosa's, one clip of every actor, every emotion among them."""

import librosa
import numpy as np
import pytest

from ser_hub.audio import EXTENSIONS, decode
from ser_hub.features import MfccChromaFeatureExtractor
from ser_hub.features.spectral import estimate_tuning, power_spectrogram

from ..features.signals import relative_error

pytestmark = pytest.mark.real


@pytest.fixture
def samples(ravdess_dir, request):
    actor = request.param
    emotion = 1 + actor % 8
    # The popular archive nests a second copy of every actor, hence the first of what is found.
    found = sorted(ravdess_dir.rglob(f"Actor_{actor:02d}/03-01-{emotion:02d}-01-01-01-{actor:02d}.*"))
    clips = [path for path in found if path.suffix.lower() in EXTENSIONS]
    assert clips, f"no clip of actor {actor} in {ravdess_dir}"
    waveform, rate = decode(clips[0])
    assert rate == 48_000
    return waveform


@pytest.mark.parametrize("samples", range(1, 25), indirect=True, ids="actor-{:02d}".format)
def test_equals_librosa(samples):
    settings = {"y": samples, "sr": 48_000, "n_fft": 4096, "hop_length": 2048}
    expected = np.concatenate([librosa.feature.mfcc(n_mfcc=34, **settings), librosa.feature.chroma_stft(**settings)]).T
    features = MfccChromaFeatureExtractor().extract(samples)
    assert features.shape == expected.shape
    assert relative_error(features, expected) < 1e-3
    # One step of the tuning grid moves the chroma by more than that only here and there: hold the estimate itself.
    power = power_spectrogram(samples, 4096, 2048)
    reference = np.abs(librosa.stft(samples, n_fft=4096, hop_length=2048)) ** 2
    assert estimate_tuning(power, 48_000) == librosa.estimate_tuning(S=reference, sr=48_000)
