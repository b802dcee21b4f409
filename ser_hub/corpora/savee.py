"""SAVEE: Surrey Audio-Visual Expressed Emotion (Haq and Jackson 2010).

Source: http://kahlan.eps.surrey.ac.uk/savee, for research, on registration. Four male speakers, 15 sentences in each of
six emotions and 30 neutral ones: 480 clips at 44.1 kHz.

    DC_a01.wav, or DC/a01.wav
    |  |number 01..15 (neutral 01..30)
    |  emotion: a anger, d disgust, f fear, h happiness, n neutral, sa sadness, su surprise
    speaker: DC JE JK KL
"""

import re
from pathlib import Path

from ser_hub.corpora.base import Corpus, Row, harmonised, misnamed

EMOTION_CODES = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
SPEAKERS = ("DC", "JE", "JK", "KL")
NAME = re.compile(r"(?:([A-Z]+)_)?(SA|SU|[A-Z])(\d\d)")


def parse(path: str) -> Row:
    """Parse a clip's name, `DC_a01.wav` or `DC/a01.wav` in any case, to its row without `audio`.

    Raises:
        InputError: The name breaks SAVEE's grammar; the message names the file and the rule.
    """
    name = NAME.fullmatch(Path(path).stem.upper())
    speaker = (name[1] or Path(path).parent.name.upper()) if name else None
    emotion = name[2].lower() if name else None
    if not name or speaker not in SPEAKERS or emotion not in EMOTION_CODES:
        raise misnamed(
            path,
            "SAVEE",
            f"speaker {', '.join(SPEAKERS)} in the name or as the folder, emotion {', '.join(EMOTION_CODES)}, number, "
            f"as DC_a01",
        )
    return {
        "label": EMOTION_CODES[emotion],
        "speaker": f"savee-{speaker}",
        "gender": "male",
        "sentence": None,
        "intensity": None,
        "corpus": "savee",
        "clip_id": f"savee/{speaker}_{emotion}{name[3]}",
    }


SAVEE = Corpus(
    name="savee",
    title="SAVEE, Surrey Audio-Visual Expressed Emotion",
    classes={label: harmonised(label) for label in EMOTION_CODES.values()},
    parse=parse,
    sampling_rate=44_100,
    clips=480,
    speakers=4,
    licence="for research, on registration",
    url="http://kahlan.eps.surrey.ac.uk/savee",
    citation="Haq S., Jackson P. J. B. (2010). Multimodal Emotion Recognition. Machine Audition, IGI Global, 398-423.",
    inventory=frozenset(
        f"savee/{speaker}_{emotion}{number:02d}"
        for speaker in SPEAKERS
        for emotion in EMOTION_CODES
        for number in range(1, 31 if emotion == "n" else 16)
    ),
)
