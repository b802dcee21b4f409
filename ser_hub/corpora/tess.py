"""TESS: Toronto Emotional Speech Set (Pichora-Fuller and Dupuis 2020).

Source: https://doi.org/10.5683/SP2/E8H2MF, CC BY-NC-ND 4.0. Two actresses (64 and 26 years old) say "Say the word ..."
with 200 words in seven emotions: 2,800 clips at 24,414 Hz.

    OAF_back_angry.wav
    |   |    emotion: angry disgust fear happy neutral ps (pleasant surprise) sad
    |   word
    actress: OAF older, YAF younger

Quirks: popular archives nest a second copy of everything (counted once), some clips spell the older actress `OA`
(`OA_bite_neutral`), and folders and files spell pleasant surprise in several ways. Two speakers are too few for any
speaker-independent number.
"""

import re
from pathlib import Path

from ser_hub.corpora.base import Corpus, Row, misnamed

CLASSES = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprised",
    "sad": "sad",
}
SPELLINGS = {label: label for label in CLASSES} | dict.fromkeys(
    ("pleasant_surprise", "pleasant_surprised", "surprise", "surprised"), "ps"
)
ACTRESSES = {"oaf": "OAF", "oa": "OAF", "yaf": "YAF", "ya": "YAF"}
NAME = re.compile(rf"([a-z]+)_(.+?)_({'|'.join(sorted(SPELLINGS, key=len, reverse=True))})")


def parse(path: str) -> Row:
    """Parse a clip's name, `OAF_back_angry.wav` in any case, to its row without `audio`.

    Raises:
        InputError: The name breaks TESS's grammar; the message names the file and the rule.
    """
    name = NAME.fullmatch(Path(path).stem.lower())
    if not name or name[1] not in ACTRESSES:
        raise misnamed(
            path, "TESS", f"actress OAF or YAF, word, emotion {', '.join(CLASSES)}, joined by _ as OAF_back_angry"
        )
    actress, word, label = ACTRESSES[name[1]], name[2], SPELLINGS[name[3]]
    return {
        "label": label,
        "speaker": f"tess-{actress}",
        "gender": "female",
        "sentence": f"Say the word {word}",
        "intensity": None,
        "corpus": "tess",
        "clip_id": f"tess/{actress}_{word}_{label}",
    }


TESS = Corpus(
    name="tess",
    title="TESS, Toronto Emotional Speech Set",
    classes=CLASSES,
    parse=parse,
    sampling_rate=24_414,
    clips=2_800,
    speakers=2,
    licence="CC BY-NC-ND 4.0",
    url="https://doi.org/10.5683/SP2/E8H2MF",
    citation="Pichora-Fuller M. K., Dupuis K. (2020). Toronto emotional speech set (TESS). Borealis.",
)
