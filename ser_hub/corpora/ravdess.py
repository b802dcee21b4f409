"""RAVDESS: The Ryerson Audio-Visual Database of Emotional Speech and Song (Livingstone and Russo 2018).

Source: https://doi.org/10.5281/zenodo.1188976, paper doi 10.1371/journal.pone.0196391, CC BY-NC-SA 4.0. 24 professional
actors, two statements, 48 kHz: 1,440 clips of speech (8 emotions), 1,012 of song (6 emotions; actor 18 did not sing).

    03-01-06-01-02-01-12.wav
    |  |  |  |  |  |  actor 01..24, odd numbers male
    |  |  |  |  |  repetition 01..02
    |  |  |  |  statement: 01 kids are talking by the door, 02 dogs are sitting by the door
    |  |  |  intensity: 01 normal, 02 strong (neutral has no strong)
    |  |  emotion: 01 neutral 02 calm 03 happy 04 sad 05 angry 06 fearful 07 disgust 08 surprised
    |  channel: 01 speech, 02 song
    modality: 03 audio-only (01 and 02 are the video files, whose sound repeats these clips)

Speech and song are two corpora here, `ravdess` and `ravdess-song`, so that a number on RAVDESS is a number on the
speech that the field reports on even where both archives lie in one folder. The actors are the same, and so are their
names.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from ser_hub.corpora.base import Archive, Corpus, Row, check_codes, misnamed
from ser_hub.emotions import EMOTIONS_OF_RAVDESS

CHANNELS = {"01": "ravdess", "02": "ravdess-song"}
INTENSITIES = {"01": "normal", "02": "strong"}
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
NAME = re.compile(r"\d\d(?:-\d\d){6}")
FIELDS = ("modality", "channel", "emotion", "intensity", "statement", "repetition", "actor")


def parse(path: str) -> Row:
    """Parse a clip's name, `03-01-06-01-02-01-12.wav`, to its row without `audio`.

    Raises:
        InputError: The name breaks RAVDESS's grammar; the message names the file and the rule.
    """
    stem = Path(path).stem
    if not NAME.fullmatch(stem):
        raise misnamed(path, "RAVDESS", "seven two-digit numbers joined by hyphens, as 03-01-06-01-02-01-12")
    code = dict(zip(FIELDS, stem.split("-"), strict=True))
    known: dict[str, Iterable[str]] = {
        "modality": ["03"],
        "channel": CHANNELS,
        "emotion": [f"{number:02d}" for number in range(1, len(EMOTIONS_OF_RAVDESS) + 1)],
        "intensity": INTENSITIES,
        "statement": STATEMENTS,
        "actor": [f"{number:02d}" for number in range(1, 25)],
    }
    check_codes(path, "RAVDESS", {field: (code[field], codes) for field, codes in known.items()})
    corpus = CHANNELS[code["channel"]]
    return {
        "label": EMOTIONS_OF_RAVDESS[int(code["emotion"]) - 1],
        "speaker": f"ravdess-{code['actor']}",
        "gender": "male" if int(code["actor"]) % 2 else "female",
        "sentence": STATEMENTS[code["statement"]],
        "intensity": INTENSITIES[code["intensity"]],
        "corpus": corpus,
        "clip_id": f"{corpus}/{stem}",
    }


def _inventory(channel: str, emotions: range, actors: Iterable[int]) -> frozenset[str]:
    """Return the clip ids of one channel: two statements, two repetitions, two intensities but for neutral."""
    return frozenset(
        f"{CHANNELS[channel]}/03-{channel}-{emotion:02d}-{intensity}-{statement}-{repetition}-{actor:02d}"
        for actor in actors
        for emotion in emotions
        for intensity in (("01",) if emotion == 1 else ("01", "02"))
        for statement in ("01", "02")
        for repetition in ("01", "02")
    )


_FILES = "https://zenodo.org/records/1188976/files"
_CITATION = (
    "Livingstone S. R., Russo F. A. (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS). "
    "PLoS ONE 13(5): e0196391."
)

SPEECH = Corpus(
    name="ravdess",
    title="RAVDESS, speech",
    classes={emotion: emotion for emotion in EMOTIONS_OF_RAVDESS},
    parse=parse,
    sampling_rate=48_000,
    clips=1_440,
    speakers=24,
    licence="CC BY-NC-SA 4.0",
    url="https://doi.org/10.5281/zenodo.1188976",
    citation=_CITATION,
    inventory=_inventory("01", range(1, 9), range(1, 25)),
    archives=(Archive(f"{_FILES}/Audio_Speech_Actors_01-24.zip", "bc696df654c87fed845eb13823edef8a"),),
)

SONG = Corpus(
    name="ravdess-song",
    title="RAVDESS, song",
    classes={emotion: emotion for emotion in EMOTIONS_OF_RAVDESS[:6]},
    parse=parse,
    sampling_rate=48_000,
    clips=1_012,
    speakers=23,
    licence="CC BY-NC-SA 4.0",
    url="https://doi.org/10.5281/zenodo.1188976",
    citation=_CITATION,
    inventory=_inventory("02", range(1, 7), sorted({*range(1, 25)} - {18})),
    archives=(Archive(f"{_FILES}/Audio_Song_Actors_01-24.zip", "5411230427d67a21e18aa4d466e6d1b9"),),
)
