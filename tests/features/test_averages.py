import librosa
import numpy as np
import pytest

from ser_hub.features import AveragesFeatureExtractor, MfccFeatureExtractor

from .signals import noise, relative_error, voiced

RATE = 22_050


def reference(samples):
    """The notebook's recipe, with librosa and its defaults."""
    data = samples[round(0.6 * RATE) : round(0.6 * RATE) + round(2.5 * RATE)]
    magnitude = np.abs(librosa.stft(data))
    return np.hstack(
        [
            librosa.feature.zero_crossing_rate(y=data).mean(),
            librosa.feature.chroma_stft(S=magnitude, sr=RATE).mean(axis=1),
            librosa.feature.mfcc(y=data, sr=RATE).mean(axis=1),
            librosa.feature.rms(y=data).mean(),
            librosa.feature.melspectrogram(y=data, sr=RATE).mean(axis=1),
        ]
    )


@pytest.mark.parametrize(
    "samples", [voiced(RATE, seconds=4.0), voiced(RATE, seconds=1.4, f0=260), noise(RATE, seconds=3.0)]
)
def test_equals_librosa(samples):
    features, expected = AveragesFeatureExtractor().extract(samples), reference(samples)
    assert features.shape == (162, 1) and features.dtype == np.float32
    assert np.abs(features[:, 0] - expected).max() / np.abs(expected).max() < 1e-5
    assert relative_error(features, expected[:, None].astype(np.float32)) < 1e-4
    assert np.allclose(features[:, 0], expected, rtol=1e-3, atol=1e-6)


def test_standardised_value_by_value():
    extractor = AveragesFeatureExtractor()
    clips = [extractor.extract(voiced(RATE, seconds=2.0, f0=f0)) for f0 in (120, 180, 240, 300)]
    extractor.fit(clips)
    assert len(extractor.mean) == len(extractor.std) == 162
    table = np.concatenate([extractor.normalise(clip) for clip in clips], axis=1)
    assert np.allclose(table.mean(axis=1), 0, atol=1e-4)
    assert np.allclose(table.std(axis=1)[np.array(extractor.std) != 1.0], 1, atol=1e-3)


@pytest.mark.parametrize("samples", [voiced(RATE), noise(RATE)])
def test_mfcc_equals_librosa(samples):
    expected = librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=40).T
    features = MfccFeatureExtractor().extract(samples)
    assert features.shape == expected.shape and relative_error(features, expected) < 1e-4
