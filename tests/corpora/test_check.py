import shutil

import numpy as np
import pytest
import soundfile

from ser_hub.cli import main
from ser_hub.corpora import CORPORA
from ser_hub.corpora.check import check

from .clips import write


@pytest.fixture
def savee(tmp_path):
    """The whole of SAVEE's inventory, as noise."""
    return write(tmp_path, *(f"{clip_id.split('/')[1]}.wav" for clip_id in CORPORA["savee"].inventory), rate=44_100)


def test_a_whole_corpus_has_no_defect(savee, capsys):
    assert main(["corpus", "check", "savee", "--data-dir", str(savee)]) == 0
    assert "0 defects" in capsys.readouterr().out


def test_every_defect_is_named(savee, capsys):
    (savee / "DC_a01.wav").unlink()
    (savee / "DC_a02.wav").write_bytes(b"not audio")
    soundfile.write(savee / "DC_a03.wav", np.zeros(4_410), 44_100)
    soundfile.write(savee / "DC_a04.wav", np.full(1_600, 0.1), 16_000)
    shutil.copy(savee / "DC_a05.wav", savee / "JE_h05.wav")
    shutil.copy(savee / "DC_a06.wav", savee / "DC_a07.wav")
    noise = np.random.default_rng(0).normal(0, 0.1, (4_410, 2))
    soundfile.write(savee / "DC_a08.wav", noise, 44_100)
    soundfile.write(savee / "DC_a09.wav", np.clip(np.repeat(noise[:, 0] * 30, 4), -1, 1), 44_100)
    found = check("savee", savee)
    assert [line.split(":")[0] for line in found.defects] == [
        "1 missing",
        "savee/DC_a02",
        "1 silent",
        "1 not at the published 44100 Hz",
        "byte-identical copies of DIFFERENT speakers or classes",
    ]
    assert "savee/DC_a01" in found.defects[0] and "savee/DC_a05 = savee/JE_h05" in found.defects[-1]
    assert found.remarks == [
        "byte-identical copies of one speaker and class: savee/DC_a06 = savee/DC_a07",
        "1 not mono (mixed down): savee/DC_a08",
        "1 clipped: savee/DC_a09",
        "6 of half the clips of the largest class (120) or fewer: "
        "anger 59, disgust 60, fear 60, happiness 60, sadness 60, ...",
    ]
    assert main(["corpus", "check", "savee", "--data-dir", str(savee)]) == 1
    assert "5 defects, 4 remarks" in capsys.readouterr().out


def test_a_corpus_without_inventory_is_counted(tmp_path):
    found = check("emodb", write(tmp_path, "03a01Fa.wav"))
    assert "1 clips instead of the published 535" in found.defects
    assert "1 speakers instead of the published 10" in found.defects
