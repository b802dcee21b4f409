"""Source-filter speech by code: the sound of the embedded corpus.

    pitch contour > glottal pulses (spectral tilt, jitter) + breath noise > formants > syllable rhythm > level

It is a test bed and not speech: each clip is a fixed sequence of vowels whose prosody follows the emotion as listeners'
and acoustic studies of acted speech describe it, blurred by each speaker's voice and by chance, so that the classes
overlap. A number measured on it says that a program works, and nothing about real speech.

Sources. Prosody: Scherer (2003), Speech Communication 40, table 2; Juslin and Laukka (2003), Psychological Bulletin
129, table 7; Banse and Scherer (1996), JPSP 70; Murray and Arnott (1993), JASA 93, table 1. Formants: Peterson and
Barney (1952), JASA 24, table II (men's means; women's are about 17 % higher). Resonators: Klatt (1980), JASA 67,
equation 1. The studies give directions ("high", "fast"); the sizes are chosen here.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import lfilter, resample_poly
from tqdm import tqdm

from ser_hub.cache import written_aside
from ser_hub.errors import InputError

Array = npt.NDArray[np.float64]
Blend = Callable[[str, float], float]

SYNTHESIS_RATE = 16_000
"""Rate in Hz at which a clip is computed, before it is resampled: no formant lies above 5 kHz."""


@dataclass(frozen=True)
class Prosody:
    """How an emotion sounds, relative to a neutral voice.

    Attributes:
        pitch: Mean F0, in semitones from the speaker's own.
        span: Standard deviation of the F0 movements, in semitones.
        slope: Change of F0 from the first to the last syllable, in semitones.
        rate: Syllables per second, as a factor.
        level: Loudness, in dB.
        tilt: Pole of the source's low-pass filter: nearer to 1 is a duller voice.
        breath: Breath noise relative to voicing.
        jitter: Cycle-to-cycle deviation of F0 (relative), heard as roughness.
        tremor: Depth of a 6 Hz tremor of F0, in semitones.
        attack: Seconds over which a syllable's loudness rises.
    """

    pitch: float
    span: float
    slope: float
    rate: float
    level: float
    tilt: float
    breath: float
    jitter: float
    tremor: float
    attack: float


EMOTIONS = {
    "neutral": Prosody(0.0, 1.0, -1.0, 1.00, 0.0, 0.90, 0.05, 0.005, 0.0, 0.040),
    "calm": Prosody(-1.0, 0.8, -1.0, 0.86, -3.0, 0.93, 0.09, 0.004, 0.0, 0.060),
    "happy": Prosody(4.5, 2.8, 1.0, 1.14, 4.0, 0.82, 0.04, 0.006, 0.1, 0.030),
    "sad": Prosody(-1.5, 0.6, -2.5, 0.74, -7.0, 0.955, 0.16, 0.008, 0.1, 0.080),
    "angry": Prosody(4.0, 3.0, -2.0, 1.20, 9.0, 0.70, 0.03, 0.020, 0.0, 0.012),
    "fearful": Prosody(5.5, 1.6, 0.5, 1.28, 1.0, 0.87, 0.12, 0.012, 0.6, 0.025),
    "disgust": Prosody(-2.0, 1.6, -3.0, 0.82, 0.5, 0.88, 0.08, 0.026, 0.0, 0.050),
    "surprised": Prosody(5.0, 3.2, 5.5, 1.02, 3.0, 0.84, 0.07, 0.006, 0.0, 0.025),
}
"""The eight emotions in RAVDESS's order, which numbers them 01 to 08."""

VOWELS = {
    "i": (270.0, 2290.0, 3010.0),
    "e": (530.0, 1840.0, 2480.0),
    "a": (730.0, 1090.0, 2440.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
    "3": (490.0, 1350.0, 1690.0),
}
"""F1 to F3 of a man's vowels in Hz."""

STATEMENTS = (("i", "a", "o", "i", "a", "3", "o"), ("o", "a", "i", "i", "3", "e", "o"))
"""The vowels of the two sentences, one a syllable."""

UPPER_FORMANTS = (3500.0, 4500.0)
BANDWIDTHS = (60.0, 90.0, 150.0, 200.0, 250.0)


def synthesise(
    dest: str | os.PathLike[str],
    *,
    seed: int = 0,
    speakers: int = 24,
    repetitions: int = 2,
    sampling_rate: int = 48_000,
) -> Path:
    """Write the corpus as a WAV tree with RAVDESS's names: speakers x 8 emotions x 2 statements x repetitions.

    A clip depends on its own name and the seed alone, so a smaller corpus is a part of the larger one. What stands is
    left, and files are renamed into place, so a killed run goes on where it stopped.

    Args:
        dest: Folder to write to.
        seed: Seed of all chance.
        speakers: Number of speakers, 1 to 24; odd numbers are male.
        repetitions: Takes of each sentence, 1 to 99.
        sampling_rate: In Hz, of the files (16-bit, mono); a multiple of 16 kHz.

    Returns:
        The folder.

    Raises:
        InputError: A number is out of its range.
    """
    for name, value, highest in (("speakers", speakers, 24), ("repetitions", repetitions, 99)):
        if not 1 <= value <= highest:
            raise InputError(f"{name} is {value}, but the names of the synthetic corpus allow 1 to {highest}")
    if sampling_rate % SYNTHESIS_RATE:
        raise InputError(f"sampling_rate is {sampling_rate} Hz, but must be a multiple of {SYNTHESIS_RATE} Hz")
    names = [
        (emotion, statement, repetition, speaker)
        for speaker in range(1, speakers + 1)
        for emotion in range(1, len(EMOTIONS) + 1)
        for statement in range(1, len(STATEMENTS) + 1)
        for repetition in range(1, repetitions + 1)
    ]
    paths = [
        Path(dest, f"Actor_{n[3]:02d}", f"03-01-{n[0]:02d}-01-{n[1]:02d}-{n[2]:02d}-{n[3]:02d}.wav") for n in names
    ]
    missing = [(path, name) for path, name in zip(paths, names, strict=True) if not path.exists()]
    for path, (emotion, statement, repetition, speaker) in tqdm(
        missing, desc="synthesise", leave=False, disable=not missing
    ):
        samples = clip(emotion, statement, repetition, speaker, seed=seed)
        samples = resample_poly(samples, sampling_rate // SYNTHESIS_RATE, 1)
        with written_aside(path) as partial:
            soundfile.write(partial, samples, sampling_rate, subtype="PCM_16", format="WAV")
    return Path(dest)


def clip(emotion: int, statement: int, repetition: int, speaker: int, *, seed: int = 0) -> Array:
    """Synthesise one clip.

    Args:
        emotion: 1 to 8, as RAVDESS numbers them.
        statement: 1 or 2.
        repetition: Which take.
        speaker: 1 to 24; odd numbers are male.
        seed: Seed of all chance.

    Returns:
        Samples of shape (num_samples,) at `SYNTHESIS_RATE`, within -1 and 1.
    """
    voice = np.random.default_rng([seed, speaker])
    male = speaker % 2 == 1
    base_f0 = (115.0 if male else 205.0) * 2 ** (voice.normal(0, 1.8) / 12)
    tract = (1.0 if male else 1.17) * (1 + voice.normal(0, 0.05))
    syllable_rate = 4.2 * (1 + voice.normal(0, 0.10))
    level = -27.0 + voice.normal(0, 3.0)
    own_breath = np.exp(voice.normal(0, 0.5))
    own_tilt = voice.normal(0, 0.02)
    expressiveness = np.clip(voice.normal(1.0, 0.15), 0.5, 1.4)

    chance = np.random.default_rng([seed, speaker, emotion, statement, repetition])
    neutral, target = EMOTIONS["neutral"], list(EMOTIONS.values())[emotion - 1]
    strength = expressiveness * np.clip(chance.normal(1.0, 0.25), 0.3, 1.7)

    def blend(name: str, deviation: float) -> float:
        """Move from neutral towards the emotion, as far as speaker and take go, and by chance."""
        start, end = getattr(neutral, name), getattr(target, name)
        return float(start + strength * (end - start) + chance.normal(0, deviation))

    vowels = STATEMENTS[statement - 1]
    rate = syllable_rate * max(blend("rate", 0.08), 0.5)
    lengths = np.exp(chance.normal(0, 0.15, len(vowels))) / rate  # seconds
    lengths[-1] *= 1.5  # final lengthening
    ends = np.cumsum(lengths)
    pause = chance.uniform(0.12, 0.3, 2)
    time = np.arange(int(ends[-1] * SYNTHESIS_RATE)) / SYNTHESIS_RATE
    syllable = np.minimum(np.searchsorted(ends, time, side="right"), len(vowels) - 1)

    f0 = base_f0 * 2 ** (_contour(time, ends, blend, chance) / 12)
    source = _glottal_source(f0, max(blend("jitter", 0.003), 0.0), chance)
    breath = max(blend("breath", 0.03), 0.01) * own_breath
    source = source / source.std() + breath * chance.normal(size=len(source))
    dullness = float(np.clip(blend("tilt", 0.025) + own_tilt, 0.4, 0.98))
    source = lfilter([1 - dullness], [1, -dullness], source)

    speech = _articulate(source, [VOWELS[vowel] for vowel in vowels], syllable, tract)
    speech *= _rhythm(time, ends, max(blend("attack", 0.01), 0.005))
    speech /= np.sqrt(np.mean(speech**2))
    speech *= 10 ** ((level + blend("level", 2.0)) / 20)
    silence = [np.zeros(int(seconds * SYNTHESIS_RATE)) for seconds in pause]
    whole = np.concatenate([silence[0], speech, silence[1]])
    room = 10 ** (chance.normal(-62, 3) / 20)
    whole += room * chance.normal(size=len(whole))
    return np.asarray(0.98 * np.tanh(whole))  # a microphone saturates; it does not wrap around


def _contour(time: Array, ends: Array, blend: Blend, chance: np.random.Generator) -> Array:
    """Return the pitch contour in semitones: level, declination, an accent a syllable, tremor."""
    middles = ends - np.diff(ends, prepend=0.0) / 2
    accents = chance.normal(0, 1.0, len(ends)) * max(blend("span", 0.3), 0.2)
    tremor = max(blend("tremor", 0.05), 0.0) * np.sin(2 * np.pi * 6.0 * time + chance.uniform(0, 2 * np.pi))
    slope = blend("slope", 0.8) * (time / time[-1] - 0.5)
    return np.asarray(blend("pitch", 0.9) + slope + np.interp(time, middles, accents) + tremor)


def _glottal_source(f0: Array, jitter: float, chance: np.random.Generator) -> Array:
    """Return glottal flow derivative pulses: the phase runs with F0, each cycle a little off its length."""
    cycles = np.cumsum(f0) / SYNTHESIS_RATE
    deviation = chance.normal(0, 1.0, int(cycles[-1]) + 2) * jitter
    phase = (cycles + deviation[cycles.astype(int)]) % 1.0
    opening = phase < 0.6
    # Rosenberg's pulse, differentiated: a slow rise while the glottis opens and a sharp return when it closes.
    pulse = np.where(opening, np.sin(np.pi * phase / 0.6), 0.0)
    return np.diff(pulse, prepend=0.0)


def _articulate(source: Array, vowels: list[tuple[float, ...]], syllable: npt.NDArray[np.intp], tract: float) -> Array:
    """Send the source through each vowel's formants, and fade from one vowel to the next over 30 ms."""
    fade = np.ones(int(0.03 * SYNTHESIS_RATE)) / int(0.03 * SYNTHESIS_RATE)
    speech = np.zeros_like(source)
    for formants in set(vowels):
        filtered = source
        for frequency, bandwidth in zip((*formants, *UPPER_FORMANTS), BANDWIDTHS, strict=True):
            filtered = _resonate(filtered, frequency * tract, bandwidth)
        active = np.array([vowel == formants for vowel in vowels], dtype=float)[syllable]
        speech += filtered * np.convolve(active, fade, mode="same")
    return speech


def _resonate(samples: Array, frequency: float, bandwidth: float) -> Array:
    """Filter with one digital resonator of unit gain at 0 Hz (Klatt 1980, equation 1)."""
    radius = np.exp(-np.pi * bandwidth / SYNTHESIS_RATE)
    b = 2 * radius * np.cos(2 * np.pi * min(frequency, 0.49 * SYNTHESIS_RATE) / SYNTHESIS_RATE)
    c = -(radius**2)
    return np.asarray(lfilter([1 - b - c], [1, -b, -c], samples))


def _rhythm(time: Array, ends: Array, attack: float) -> Array:
    """Return the loudness of the syllables: each rises within `attack` seconds, and decays."""
    starts = np.concatenate([[0.0], ends[:-1]])
    syllable = np.minimum(np.searchsorted(ends, time, side="right"), len(ends) - 1)
    since, length = time - starts[syllable], (ends - starts)[syllable]
    rise = np.minimum(since / attack, 1.0)
    return np.asarray((0.15 + 0.85 * rise) * np.cos(0.45 * np.pi * since / length))
