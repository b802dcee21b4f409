"""The name grammars of the real corpora, in the layouts and spellings in which people download them."""

import shutil

import pytest

from ser_hub import load_corpus
from ser_hub.corpora import CORPORA, EMOTIONS
from ser_hub.corpora.crema_d import FEMALE
from ser_hub.errors import InputError

from .clips import write

ROWS = [
    # path, label, emotion, speaker, gender, sentence, intensity, clip_id
    ("wav/03a01Fa.wav", "happiness", "happy", "emodb-03", "male", "Der Lappen liegt auf dem Eisschrank.", None, "03a01Fa"),
    ("EMODB/16B10LB.WAV", "boredom", "bored", "emodb-16", "female", "Die wird auf dem Platz sein, wo wir sie immer hinlegen.", None, "16b10Lb"),
    ("08a02Wc.wav", "anger", "angry", "emodb-08", "female", "Das will sie am Mittwoch abgeben.", None, "08a02Wc"),
    ("female/F03S02.wav", "sadness", "sad", "shemo-F03", "female", None, None, "F03S02"),
    ("male/m03w11.wav", "surprise", "surprised", "shemo-M03", "male", None, None, "M03W11"),
    ("AudioWAV/1001_DFA_ANG_XX.wav", "anger", "angry", "crema-d-1001", "male", "Don't forget a jacket", None, "1001_DFA_ANG_XX"),
    ("1002_IEO_FEA_HI.wav", "fear", "fearful", "crema-d-1002", "female", "It's eleven o'clock", "high", "1002_IEO_FEA_HI"),
    ("1040_ITH_SAD_X.wav", "sad", "sad", "crema-d-1040", "male", "I think I have a doctor's appointment", None, "1040_ITH_SAD_X"),
    ("OAF_angry/OAF_back_angry.wav", "angry", "angry", "tess-OAF", "female", "Say the word back", None, "OAF_back_angry"),
    ("YAF_pleasant_surprised/YAF_dog_ps.wav", "ps", "surprised", "tess-YAF", "female", "Say the word dog", None, "YAF_dog_ps"),
    ("OAF_neutral/OA_bite_neutral.wav", "neutral", "neutral", "tess-OAF", "female", "Say the word bite", None, "OAF_bite_neutral"),
    ("YAF_youth_Pleasant_Surprise.wav", "ps", "surprised", "tess-YAF", "female", "Say the word youth", None, "YAF_youth_ps"),
    ("ALL/DC_a01.wav", "anger", "angry", "savee-DC", "male", None, None, "DC_a01"),
    ("AudioData/KL/sa15.wav", "sadness", "sad", "savee-KL", "male", None, None, "KL_sa15"),
    ("JE_su03.wav", "surprise", "surprised", "savee-JE", "male", None, None, "JE_su03"),
    ("jk/n30.wav", "neutral", "neutral", "savee-JK", "male", None, None, "JK_n30"),
]  # fmt: skip


def corpus_of(speaker):
    return speaker.rpartition("-")[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_parse(row):
    path, label, emotion, speaker, gender, sentence, intensity, clip = row
    corpus = CORPORA[corpus_of(speaker)]
    assert corpus.parse(path) == {
        "label": label,
        "speaker": speaker,
        "gender": gender,
        "sentence": sentence,
        "intensity": intensity,
        "corpus": corpus.name,
        "clip_id": f"{corpus.name}/{clip}",
    }
    assert corpus.classes[label] == emotion


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_load(row, tmp_path):
    path, label, emotion, speaker, *_, clip = row
    corpus = corpus_of(speaker)
    rows = load_corpus(corpus, write(tmp_path, path))
    assert rows["clip_id"][:] == [f"{corpus}/{clip}"] and rows["emotion"][:] == [emotion]
    assert rows.features["label"].int2str(rows["label"][:]) == [label]
    assert rows.features["label"].names == list(CORPORA[corpus].classes)


@pytest.mark.parametrize(
    ("corpus", "path", "rule"),
    [
        ("emodb", "03a01F.wav", "not named as EMO-DB"),
        ("emodb", "03a03Fa.wav", "sentence a03"),
        ("emodb", "04a01Fa.wav", "speaker 04"),
        ("emodb", "03a01Xa.wav", "emotion X"),
        ("shemo", "X03S02.wav", "not named as ShEMO"),
        ("shemo", "F03X02.wav", "emotion X"),
        ("crema-d", "1001_DFA_ANG.wav", "not named as CREMA-D"),
        ("crema-d", "1001_DFA_ANG_ZZ.wav", "level ZZ"),
        ("crema-d", "1001_ABC_ANG_XX.wav", "sentence ABC"),
        ("crema-d", "1092_DFA_ANG_XX.wav", "1001 to 1091"),
        ("tess", "OAF_back.wav", "not named as TESS"),
        ("tess", "XAF_back_angry.wav", "not named as TESS"),
        ("savee", "a01.wav", "not named as SAVEE"),
        ("savee", "XX_a01.wav", "not named as SAVEE"),
        ("savee", "DC_x01.wav", "not named as SAVEE"),
    ],
)
def test_misnamed_clip_is_named_with_the_rule(corpus, path, rule):
    with pytest.raises(InputError, match=rule) as caught:
        CORPORA[corpus].parse(path)
    assert str(caught.value).startswith(path)


def test_a_nested_second_copy_counts_once(tmp_path):
    """As the popular TESS archive has it, and with the older actress's other spelling."""
    write(tmp_path, "OAF_neutral/OA_bite_neutral.wav")
    inner = tmp_path / "TESS Toronto emotional speech set data" / "OAF_neutral"
    inner.mkdir(parents=True)
    shutil.copy(tmp_path / "OAF_neutral" / "OA_bite_neutral.wav", inner / "OAF_bite_neutral.wav")
    assert load_corpus("tess", tmp_path)["clip_id"][:] == ["tess/OAF_bite_neutral"]


def test_emodb_text_files_in_latin_1_are_not_read(tmp_path):
    write(tmp_path, "wav/03a01Fa.wav")
    (tmp_path / "erkennung.txt").write_bytes("Natürlichkeit".encode("latin-1"))
    assert len(load_corpus("emodb", tmp_path)) == 1


def test_genders_of_crema_d():
    """43 of the 91 actors are women (Cao et al. 2014)."""
    assert len(FEMALE) == 43 and min(FEMALE) >= 1001 and max(FEMALE) <= 1091


def test_inventories():
    """Sizes as the makers publish them."""
    assert {name: len(corpus.inventory) for name, corpus in CORPORA.items() if corpus.inventory} == {
        "ravdess": 1_440,
        "ravdess-song": 1_012,
        "savee": 480,
    }
    for corpus in CORPORA.values():
        if corpus.inventory:
            assert len(corpus.inventory) == corpus.clips
            assert len({corpus.parse(clip_id)["speaker"] for clip_id in corpus.inventory}) == corpus.speakers


def test_every_class_has_a_harmonised_emotion():
    assert {emotion for corpus in CORPORA.values() for emotion in corpus.classes.values()} == set(EMOTIONS)
