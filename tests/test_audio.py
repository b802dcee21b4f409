import io
import struct

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


WHOLE = {
    "WAV": ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "IMA_ADPCM", "MS_ADPCM"),
    "WAVEX": ("PCM_16", "PCM_24", "FLOAT"),
    "AIFF": ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW", "IMA_ADPCM"),
    "FLAC": ("PCM_S8", "PCM_16", "PCM_24"),
    "OGG": ("VORBIS", "OPUS"),
    "MP3": ("MPEG_LAYER_III",),
    "RF64": ("PCM_16",),
}
FORMATS = [(kind, subtype) for kind, subtypes in WHOLE.items() for subtype in subtypes]


def encoded(kind, subtype=None, channels=1, seconds=2.0, **settings):
    """An audio file of noise, which no format can compress to next to nothing; an odd number of samples."""
    noise = np.random.default_rng(0).normal(0, 0.1, (int(16_000 * seconds) + 1, channels))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, 16_000, format=kind, subtype=subtype, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_whole_files_of_every_format_pass(kind, subtype, channels):
    content = encoded(kind, subtype, channels)
    assert len(audio.decode(content)[0]) == len(soundfile.read(io.BytesIO(content))[0]) >= 32_001


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
@pytest.mark.parametrize(("kind", "subtype"), [case for case in FORMATS if case[0] != "RF64"])
def test_a_file_that_breaks_off_is_refused(kind, subtype, share, tmp_path):
    content = encoded(kind, subtype, seconds=10)
    (tmp_path / "clip").write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match="clip is cut short|clip cannot be decoded.*lost sync"):
        audio.decode(tmp_path / "clip")


def chunk(name, content, size=None):
    """A RIFF chunk; `size` where it declares another than it has."""
    return name + struct.pack("<I", len(content) if size is None else size) + content + b"\0" * (len(content) % 2)


def wav(*chunks, bits=16, sound=b"data"):
    """A mono WAV file made by hand: its format, and the chunks given."""
    width = bits // 8
    body = (
        b"WAVE" + chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 16_000, 16_000 * width, width, bits)) + b"".join(chunks)
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


SOUND = bytes(range(1, 251)) * 8  # 2,000 bytes


@pytest.mark.parametrize(
    "content",
    [
        wav(chunk(b"LIST", b"odd"), chunk(b"data", SOUND), chunk(b"LIST", b"after")),
        wav(chunk(b"data", SOUND[:1_999]), bits=8),
        wav(chunk(b"data", SOUND[:1_999]), bits=8)[:-1],  # the last padding byte left out
        wav(chunk(b"data", SOUND[:1_998]), bits=24),
        wav(chunk(b"data", SOUND), chunk(b"LIST", b"broken off", size=1_000)),  # after the sound
        wav(chunk(b"data", SOUND, size=0xFFFF_FFFF)),  # streamed
        wav(chunk(b"data", SOUND, size=0x7FFF_F000)),
        wav(chunk(b"data", SOUND, size=len(SOUND) + 44)),  # the header counted as well
    ],
)
def test_wav_files_that_only_look_odd_pass(content):
    assert len(audio.decode(content)[0]) == len(soundfile.read(io.BytesIO(content))[0]) > 600


def test_a_flac_that_leaves_its_length_open_is_refused():
    content = bytearray(encoded("FLAC"))
    content[21] &= 0xF0  # the last 36 bits of STREAMINFO before its MD5: the number of samples
    content[22:26] = bytes(4)
    with pytest.raises(InputError, match="does not say how long it is"):
        audio.decode(bytes(content))


@pytest.mark.parametrize("missing", [46, 1_000, 1_998])
def test_a_sound_chunk_longer_than_the_file_is_refused(missing):
    content = wav(chunk(b"LIST", b"odd"), chunk(b"data", SOUND))
    with pytest.raises(InputError, match="is cut short: it declares more sound than it holds"):
        audio.decode(content[:-missing])
    soundfile.read(io.BytesIO(content[:-missing]))  # libsndfile has no objection


def test_big_endian_wav_is_measured_too():
    content = encoded("WAV", "PCM_16", endian="BIG")
    assert content.startswith(b"RIFX") and len(audio.decode(content)[0]) == 32_001
    with pytest.raises(InputError, match="is cut short"):
        audio.decode(content[:30_000])


def test_mp3_without_a_count_is_taken_as_it_is():
    """libsndfile then guesses the length from the file's size, a tag's picture included."""
    content = encoded("MP3", bitrate_mode="CONSTANT", compression_level=0.5)
    count = content.index(b"Info") + 7
    tag = b"ID3\4\0\0\0\1\0\0" + bytes(1 << 14)
    assert len(audio.decode(tag + content)[0]) == 32_001
    with pytest.raises(InputError, match="is cut short"):
        audio.decode(tag + content[: len(content) // 2])
    guessed = tag + content[:count] + bytes([content[count] & ~1]) + content[count + 1 :]
    expected = soundfile.info(io.BytesIO(guessed)).frames
    assert len(audio.decode(guessed)[0]) < expected - 10_000
