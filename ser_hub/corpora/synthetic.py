"""The embedded corpus: source-filter speech made by code, so that everything runs where no corpus is on disk.

It is a test bed: a number measured on it says that the program works, and nothing about real speech. Its clips are
named with RAVDESS's grammar and parsed by RAVDESS's parser. How the sound is made stands in `synthesis.py`.
"""

from ser_hub.corpora import ravdess
from ser_hub.corpora.base import Corpus, Row
from ser_hub.emotions import EMOTIONS_OF_RAVDESS


def parse(path: str) -> Row:
    """Parse a clip's name as RAVDESS's, to a row of the synthetic corpus.

    Raises:
        InputError: The name breaks RAVDESS's grammar.
    """
    row = ravdess.parse(path)
    return row | {
        "speaker": row["speaker"].replace("ravdess", "synthetic"),
        "sentence": None,  # two fixed vowel sequences, no words
        "corpus": "synthetic",
        "clip_id": row["clip_id"].replace("ravdess", "synthetic"),
    }


SYNTHETIC = Corpus(
    name="synthetic",
    title="Synthetic source-filter speech (a test bed, not speech)",
    classes={emotion: emotion for emotion in EMOTIONS_OF_RAVDESS},
    parse=parse,
    sampling_rate=48_000,
    clips=768,
    speakers=24,
    licence="Apache-2.0",
    url="made by ser_hub.corpora.synthesis",
    citation="ser_hub.corpora.synthesis",
)
