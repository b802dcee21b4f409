"""EMO-DB: the Berlin Database of Emotional Speech (Burkhardt et al. 2005).

Source: https://doi.org/10.5281/zenodo.7447302, CC BY 4.0. Ten actors, ten German sentences, 16 kHz, 535 clips of seven
emotions, chosen by listeners.

    03a01Fa.wav
    | |  |version a, b, c ...
    | |  emotion: W anger (Wut), L boredom (Langeweile), E disgust (Ekel), A fear (Angst), F happiness (Freude),
    | |           T sadness (Trauer), N neutral
    | sentence a01 ... b10
    speaker 03 08 09 10 11 12 13 14 15 16

The archive's text files are Latin-1 and are not read: what a row says follows from the name.
"""

import re
from pathlib import Path

from ser_hub.corpora.base import Archive, Corpus, Row, check_codes, harmonised, misnamed

EMOTION_CODES = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
MALE = ("03", "10", "11", "12", "15")
FEMALE = ("08", "09", "13", "14", "16")
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
NAME = re.compile(r"(\d\d)([ab]\d\d)([a-z])([a-z])")


def parse(path: str) -> Row:
    """Parse a clip's name, `03a01Fa.wav` in any case, to its row without `audio`.

    Raises:
        InputError: The name breaks EMO-DB's grammar; the message names the file and the rule.
    """
    name = NAME.fullmatch(Path(path).stem.lower())
    if not name:
        raise misnamed(path, "EMO-DB", "speaker, sentence, emotion, version, as 03a01Fa")
    speaker, sentence, emotion, version = name[1], name[2], name[3].upper(), name[4]
    codes = {
        "speaker": (speaker, sorted(MALE + FEMALE)),
        "sentence": (sentence, SENTENCES),
        "emotion": (emotion, EMOTION_CODES),
    }
    check_codes(path, "EMO-DB", codes)
    return {
        "label": EMOTION_CODES[emotion],
        "speaker": f"emodb-{speaker}",
        "gender": "male" if speaker in MALE else "female",
        "sentence": SENTENCES[sentence],
        "intensity": None,
        "corpus": "emodb",
        "clip_id": f"emodb/{speaker}{sentence}{emotion}{version}",
    }


EMODB = Corpus(
    name="emodb",
    title="EMO-DB, Berlin Database of Emotional Speech",
    classes={label: harmonised(label) for label in EMOTION_CODES.values()},
    parse=parse,
    sampling_rate=16_000,
    clips=535,
    speakers=10,
    licence="CC BY 4.0",
    url="https://doi.org/10.5281/zenodo.7447302",
    citation=(
        "Burkhardt F., Paeschke A., Rolfes M., Sendlmeier W., Weiss B. (2005). A database of German emotional speech. "
        "Interspeech 2005, 1517-1520."
    ),
    archives=(Archive("https://zenodo.org/records/7447302/files/emodb.zip", "9d21362dbc5676ef3ab4745d83ced0db"),),
)
