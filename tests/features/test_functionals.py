import numpy as np
import pytest

from ser_hub.errors import InputError
from ser_hub.features import FunctionalsFeatureExtractor

opensmile = pytest.importorskip("opensmile", reason="the extra ser-hub[opensmile] is not installed")


def tone(f0, amplitude=0.3, seconds=1.0, rate=16_000):
    time = np.arange(int(seconds * rate)) / rate
    return (amplitude * sum(np.sin(2 * np.pi * k * f0 * time) / k for k in range(1, 10)) / 2).astype(np.float32)


def named(waveform, feature_set="eGeMAPSv02"):
    names = opensmile.Smile(feature_set, opensmile.FeatureLevel.Functionals).feature_names
    values = FunctionalsFeatureExtractor(feature_set=feature_set).extract(waveform)
    assert values.shape == (1, len(names)) and values.dtype == np.float32
    return dict(zip(names, values[0], strict=True))


@pytest.mark.parametrize("f0", [120.0, 220.0])
def test_pitch_is_in_semitones_from_27_5_hz(f0):
    values = named(tone(f0))
    assert values["F0semitoneFrom27.5Hz_sma3nz_amean"] == pytest.approx(12 * np.log2(f0 / 27.5), abs=0.1)


def test_level_follows_the_gain():
    soft, loud = (named(tone(150, amplitude)) for amplitude in (0.1, 0.2))
    key = "equivalentSoundLevel_dBp"
    assert loud[key] - soft[key] == pytest.approx(20 * np.log10(2), abs=0.01)


@pytest.mark.parametrize(("feature_set", "size"), [("eGeMAPSv02", 88), ("GeMAPSv01b", 62), ("ComParE_2016", 6_373)])
def test_sizes(feature_set, size):
    extractor = FunctionalsFeatureExtractor(feature_set=feature_set)
    assert extractor.feature_size == size and extractor.extract(tone(150)).shape == (1, size)


def test_silence_is_finite_and_a_tenth_of_a_second_is_enough():
    extractor = FunctionalsFeatureExtractor()
    assert np.isfinite(extractor.compute(np.zeros(16_000, dtype=np.float32))).all()
    assert extractor.compute(tone(150)[: extractor.min_samples]).shape == (1, 88)


def test_unknown_set_is_refused():
    with pytest.raises(InputError, match="feature_set 'eGeMAPS' is not known; choose eGeMAPSv02"):
        FunctionalsFeatureExtractor(feature_set="eGeMAPS")
