"""Downloads of corpora, from a server on loopback."""

import hashlib
import io
import zipfile

import pytest

DOWNLOAD = """
import dataclasses, sys
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = 1_000  # of the usual 10 MB, a small file would be lost whole
from ser_hub.cli import main
from ser_hub.corpora import CORPORA
from ser_hub.corpora.base import Archive
url, md5, *argv = sys.argv[1:]
CORPORA["ravdess"] = dataclasses.replace(CORPORA["ravdess"], archives=(Archive(url, md5),))
sys.exit(main(["corpus", "download", *argv]))
"""


def archive(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def download(hub, client, tmp_path):
    """Run `ser-hub corpus download ravdess` on an archive that the server holds; returns its folder and its words."""

    def run(content, *, status=0, md5=None, name="speech.zip"):
        hub.archives["speech.zip"] = content
        dest = tmp_path / "there" / "ravdess"
        md5 = md5 or hashlib.md5(content).hexdigest()
        words = client(DOWNLOAD, f"{hub.url}/archives/{name}", md5, "ravdess", dest, status=status)
        return dest, words

    return run


CLIPS = {"Actor_01/03-01-01-01-01-01-01.wav": b"one" * 5_000, "Actor_02/03-01-01-01-01-01-02.wav": b"two" * 5_000}


def test_download_that_was_stopped_goes_on(download, hub, tmp_path):
    content = archive(**CLIPS)
    partial = tmp_path / "there" / f".ravdess.{hashlib.md5(content).hexdigest()}.part"
    partial.parent.mkdir()
    partial.write_bytes(content[:10_000])
    dest, _ = download(content)
    assert {path.relative_to(dest).as_posix(): path.read_bytes() for path in dest.rglob("*.wav")} == CLIPS
    assert hub.served("GET", "speech.zip") == ["bytes=10000-"]
    assert list(dest.parent.iterdir()) == [dest]


def test_connection_that_breaks_is_taken_up_again(download, hub):
    hub.break_after = 20_000
    dest, _ = download(archive(**CLIPS))
    assert len(list(dest.rglob("*.wav"))) == 2
    assert hub.served("GET", "speech.zip") == [None, "bytes=20000-"]


def test_another_archive_than_the_published_is_refused(download):
    dest, words = download(archive(**CLIPS), md5="0" * 32, status=2)
    assert "is not the published archive" in words
    assert not list(dest.parent.iterdir())


@pytest.mark.parametrize("name", ["../evil.wav", "/evil.wav", "a/../../evil.wav", "C:\\evil.wav", "..\\evil.wav"])
def test_archive_that_climbs_out_is_refused(tmp_path, name):
    from ser_hub.errors import InputError
    from ser_hub.hub.download import unpack

    (tmp_path / "a.zip").write_bytes(archive(**{"good.wav": b"good", name: b"evil"}))
    with pytest.raises(InputError, match="points outside its folder"):
        unpack(tmp_path / "a.zip", tmp_path / "folder")
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]


def test_archive_with_a_link_is_refused(tmp_path):
    from ser_hub.errors import InputError
    from ser_hub.hub.download import unpack

    link = zipfile.ZipInfo("link.wav")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="points outside its folder"):
        unpack(tmp_path / "a.zip", tmp_path / "folder")


def test_what_is_not_there_or_not_free_is_said_in_one_sentence(download, refused, tmp_path):
    _, words = download(archive(**CLIPS), name="gone.zip", status=2)
    assert "cannot be downloaded" in words and "Traceback" not in words
    assert "not for download by a program; get it from http" in refused("corpus", "download", "savee", tmp_path / "x")
    assert "exists already" in refused("corpus", "download", "ravdess", tmp_path)


def test_an_error_without_words_is_named(tmp_path, monkeypatch):
    from ser_hub.errors import InputError
    from ser_hub.hub import download

    def fail(*_args, **_kwargs):
        raise TimeoutError

    monkeypatch.setattr(download, "http_get", fail)
    with pytest.raises(InputError, match=r"cannot be downloaded \(TimeoutError\)"):
        download.fetch(download.Archive("http://there/a.zip", "0" * 32), tmp_path / "a.part")
