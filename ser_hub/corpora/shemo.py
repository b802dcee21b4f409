"""ShEMO: Sharif Emotional Speech Database (Nezami, Lou and Karami 2019).

Source: https://github.com/mansourehk/ShEMO, for academic use. 3,000 utterances from Persian radio plays, 87 speakers
(31 female, 56 male), 44.1 kHz, six classes of very different sizes (fear has 38 clips).

    F03S02.wav
    ||  ||number
    ||  emotion: A anger, W surprise, F fear, H happiness, S sadness, N neutral
    |speaker, counted anew for each gender
    gender: F female, M male

It arrives as two archives, `female/` and `male/`.
"""

import re
from pathlib import Path

from ser_hub.corpora.base import Corpus, Row, check_codes, harmonised, misnamed

EMOTION_CODES = {"A": "anger", "W": "surprise", "F": "fear", "H": "happiness", "S": "sadness", "N": "neutral"}
NAME = re.compile(r"([FM])(\d\d)([A-Z])(\d{2,3})")


def parse(path: str) -> Row:
    """Parse a clip's name, `F03S02.wav` in any case, to its row without `audio`.

    Raises:
        InputError: The name breaks ShEMO's grammar; the message names the file and the rule.
    """
    name = NAME.fullmatch(Path(path).stem.upper())
    if not name:
        raise misnamed(path, "ShEMO", "gender, speaker, emotion, number, as F03S02")
    gender, speaker, emotion, number = name.groups()
    check_codes(path, "ShEMO", {"emotion": (emotion, EMOTION_CODES)})
    return {
        "label": EMOTION_CODES[emotion],
        "speaker": f"shemo-{gender}{speaker}",
        "gender": "female" if gender == "F" else "male",
        "sentence": None,  # transcripts come apart from the audio
        "intensity": None,
        "corpus": "shemo",
        "clip_id": f"shemo/{gender}{speaker}{emotion}{number}",
    }


SHEMO = Corpus(
    name="shemo",
    title="ShEMO, Sharif Emotional Speech Database",
    classes={label: harmonised(label) for label in EMOTION_CODES.values()},
    parse=parse,
    sampling_rate=44_100,
    clips=3_000,
    speakers=87,
    licence="free for academic use",
    url="https://github.com/mansourehk/ShEMO",
    citation=(
        "Nezami O. M., Lou P. J., Karami M. (2019). ShEMO: a large-scale validated database for Persian speech emotion "
        "detection. Language Resources and Evaluation 53, 1-16."
    ),
)
