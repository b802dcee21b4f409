"""Corpora from where their makers publish them: checked, resumed, and never a file outside the folder."""

import hashlib
import shutil
import stat
import tempfile
import zipfile
from http import HTTPStatus
from pathlib import Path, PureWindowsPath

from httpx2 import HTTPError
from huggingface_hub.file_download import http_get
from tqdm import tqdm

from ser_hub.corpora import get_corpus
from ser_hub.corpora.base import Archive
from ser_hub.errors import InputError, first_line


def download_corpus(name: str, dest: str | Path) -> Path:
    """Download a corpus's archives, check them and unpack them.

    What a stopped download left is kept beside DEST and continued by the next call.

    Args:
        name: A key of `CORPORA`.
        dest: Folder to make; it must not exist.

    Returns:
        The folder.

    Raises:
        InputError: The corpus is not for download by a program, the folder exists, the server does not answer, an
            archive is not the published one, or it would write outside its folder.
    """
    corpus, dest = get_corpus(name), Path(dest)
    if not corpus.archives:
        way_out = f"get it from {corpus.url}" if corpus.url else "there is nothing to download"
        raise InputError(f"the corpus '{name}' ({corpus.licence}) is not for download by a program; {way_out}")
    if dest.exists():
        raise InputError(f"{dest} exists already; remove it or name another folder")
    dest.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dest.parent, prefix=f".{dest.name}.") as temporary:
        folder = Path(temporary) / "corpus"
        folder.mkdir()
        files = [fetch(archive, dest.with_name(f".{dest.name}.{archive.md5}.part")) for archive in corpus.archives]
        for file in files:
            unpack(file, folder)
        shutil.move(folder, dest)
        for file in files:
            file.unlink()
    return dest


def fetch(archive: Archive, partial: Path) -> Path:
    """Download one archive to a file, continuing where an earlier call stopped.

    Args:
        archive: What to fetch.
        partial: The file, whole or begun.

    Returns:
        The file, of the published MD5.

    Raises:
        InputError: The server does not answer, or what it sent is not the published archive.
    """
    if not (partial.exists() and _md5(partial) == archive.md5):
        try:
            with partial.open("ab") as file:
                http_get(archive.url, file, resume_size=partial.stat().st_size)
        except (HTTPError, OSError) as error:
            if (
                getattr(getattr(error, "response", None), "status_code", None)
                == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            ):
                partial.unlink()  # longer than the archive: not the beginning of it
            raise InputError(
                f"{archive.url} cannot be downloaded ({first_line(error)}); run the command again to go on "
                f"where it stopped"
            ) from error
    if (found := _md5(partial)) != archive.md5:
        partial.unlink()
        raise InputError(
            f"{archive.url} is not the published archive (MD5 {found} instead of {archive.md5}); run the command again"
        )
    return partial


def unpack(file: Path, folder: Path) -> None:
    """Unpack a ZIP archive into a folder, refusing one that would write outside it.

    Raises:
        InputError: The file is no ZIP archive, or an entry has an absolute path, climbs out of the folder or is a
            link; nothing is written then.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            for member in members:
                path = PureWindowsPath(member.filename)  # knows both kinds of slash, and drives
                if path.anchor or ".." in path.parts or stat.S_ISLNK(member.external_attr >> 16):
                    raise InputError(
                        f"{file} holds '{member.filename}', which points outside its folder; do not use it"
                    )
            for member in tqdm(members, desc="unpack", unit="file", leave=False):
                archive.extract(member, folder)
    except zipfile.BadZipFile as error:
        raise InputError(f"{file} is no ZIP archive ({error}); download it again") from error


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
