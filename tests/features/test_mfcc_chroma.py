from concurrent.futures import ThreadPoolExecutor

import librosa
import numpy as np
import pytest
import torch

from ser_hub.errors import InputError
from ser_hub.features import MfccChromaFeatureExtractor
from ser_hub.features.spectral import estimate_tuning, power_spectrogram

from .signals import noise, relative_error, voiced

RATE = 48_000


def reference(samples):
    settings = {"y": samples, "sr": RATE, "n_fft": 4096, "hop_length": 2048}
    return np.concatenate([librosa.feature.mfcc(n_mfcc=34, **settings), librosa.feature.chroma_stft(**settings)]).T


@pytest.mark.parametrize(
    "samples",
    [
        voiced(RATE),
        voiced(RATE, f0=180.0 * 2 ** (0.3 / 12)),  # off tune: the chroma filters must follow
        voiced(RATE, f0=95.0, seconds=0.73),  # no multiple of the hop
        noise(RATE),
        noise(RATE)[:4096],  # one frame
        np.concatenate([noise(RATE), np.zeros(RATE, dtype=np.float32)]),
        np.zeros(RATE, dtype=np.float32),
    ],
)
@pytest.mark.filterwarnings("ignore:Trying to estimate tuning")
def test_equals_librosa(samples):
    features = MfccChromaFeatureExtractor().extract(samples)
    expected = reference(samples)
    assert features.dtype == np.float32
    assert features.shape == expected.shape
    assert relative_error(features, expected) < 1e-4


@pytest.mark.parametrize("cents", [-40, -20, 0, 10, 30, 45])
def test_tuning_equals_librosa(cents):
    samples = voiced(RATE, f0=220.0 * 2 ** (cents / 1200))
    power = power_spectrogram(samples, 4096, 2048)
    assert estimate_tuning(power, RATE) == librosa.estimate_tuning(S=power.T, sr=RATE, n_fft=4096)


def test_batch_is_padded_and_masked():
    extractor = MfccChromaFeatureExtractor()
    clips = [noise(RATE, 1.0), noise(RATE, 0.5, seed=1)]
    batch = extractor(clips, sampling_rate=RATE, return_tensors="pt")
    times = [1 + len(clip) // 2048 for clip in clips]
    assert tuple(batch["input_features"].shape) == (2, times[0], 46)
    assert batch["input_features"].dtype == torch.float32
    assert batch["attention_mask"].sum(dim=1).tolist() == times
    assert np.array_equal(batch["input_features"][1, : times[1]], extractor.extract(clips[1]))
    assert not batch["input_features"][1, times[1] :].any()


def test_threads_share_an_extractor():
    clips = [voiced(RATE, f0=100.0 * 2 ** (number / 40)) for number in range(16)]
    extractor = MfccChromaFeatureExtractor()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(extractor.extract, clips))
    assert all(np.array_equal(one, extractor.extract(clip)) for one, clip in zip(together, clips, strict=True))


def test_feature_size_follows_the_settings(tmp_path):
    extractor = MfccChromaFeatureExtractor(n_mfcc=13, n_chroma=24)
    extractor.save_pretrained(tmp_path)
    assert MfccChromaFeatureExtractor.from_pretrained(tmp_path).feature_size == 37
    assert extractor.extract(voiced(RATE)).shape[1] == 37


def test_normalisation_is_fitted_and_travels(tmp_path):
    clips = [voiced(RATE, seed=seed) for seed in range(3)]
    extractor = MfccChromaFeatureExtractor()
    raw = [extractor.extract(clip) for clip in clips]
    extractor.fit(raw)
    frames = np.concatenate([extractor.normalise(features) for features in raw])
    assert np.abs(frames.mean(axis=0)).max() < 1e-4
    assert np.abs(frames.std(axis=0) - 1).max() < 1e-3
    extractor.save_pretrained(tmp_path)
    loaded = MfccChromaFeatureExtractor.from_pretrained(tmp_path)
    assert np.array_equal(
        loaded(clips, return_tensors="np")["input_features"], extractor(clips, return_tensors="np")["input_features"]
    )


def test_a_dimension_that_never_varies_becomes_zero():
    extractor = MfccChromaFeatureExtractor().fit([np.ones((5, 46), dtype=np.float32)])
    assert not extractor.normalise(np.ones((2, 46), dtype=np.float32)).any()


def test_settings_leave_the_statistics_out():
    fitted = MfccChromaFeatureExtractor(mean=[0.0] * 46, std=[1.0] * 46)
    assert fitted.settings() == MfccChromaFeatureExtractor().settings()
    assert fitted.settings() != MfccChromaFeatureExtractor(hop_length=1024).settings()


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (noise(RATE), 16_000, "sampling rate is 16000 Hz.*48000 Hz"),
        (noise(RATE)[:4095], RATE, "fewer than one frame of 4096"),
        (np.zeros(0, dtype=np.float32), RATE, "fewer than one frame"),
        (np.full(RATE, np.nan, dtype=np.float32), RATE, "NaN"),
        (np.zeros((2, 2, RATE), dtype=np.float32), RATE, "mix it down"),
    ],
)
def test_unusable_waveforms(samples, rate, message):
    with pytest.raises(InputError, match=message):
        MfccChromaFeatureExtractor()(samples, sampling_rate=rate)
