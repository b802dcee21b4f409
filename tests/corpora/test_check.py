import shutil

import numpy as np
import pytest
import soundfile

from ser_hub.cli import main
from ser_hub.corpora import CORPORA
from ser_hub.corpora.check import check
from ser_hub.corpora.summary import summary

from .clips import write


@pytest.fixture
def savee(tmp_path):
    """The whole of SAVEE's inventory, as noise."""
    return write(
        tmp_path / "savee", *(f"{clip_id.split('/')[1]}.wav" for clip_id in CORPORA["savee"].inventory), rate=44_100
    )


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
    assert "emodb has 1 clips instead of the published 535" in found.defects
    assert "emodb has 1 speakers instead of the published 10" in found.defects


def test_a_clip_that_breaks_off_is_a_defect(savee):
    path = savee / "DC_a01.wav"
    path.write_bytes(path.read_bytes()[:5_000])
    (defect,) = check("savee", savee).defects
    assert defect.startswith("savee/DC_a01: ") and "is cut short" in defect


def test_a_mixture_is_checked_corpus_by_corpus(savee, tmp_path, capsys):
    (savee / "DC_a01.wav").unlink()
    emodb = write(tmp_path / "e", "03a01Fa.wav")
    shutil.copy(savee / "DC_a02.wav", emodb / "03a01Wa.wav")  # at SAVEE's rate
    where = f"savee={savee},emodb={emodb}"
    assert check("savee+emodb", where).defects == [
        "1 missing: savee/DC_a01",
        "emodb has 2 clips instead of the published 535",
        "emodb has 1 speakers instead of the published 10",
        "1 not at the published 16000 Hz: emodb/03a01Wa",
        "byte-identical copies of DIFFERENT speakers or classes: savee/DC_a02 = emodb/03a01Wa",
    ]
    assert main(["corpus", "check", "savee+emodb", "--data-dir", where]) == 1
    assert "5 defects" in capsys.readouterr().out


def test_clips_without_a_speaker_are_no_speaker(tmp_path):
    folder = write(tmp_path, *(f"sad/mary/{n}.wav" for n in range(4)), *(f"sad/john/{n}.wav" for n in range(4)))
    write(folder, "sad/a.wav")
    assert check("folder", folder).remarks == []
    shown = summary("folder", folder)
    assert "speakers  2 (2 unknown)" in shown
    shutil.rmtree(folder / "sad")
    assert "speakers  unknown" in summary("folder", write(folder, "sad/a.wav"))
