import librosa
import numpy as np
import pytest

from ser_hub.features import VoicedLogMelFeatureExtractor
from ser_hub.features.voiced_log_mel import loudness, voiced

from .signals import noise, relative_error
from .signals import voiced as speech

RATE = 22_050
SETTINGS = {"sr": RATE, "n_fft": 4096, "win_length": 2048, "hop_length": 1364, "n_mels": 64, "fmax": 6000}


def reference(samples):
    """The published recipe, with librosa."""
    mel = librosa.feature.melspectrogram(y=samples, **SETTINGS)
    curve = librosa.amplitude_to_db(mel)
    curve = ((curve - curve.min()) / (curve.max() - curve.min())).sum(axis=0)
    from scipy.ndimage import gaussian_filter1d

    ordered = gaussian_filter1d(np.sort(curve), 10)
    loud = np.where(curve > ordered[np.argmax(np.gradient(ordered))])[0]
    return librosa.power_to_db(mel)[:, max(loud[0] - 3, 0) : loud[-1] + 3].T


def with_silence(samples, before, after):
    quiet = 1e-4 * noise(RATE, max(before, after), seed=3)
    return np.concatenate([quiet[: int(before * RATE)], samples, quiet[: int(after * RATE)]])


@pytest.mark.parametrize(
    "samples", [speech(RATE), with_silence(speech(RATE), 1.0, 1.2), noise(RATE)], ids=["speech", "padded", "noise"]
)
def test_equals_librosa(samples):
    features, expected = VoicedLogMelFeatureExtractor().extract(samples), reference(samples)
    assert features.shape == expected.shape and features.shape[1] == 64
    assert relative_error(features, expected) < 1e-4


def test_silence_around_speech_is_cut():
    samples = with_silence(speech(RATE), 1.0, 1.2)
    kept = len(VoicedLogMelFeatureExtractor().extract(samples)) * 1364 / RATE
    whole = len(VoicedLogMelFeatureExtractor(cut=False).extract(samples)) * 1364 / RATE
    assert whole == pytest.approx(3.7, abs=0.1) and kept == pytest.approx(1.5 + 6 * 1364 / RATE, abs=0.25)


def test_cut_by_hand():
    curve = np.array([0.0] * 20 + [5.0] * 10 + [0.0] * 20)
    assert voiced(curve) == slice(17, 32)
    assert voiced(curve[18:]) == slice(0, 14)


def test_a_curve_without_contrast_is_kept_whole():
    silence = np.zeros(RATE, dtype=np.float32)
    assert len(VoicedLogMelFeatureExtractor().compute(silence)) == 1 + RATE // 1364
    assert not loudness(np.ones((5, 4), dtype=np.float32)).any()


def test_shortest_clip_gives_two_frames():
    extractor = VoicedLogMelFeatureExtractor()
    assert len(extractor.compute(noise(RATE)[: extractor.min_samples])) == 2


def test_is_not_normalised():
    extractor = VoicedLogMelFeatureExtractor()
    clip = extractor.extract(speech(RATE))
    assert np.array_equal(extractor.fit([clip]).normalise(clip), clip)
