"""CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset (Cao et al. 2014).

Source: https://github.com/CheyneyComputerScience/CREMA-D, ODbL 1.0. 7,442 clips of 91 actors (48 male, 43 female),
twelve sentences, six emotions, 16 kHz.

    1001_DFA_ANG_XX.wav
    |    |   |   level: LO low, MD medium, HI high, XX unspecified
    |    |   emotion: ANG DIS FEA HAP NEU SAD
    |    sentence
    actor

Quirks: one clip, 1040_ITH_SAD_X, spells its level with one X; 1076_MTI_SAD_XX is all zeros, which `corpus check` finds.
"""

import re
from pathlib import Path

from ser_hub.corpora.base import Corpus, Row, check_codes, harmonised, misnamed

EMOTION_CODES = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": None, "X": None}
SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
ACTORS = range(1001, 1092)
# VideoDemographics.csv of the source.
FEMALE = frozenset(
    {1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024, 1025, 1028, 1029, 1030, 1037}
    | {1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056, 1058, 1060, 1061, 1063, 1072, 1073, 1074, 1075, 1076}
    | {1078, 1079, 1082, 1084, 1089, 1091}
)
NAME = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_([A-Z]{1,2})")


def parse(path: str) -> Row:
    """Parse a clip's name, `1001_DFA_ANG_XX.wav` in any case, to its row without `audio`.

    Raises:
        InputError: The name breaks CREMA-D's grammar; the message names the file and the rule.
    """
    name = NAME.fullmatch(Path(path).stem.upper())
    if not name:
        raise misnamed(path, "CREMA-D", "actor, sentence, emotion, level, as 1001_DFA_ANG_XX")
    actor, sentence, emotion, level = name.groups()
    check_codes(
        path,
        "CREMA-D",
        {"sentence": (sentence, SENTENCES), "emotion": (emotion, EMOTION_CODES), "level": (level, LEVELS)},
    )
    if int(actor) not in ACTORS:
        raise misnamed(path, "CREMA-D", "its actors are 1001 to 1091")
    return {
        "label": EMOTION_CODES[emotion],
        "speaker": f"crema-d-{actor}",
        "gender": "female" if int(actor) in FEMALE else "male",
        "sentence": SENTENCES[sentence],
        "intensity": LEVELS[level],
        "corpus": "crema-d",
        "clip_id": f"crema-d/{actor}_{sentence}_{emotion}_{level}",
    }


CREMA_D = Corpus(
    name="crema-d",
    title="CREMA-D, Crowd-sourced Emotional Multimodal Actors Dataset",
    classes={label: harmonised(label) for label in EMOTION_CODES.values()},
    parse=parse,
    sampling_rate=16_000,
    clips=7_442,
    speakers=91,
    licence="ODbL 1.0",
    url="https://github.com/CheyneyComputerScience/CREMA-D",
    citation=(
        "Cao H., Cooper D. G., Keutmann M. K., Gur R. C., Nenkova A., Verma R. (2014). CREMA-D: Crowd-sourced "
        "Emotional Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4), 377-390."
    ),
)
