"""Short-term features against loops written from their definitions, closed forms, and pyAudioAnalysis's own values."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.fft

from ser_hub.errors import InputError
from ser_hub.features import ShortTermFeatureExtractor
from ser_hub.features.short_term import mel_filter_bank, semitone_filter_bank

from .signals import noise, relative_error, voiced

RATE = 16_000
EPS = 2.0**-52
(ZCR, ENERGY, ENERGY_ENTROPY, CENTROID, SPREAD, ENTROPY, FLUX, ROLL_OFF), RATIO, PITCH = range(8), 34, 35
MFCC, CHROMA = slice(8, 21), slice(21, 33)


def reference(samples, rate=RATE):
    """One frame, one bin, one filter at a time, as the library's manual defines the features."""
    x = samples.astype(float) - samples.astype(float).mean()
    x = x / (max(abs(x)) + 1e-10)
    window, step = rate * 25 // 1000, rate // 100
    size = window // 2
    rows, before = [], None
    for start in range(0, len(x) - window + 1, step):
        frame = x[start : start + window]
        spectrum = np.array([abs(value) / size for value in np.fft.fft(frame)[:size]])
        centroid, spread = moments(spectrum)
        share = spectrum / sum(spectrum + EPS)
        before = share if before is None else before
        chroma = pitch_classes(spectrum, rate)
        rows.append(
            [
                sum(abs(np.sign(b) - np.sign(a)) for a, b in zip(frame, frame[1:], strict=False)) / 2 / (window - 1),
                sum(frame**2) / window,
                block_entropy(frame),
                centroid,
                spread,
                block_entropy(spectrum),
                sum((share - before) ** 2),
                first_above(spectrum, 0.9),
                *cepstrum(spectrum, rate),
                *chroma,
                np.sqrt(np.mean((chroma - np.mean(chroma)) ** 2)),
                *voicing(frame, rate),
            ]
        )
        before = share
    return np.array(rows)


def block_entropy(values):
    length, total = len(values) // 10, sum(values**2)
    shares = [sum(values[length * block : length * (block + 1)] ** 2) / (total + EPS) for block in range(10)]
    return -sum(share * np.log2(share + EPS) for share in shares)


def moments(spectrum):
    if not spectrum.max():
        return 0.0, 0.0
    weight = spectrum / spectrum.max()
    place = np.array([(k + 1) / len(spectrum) for k in range(len(spectrum))])
    centroid = sum(place * weight) / (sum(weight) + EPS)
    return centroid, np.sqrt(sum((place - centroid) ** 2 * weight) / (sum(weight) + EPS))


def first_above(spectrum, part):
    total, so_far = sum(spectrum**2), 0.0
    for k, value in enumerate(spectrum):
        so_far += value**2
        if so_far + EPS > part * total:
            return k / len(spectrum)
    return 0.0


def cepstrum(spectrum, rate):
    """13 linear and 27 logarithmic triangles; bin k counts as the frequency k / size of the sampling rate."""
    size = len(spectrum)
    corners = [133.33 + 200 / 3 * i for i in range(13)]
    while len(corners) < 42:
        corners.append(corners[-1] * 1.0711703)
    bands = []
    for low, centre, high in zip(corners, corners[1:], corners[2:], strict=False):
        band = 0.0
        for k in range(size):
            frequency = k / size * rate
            if low < frequency <= centre:
                band += spectrum[k] * 2 / (high - low) * (frequency - low) / (centre - low)
            elif centre < frequency < high:
                band += spectrum[k] * 2 / (high - low) * (high - frequency) / (high - centre)
        bands.append(np.log10(band + EPS))
    return scipy.fft.dct(bands, type=2, norm="ortho")[:13]


def pitch_classes(spectrum, rate):
    """The last bin of each semitone alone counts, divided by the count of bins on another one."""
    size = len(spectrum)
    numbers = [round(12 * np.log2((k + 1) * rate / (2 * size) / 27.5)) for k in range(size)]
    last = {number: k for k, number in enumerate(numbers)}
    classes = np.zeros(12)
    for number, k in last.items():
        classes[number % 12] += spectrum[k] ** 2 / numbers.count(numbers[numbers[number]])
    return classes / (sum(spectrum**2) or EPS)


def voicing(frame, rate):
    length, longest = len(frame), round(0.016 * rate) - 1
    correlation = [sum(frame[lag:] * frame[: length - lag]) for lag in range(1, length - 1)]
    start = len(correlation) - 1
    for i in range(len(correlation) - 1):
        if np.sign(correlation[i]) != np.sign(correlation[i + 1]):
            start = i
            break
    cumulative, total = np.cumsum(frame**2), sum(frame**2)
    ratio = [0.0] * longest
    for j in range(longest - start):
        ratio[start + j] = correlation[start + j] / (np.sqrt(total * cumulative[longest - j]) + EPS)
    crossings = sum(abs(np.sign(b) - np.sign(a)) for a, b in zip(ratio, ratio[1:], strict=False)) / 2
    if crossings / (longest - 1) > 0.15:
        return 0.0, 0.0
    height, lag = max(ratio), ratio.index(max(ratio))
    pitch = rate / (lag or EPS)
    return height, 0.0 if pitch > 5000 or height < 0.1 else pitch


def extract(samples, rate=RATE, **settings):
    return ShortTermFeatureExtractor(sampling_rate=rate, **settings).extract(samples.astype(np.float32))


def sine(frequency, seconds=0.5, rate=RATE):
    return np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate + 0.1)


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (voiced(RATE, 0.6), RATE),
        (voiced(RATE, 0.537, f0=95.0), RATE),
        (noise(RATE, 0.4), RATE),
        (noise(RATE)[:400], RATE),  # one frame
        (np.concatenate([voiced(RATE, 0.3), np.zeros(3200, dtype=np.float32)]), RATE),
        (np.zeros(800, dtype=np.float32), RATE),
        (voiced(8_000, 0.4), 8_000),
    ],
)
def test_equals_the_definitions(samples, rate):
    features, expected = extract(samples, rate), reference(samples, rate)
    assert features.dtype == np.float32
    assert features.shape == expected.shape == (1 + (len(samples) - rate // 40) // (rate // 100), 36)
    assert relative_error(features, expected) < 1e-6


GOLDEN = {
    0: [
        0.02506266,
        0.2689484,
        3.300683,
        0.2457007,
        0.3090618,
        0.1185562,
        0,
        0.02,
        -24.1583,
        2.661167,
        1.039717,
        0.769747,
        0.5379437,
        0.2852472,
        0.3479008,
        0.02989416,
        -0.0233257,
        -0.05841396,
        -0.03555383,
        -0.2268722,
        -0.01763308,
        0.0002773655,
        3.783917e-05,
        0.005228584,
        6.817202e-05,
        0.0009136241,
        8.324598e-05,
        0.008213346,
        4.645741e-05,
        0.0001134258,
        0.0005099736,
        0.2339812,
        4.827389e-05,
        0.06432649,
        1.165108,
        76.92308,
    ],
    30: [
        0.03759398,
        0.276219,
        3.302204,
        0.263374,
        0.3093682,
        0.2376495,
        0.005447341,
        0.035,
        -23.68995,
        2.413463,
        0.4068047,
        0.1813116,
        -0.3969855,
        -1.1326,
        -0.6082637,
        -0.5171054,
        -1.000289,
        -0.1838451,
        0.0001591593,
        -0.1243589,
        0.2981617,
        0.0004415259,
        0.0001410095,
        0.001312613,
        0.0002628117,
        0.004054445,
        0.0001335098,
        0.1889179,
        9.309424e-05,
        0.0002016627,
        0.002797501,
        0.001036297,
        5.665533e-05,
        0.05196343,
        1.479923,
        68.96552,
    ],
    72: [
        0.06015038,
        0.2887885,
        3.31672,
        0.2532285,
        0.2788054,
        0.4817655,
        0.00177444,
        0.055,
        -24.13318,
        1.59026,
        -0.7664543,
        -0.5975287,
        -1.256412,
        -1.135244,
        0.7536308,
        0.8211514,
        0.1525661,
        0.3196644,
        -0.3619402,
        -0.7609778,
        0.01021564,
        0.001333706,
        4.340475e-05,
        0.1786238,
        0.001671457,
        0.0003950744,
        0.0004511186,
        0.01863945,
        0.0002888106,
        4.032033e-05,
        0.0002017393,
        0.0003938577,
        0.0001372467,
        0.04903349,
        1.745532,
        63.49206,
    ],
}
"""Frames of `chirp` by pyAudioAnalysis 0.3.14: `ShortTermFeatures.feature_extraction(x * 2**15, 16000, 400, 160,
deltas=False)` and `ShortTermFeatures.harmonic` of each frame of its `dc_normalize(x)`, with int() around the latter's
`m`, which numpy demands since it was written."""


def chirp():
    t = np.arange(12_000) / RATE
    return (
        0.5 * np.sin(2 * np.pi * (150 * t + 200 * t**2))
        + 0.2 * t * np.sin(2 * np.pi * 1234.5 * t)
        + 0.05 * np.sin(2 * np.pi * 3000 * np.sin(40 * t))
    )


def test_equals_pyaudioanalysis():
    features = extract(chirp())
    assert features.shape == (73, 36)
    for frame, expected in GOLDEN.items():
        np.testing.assert_allclose(features[frame], expected, rtol=2e-5, atol=1e-8)


def test_square_wave_crosses_zero_twice_a_period():
    square = np.where(np.arange(8_000) // 20 % 2, -0.5, 0.5)  # a period of 40 samples
    features = extract(square)
    # Frames of 400 samples that start with a half-wave hold 19 changes of sign among 399 steps.
    assert np.allclose(features[:, ZCR], 19 / 399)
    assert np.allclose(features[:, ENERGY], 1.0)  # scaled to a magnitude of 1
    assert np.allclose(features[:, ENERGY_ENTROPY], np.log2(10))  # ten equal blocks


def test_spectrum_of_a_sine():
    """1,000 Hz is bin 25 of 200: with the library's count from 1, it stands at 26/200 of half the rate."""
    features = extract(sine(1_000.0))
    assert np.allclose(features[:, CENTROID], 26 / 200, atol=1e-4)
    assert features[:, SPREAD].max() < 0.01
    assert features[:, ENTROPY].max() < 1e-4  # all energy in one block
    assert np.allclose(features[:, FLUX], 0.0, atol=1e-6)
    assert np.allclose(features[:, ROLL_OFF], 25 / 200)


@pytest.mark.parametrize("frequency", [80.0, 100.0, 110.0])
def test_pitch_of_a_sine(frequency):
    features = extract(sine(frequency))
    assert features[:, RATIO].min() > 0.9
    assert np.allclose(features[:, PITCH], frequency, rtol=0.03)  # the library's is this rough


def test_noise_has_no_pitch():
    assert not extract(noise(RATE, 0.5))[:, PITCH].any()


def test_filter_banks():
    mel = mel_filter_bank(RATE, 200)
    assert mel.shape == (200, 40)
    assert np.flatnonzero(mel.any(axis=1)).tolist() == list(range(2, 86))  # 133 to 6,854 Hz in steps of 80
    chroma = semitone_filter_bank(RATE, 200)
    assert chroma.shape == (200, 12)
    assert (chroma > 0).any(axis=0).all()


def test_loudness_does_not_matter_and_offset_neither():
    samples = voiced(RATE, 0.5).astype(np.float64)
    assert relative_error(extract(0.1 * samples + 0.2), extract(samples)) < 1e-3


def test_longer_clips_keep_their_last_frames():
    samples = voiced(RATE, 1.0)
    whole = extract(samples)
    assert np.array_equal(extract(samples, max_frames=40), whole[-40:])
    assert np.array_equal(extract(samples, max_frames=len(whole)), whole)
    assert extract(noise(RATE, 11.0)).shape == (1024, 36)


def test_without_harmonic_ratio_and_pitch(tmp_path):
    samples = voiced(RATE, 0.5)
    extractor = ShortTermFeatureExtractor(harmonic=False)
    assert np.array_equal(extractor.extract(samples), extract(samples)[:, :34])
    extractor.save_pretrained(tmp_path)
    loaded = ShortTermFeatureExtractor.from_pretrained(tmp_path)
    assert loaded.feature_size == 34
    assert np.array_equal(loaded(samples)["input_features"], extractor(samples)["input_features"])


def test_threads_share_an_extractor():
    clips = [voiced(RATE, 0.4, f0=100.0 * 2 ** (number / 40)) for number in range(16)]
    extractor = ShortTermFeatureExtractor()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(extractor.extract, clips))
    assert all(np.array_equal(one, extractor.extract(clip)) for one, clip in zip(together, clips, strict=True))


def test_unusable_settings_and_clips():
    with pytest.raises(InputError, match="sampling_rate 4000 is too low.*8000 Hz or more"):
        ShortTermFeatureExtractor(sampling_rate=4_000)
    with pytest.raises(InputError, match="fewer than one frame of 400"):
        ShortTermFeatureExtractor()(noise(RATE)[:399])
