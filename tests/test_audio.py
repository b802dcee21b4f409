import numpy as np
import pytest
import soundfile

from ser_hub import audio
from ser_hub.errors import InputError


def tone(rate, seconds=0.5, frequency=440.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("extension", ["wav", "flac"])
def test_decode_gives_mono_float32_at_the_files_own_rate(tmp_path, extension):
    path = tmp_path / f"clip.{extension}"
    soundfile.write(path, tone(16_000), 16_000)
    samples, rate = audio.decode(path)
    assert (samples.dtype, samples.shape, rate) == (np.float32, (8_000,), 16_000)
    assert np.abs(samples - tone(16_000)).max() < 1e-4  # 16 bits


def test_stereo_is_mixed_down(tmp_path):
    left, right = tone(16_000), tone(16_000, frequency=1_000.0)
    soundfile.write(tmp_path / "stereo.wav", np.stack([left, right], axis=1), 16_000)
    samples, _ = audio.decode(tmp_path / "stereo.wav")
    assert np.abs(samples - (left + right) / 2).max() < 1e-4


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_resampling_keeps_the_tone(tmp_path, rate):
    soundfile.write(tmp_path / "clip.wav", tone(rate), rate)
    samples, got = audio.decode(tmp_path / "clip.wav", 48_000)
    assert got == 48_000
    middle = slice(4_000, 20_000)  # away from the filter's edges
    assert np.abs(samples[middle] - tone(48_000)[middle]).max() < 2e-3


def test_row_value_bytes_and_path_are_one(tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, tone(16_000), 16_000)
    expected, _ = audio.decode(path)
    content = path.read_bytes()
    for source in (str(path), content, {"path": str(path), "bytes": None}, {"path": "gone.wav", "bytes": content}):
        assert np.array_equal(audio.decode(source)[0], expected)
        assert audio.content_hash(source) == audio.content_hash(path)


def test_unusable_files_are_named(tmp_path):
    (tmp_path / "text.wav").write_text("not audio")
    (tmp_path / "nothing.wav").write_bytes(b"")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan], dtype=np.float32), 16_000, subtype="FLOAT")
    for name, reason in {
        "text.wav": "cannot be decoded",
        "nothing.wav": "cannot be decoded",
        "empty.wav": "holds no samples",
        "nan.wav": "NaN",
        "gone.wav": "does not exist",
        ".": "is a folder",
    }.items():
        with pytest.raises(InputError, match=reason) as caught:
            audio.decode(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
