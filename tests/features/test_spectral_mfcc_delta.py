from concurrent.futures import ThreadPoolExecutor

import librosa
import numpy as np
import pytest

from ser_hub.errors import InputError
from ser_hub.features import SpectralMfccDeltaFeatureExtractor

from .signals import noise, relative_error, voiced

RATE = 16_000


def reference(samples):
    """librosa's functions, each on the waveform of 5 s, as the public code of this design calls them."""
    y = samples[: 5 * RATE]
    y = np.concatenate([np.zeros(5 * RATE - len(y), dtype=np.float32), y])
    settings = {"y": y, "sr": RATE, "hop_length": 512}
    magnitude, _ = librosa.magphase(librosa.stft(y=y, hop_length=512))
    mfcc = librosa.feature.mfcc(**settings)
    return np.concatenate(
        [
            librosa.feature.spectral_centroid(**settings),
            librosa.feature.spectral_contrast(**settings)[:1],
            librosa.feature.spectral_bandwidth(**settings),
            librosa.feature.spectral_rolloff(**settings),
            librosa.feature.zero_crossing_rate(y, hop_length=512),
            librosa.feature.rms(S=magnitude, hop_length=512),
            mfcc,
            librosa.feature.delta(mfcc),
        ]
    ).T


@pytest.mark.parametrize(
    "samples",
    [
        voiced(RATE, 3.3),
        voiced(RATE, 0.73, f0=95.0),
        voiced(RATE, 6.1, f0=240.0),  # cut
        noise(RATE, 5.0),
        noise(RATE)[:2048],  # one frame
        np.zeros(RATE, dtype=np.float32),
    ],
)
def test_equals_librosa(samples):
    features, expected = SpectralMfccDeltaFeatureExtractor().extract(samples), reference(samples)
    assert features.dtype == np.float32
    assert features.shape == expected.shape == (157, 46)
    assert relative_error(features, expected) < 1e-5


def test_silence_stands_at_the_front():
    features = SpectralMfccDeltaFeatureExtractor().extract(noise(RATE, 1.0))
    loudness = features[:, 5]
    assert not loudness[:120].any()
    assert loudness[-25:].min() > 0.01


def test_duration_travels(tmp_path):
    SpectralMfccDeltaFeatureExtractor(duration=2.0).save_pretrained(tmp_path)
    loaded = SpectralMfccDeltaFeatureExtractor.from_pretrained(tmp_path)
    assert loaded.feature_size == 46
    batch = loaded([noise(RATE, 1.0), noise(RATE, 3.0)], return_tensors="pt")
    assert tuple(batch["input_features"].shape) == (2, 1 + 32_000 // 512, 46)
    assert batch["attention_mask"].all()  # the silence is heard, as in the source


def test_threads_share_an_extractor():
    clips = [voiced(RATE, 0.5, f0=100.0 * 2 ** (number / 40)) for number in range(8)]
    extractor = SpectralMfccDeltaFeatureExtractor()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(extractor.extract, clips))
    assert all(np.array_equal(one, extractor.extract(clip)) for one, clip in zip(together, clips, strict=True))


def test_too_short_clip():
    with pytest.raises(InputError, match="fewer than one frame of 2048"):
        SpectralMfccDeltaFeatureExtractor()(noise(RATE)[:2047])
