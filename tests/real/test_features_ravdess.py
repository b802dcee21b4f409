"""Features of real speech against librosa's and the sources' definitions."""

import librosa
import numpy as np
import pytest

from ser_hub.audio import EXTENSIONS, decode, resample
from ser_hub.features import (
    AveragesFeatureExtractor,
    LogMelFeatureExtractor,
    MfccChromaFeatureExtractor,
    MfccFeatureExtractor,
    PannsLogMelFeatureExtractor,
    ShortTermFeatureExtractor,
    SpectralMfccDeltaFeatureExtractor,
    VoicedLogMelFeatureExtractor,
)
from ser_hub.features.spectral import estimate_tuning, power_spectrogram

from ..features import test_averages, test_log_mel, test_short_term, test_spectral_mfcc_delta, test_voiced_log_mel
from ..features.signals import relative_error

pytestmark = pytest.mark.real


@pytest.fixture
def clip(ravdess_dir):
    """Return a function that reads a clip of an actor, another emotion for each of eight, at 48 kHz."""

    def read(actor):
        # The popular archive nests a second copy of every actor, hence the first of what is found.
        found = sorted(ravdess_dir.rglob(f"Actor_{actor:02d}/03-01-{1 + actor % 8:02d}-01-01-01-{actor:02d}.*"))
        clips = [path for path in found if path.suffix.lower() in EXTENSIONS]
        assert clips, f"no clip of actor {actor} in {ravdess_dir}"
        waveform, rate = decode(clips[0])
        assert rate == 48_000
        return waveform

    return read


@pytest.mark.parametrize("actor", range(1, 25))
def test_mfcc_chroma_equals_librosa(clip, actor):
    samples = clip(actor)
    settings = {"y": samples, "sr": 48_000, "n_fft": 4096, "hop_length": 2048}
    expected = np.concatenate([librosa.feature.mfcc(n_mfcc=34, **settings), librosa.feature.chroma_stft(**settings)]).T
    features = MfccChromaFeatureExtractor().extract(samples)
    assert features.shape == expected.shape
    assert relative_error(features, expected) < 1e-3
    # One step of the tuning grid moves the chroma by more than that only here and there: hold the estimate itself.
    power = power_spectrogram(samples, 4096, 2048)
    reference = np.abs(librosa.stft(samples, n_fft=4096, hop_length=2048)) ** 2
    assert estimate_tuning(power, 48_000) == librosa.estimate_tuning(S=reference, sr=48_000)


def mfcc(samples):
    return librosa.feature.mfcc(y=samples, sr=22_050, n_mfcc=40).T


def panns_log_mel(samples):
    settings = {"n_fft": 1024, "hop_length": 320, "n_mels": 64, "fmin": 50, "fmax": 14_000, "pad_mode": "reflect"}
    mel = librosa.feature.melspectrogram(y=samples, sr=32_000, **settings)
    return librosa.power_to_db(mel, top_db=None).T


def averages(samples):
    return test_averages.reference(samples)[:, None]


@pytest.mark.parametrize("actor", [1, 8, 15, 22])
@pytest.mark.parametrize(
    ("extractor", "reference", "tolerance"),
    [
        (VoicedLogMelFeatureExtractor, test_voiced_log_mel.reference, 1e-4),
        (LogMelFeatureExtractor, test_log_mel.reference, 1e-4),
        (PannsLogMelFeatureExtractor, panns_log_mel, 1e-4),
        (MfccFeatureExtractor, mfcc, 1e-4),
        (AveragesFeatureExtractor, averages, 1e-4),
        (ShortTermFeatureExtractor, test_short_term.reference, 1e-6),
        (SpectralMfccDeltaFeatureExtractor, test_spectral_mfcc_delta.reference, 1e-5),
    ],
)
def test_equals_its_source(clip, actor, extractor, reference, tolerance):
    rate = extractor().sampling_rate
    samples = resample(clip(actor), 48_000, rate)
    features, expected = extractor().extract(samples), reference(samples)
    assert features.shape == expected.shape
    assert relative_error(features, expected) < tolerance
