"""What every feature extractor promises of its settings."""

import inspect

import numpy as np
import pytest

from ser_hub.features import FEATURE_EXTRACTORS, FunctionalsFeatureExtractor, LogMelFeatureExtractor

from .signals import noise


@pytest.mark.parametrize("kind", FEATURE_EXTRACTORS)
def test_every_setting_is_saved(kind, tmp_path):
    """transformers drops `window` and `mel_filters` from what it saves: a setting of that name must be put back."""
    own = {name for name in inspect.signature(kind).parameters if name != "kwargs"}
    extractor = kind()
    assert own <= extractor.to_dict().keys()
    extractor.save_pretrained(tmp_path)
    assert kind.from_pretrained(tmp_path).to_dict() == extractor.to_dict()


def test_another_window_is_another_extractor_once_saved(tmp_path):
    samples = noise(48_000, seconds=4.0)
    hann, usual = LogMelFeatureExtractor(window="hann"), LogMelFeatureExtractor()
    hann.save_pretrained(tmp_path)
    saved = LogMelFeatureExtractor.from_pretrained(tmp_path)
    assert (saved.extract(samples) == hann.extract(samples)).all()
    assert (saved.extract(samples) != usual.extract(samples)).any()
    assert hann.settings() != usual.settings()  # which keeps their cached features apart


@pytest.mark.parametrize("kind", [kind for kind in FEATURE_EXTRACTORS if kind is not FunctionalsFeatureExtractor])
def test_an_extractor_that_does_not_read_the_whole_clip_says_so(kind):
    """A click far behind everything that the cut ones read, or, for those that read the end, far before it."""
    extractor = kind()
    rate = extractor.sampling_rate
    plain = noise(rate, seconds=22.0) * 0.01
    plain[rate * 12 : rate * 18] *= 50  # loud in the middle, for what cuts at the quiet
    differing = []
    for place in (0.2, 21.5):
        clicked = plain.copy()
        start, length = round(place * rate), rate // 100
        clicked[start : start + length] += 0.01 * np.sin(8 * np.pi * np.arange(length) / length)  # changes no mean
        one, other = (extractor.extract(samples) for samples in (plain, clicked))
        differing.append(one.shape != other.shape or not np.allclose(one, other, rtol=1e-3, atol=1e-6))
    assert all(differing) == (extractor.reads == "all")
