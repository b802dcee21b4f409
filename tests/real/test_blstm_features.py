"""Short-term features and spectral descriptors of real speech against independent references, four actors."""

import pytest

from ser_hub.audio import EXTENSIONS, decode, resample
from ser_hub.features import ShortTermFeatureExtractor, SpectralMfccDeltaFeatureExtractor

from ..features import test_short_term, test_spectral_mfcc_delta
from ..features.signals import relative_error

pytestmark = pytest.mark.real


@pytest.fixture(params=[1, 8, 15, 22], ids="actor-{:02d}".format)
def samples(ravdess_dir, request):
    actor = request.param
    found = sorted(ravdess_dir.rglob(f"Actor_{actor:02d}/03-01-0{1 + actor % 8}-01-01-01-{actor:02d}.*"))
    clips = [path for path in found if path.suffix.lower() in EXTENSIONS]
    assert clips, f"no clip of actor {actor} in {ravdess_dir}"
    waveform, rate = decode(clips[0])
    return resample(waveform, rate, 16_000)


def test_short_term_features(samples):
    features, expected = ShortTermFeatureExtractor().extract(samples), test_short_term.reference(samples)
    assert features.shape == expected.shape
    assert relative_error(features, expected) < 1e-6


def test_spectral_descriptors_and_mfcc(samples):
    features = SpectralMfccDeltaFeatureExtractor().extract(samples)
    expected = test_spectral_mfcc_delta.reference(samples)
    assert features.shape == expected.shape
    assert relative_error(features, expected) < 1e-5
