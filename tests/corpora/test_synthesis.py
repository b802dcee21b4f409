import librosa
import numpy as np
import pytest
import soundfile

from ser_hub import load_corpus
from ser_hub.corpora.synthesis import SYNTHESIS_RATE, clip, synthesise
from ser_hub.errors import InputError

NEUTRAL, SAD, ANGRY = 1, 4, 5


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.wav")}


def f0(samples):
    pitch = librosa.yin(samples.astype(np.float32), fmin=60, fmax=700, sr=SYNTHESIS_RATE)
    loud = librosa.feature.rms(y=samples, frame_length=2048, hop_length=512)[0]
    return float(np.median(pitch[loud > 0.5 * loud.max()]))


def average(measure, emotion, speakers=range(1, 13)):
    return np.mean([measure(clip(emotion, statement, 1, speaker)) for speaker in speakers for statement in (1, 2)])


def test_deterministic_and_independent_of_size(tmp_path):
    small = content(synthesise(tmp_path / "small", speakers=2, repetitions=1))
    again = content(synthesise(tmp_path / "again", speakers=2, repetitions=1))
    large = content(synthesise(tmp_path / "large", speakers=3, repetitions=2))
    other = content(synthesise(tmp_path / "other", speakers=2, repetitions=1, seed=1))
    assert (len(small), len(large)) == (32, 96)
    assert small == again
    assert small.items() <= large.items()
    assert not small.items() & other.items()


def test_goes_on_where_it_was_killed(tmp_path):
    folder = synthesise(tmp_path, speakers=1, repetitions=1)
    whole = content(folder)
    kept, lost = sorted(folder.rglob("*.wav"))[:2]
    lost.unlink()
    stamp = kept.stat().st_mtime_ns
    synthesise(tmp_path, speakers=1, repetitions=1)
    assert content(folder) == whole
    assert kept.stat().st_mtime_ns == stamp


def test_files_and_rows(corpus_dir):
    rows = load_corpus("synthetic", corpus_dir)
    assert len(rows) == 6 * 8 * 2
    assert sorted(set(rows["speaker"])) == [f"synthetic-{number:02d}" for number in range(1, 7)]
    assert {row["speaker"]: row["gender"] for row in rows.remove_columns("audio")}["synthetic-02"] == "female"
    for source in rows["audio"]:
        info = soundfile.info(source["path"])
        assert (info.samplerate, info.channels, info.subtype) == (48_000, 1, "PCM_16")
        assert 1.0 < info.duration < 5.0
        assert np.abs(soundfile.read(source["path"])[0]).max() < 0.99


def test_prosody_follows_the_emotion():
    """Directions of Scherer (2003, table 2) and Juslin and Laukka (2003, table 7)."""
    level = {emotion: average(lambda x: 20 * np.log10(x.std()), emotion) for emotion in (NEUTRAL, SAD, ANGRY)}
    pitch = {emotion: average(f0, emotion) for emotion in (NEUTRAL, SAD, ANGRY)}
    length = {emotion: average(len, emotion) for emotion in (NEUTRAL, SAD, ANGRY)}
    assert level[ANGRY] > level[NEUTRAL] + 3 and level[SAD] < level[NEUTRAL] - 3
    assert pitch[ANGRY] > 1.1 * pitch[NEUTRAL] > 1.1 * pitch[SAD]
    assert length[ANGRY] < length[NEUTRAL] < length[SAD]


def test_women_speak_higher_than_men():
    assert average(f0, NEUTRAL, range(2, 13, 2)) > 1.4 * average(f0, NEUTRAL, range(1, 13, 2))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"speakers": 25}, "speakers is 25"),
        ({"repetitions": 0}, "repetitions is 0"),
        ({"sampling_rate": 44_100}, "multiple"),
    ],
)
def test_out_of_range(tmp_path, wrong, message):
    with pytest.raises(InputError, match=message):
        synthesise(tmp_path, **wrong)
