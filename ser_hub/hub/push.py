"""To the Hub: a folder goes up as it is."""

import glob
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet
from httpx2 import HTTPError
from huggingface_hub import HfApi

from ser_hub.corpora import get_corpus
from ser_hub.corpora.repository import FILES
from ser_hub.errors import InputError, first_line
from ser_hub.hub.licences import may_be_published

RepoType = Literal["model", "dataset"]

SHOWN = "[!.]*"
"""Pattern of what a push deletes where the folder has it no more: nothing that begins with a dot at the top, as nothing
such is sent; .gitattributes is the Hub's own."""


def files_to_push(folder: str | Path) -> list[tuple[str, int]]:
    """Return what `push` sends of a folder: each file's path in the repository and its size in bytes.

    Raises:
        InputError: The folder is missing, or holds no README.md, without which nobody can say what it is.
    """
    folder = Path(folder)
    if not (folder / "README.md").is_file():
        raise InputError(f"{folder} holds no README.md; give a folder that ser-hub exported")
    return [
        (path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def check_corpus(folder: str | Path, *, private: bool) -> None:
    """Refuse to push what is no corpus, and to show everybody a corpus that its makers do not.

    Args:
        folder: Folder that `ser-hub corpus export` wrote.
        private: Whether the repository is private.

    Raises:
        InputError: The folder holds no exported corpus, or one that may not be published.
    """
    try:
        parts = [pa.parquet.read_table(path, columns=["corpus"])["corpus"] for path in Path(folder).glob(FILES)]
        corpora = [get_corpus(name) for name in sorted({name for part in parts for name in part.to_pylist()})]
    except (pa.ArrowException, KeyError, OSError):
        corpora = []
    if not corpora:
        raise InputError(f"{folder} holds no exported corpus; give a folder that `ser-hub corpus export` wrote")
    if not private and (closed := [corpus for corpus in corpora if not may_be_published(corpus)]):
        names = " and ".join(f"{corpus.title} ({corpus.licence})" for corpus in closed)
        raise InputError(f"{folder} holds {names}, which may not be published; push it with --private")


def push(
    folder: str | Path, repo_id: str, repo_type: RepoType, *, private: bool = False, revision: str | None = None
) -> str:
    """Make a Hub repository, which is made where there is none, hold what a folder holds.

    What the repository has and the folder has not is deleted, but for what begins with a dot at its top. The token is
    the one that huggingface_hub finds (`hf auth login`, or HF_TOKEN). What a stopped upload had sent is not sent again.

    Args:
        folder: Folder with a README.md.
        repo_id: As `org/name`.
        repo_type: Whether it holds a model or a dataset.
        private: Whether the repository has to be private.
        revision: Branch to upload to; it is made where there is none. None means main.

    Returns:
        Address of the commit.

    Raises:
        InputError: The folder is not for upload, the name is not valid, the repository is public against `private`, or
            the Hub refuses or cannot be reached.
    """
    files = [path for path, _ in files_to_push(folder)]
    if repo_type == "dataset":
        check_corpus(folder, private=private)
    api = HfApi()
    try:
        api.create_repo(repo_id, repo_type=repo_type, private=private, exist_ok=True)
        if private and not api.repo_info(repo_id, repo_type=repo_type).private:
            raise InputError(f"'{repo_id}' is there already and public; name another, or make it private on the Hub")
        if revision:
            api.create_branch(repo_id, repo_type=repo_type, branch=revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo_id,
            repo_type=repo_type,
            folder_path=folder,
            revision=revision,
            allow_patterns=[glob.escape(path) for path in files],
            delete_patterns=SHOWN,
            commit_message="Upload with ser_hub",
        )
    except InputError:
        raise
    except ValueError as error:  # what the Hub's client finds wrong: the name, or the metadata of the README
        reason = " ".join(str(error).split())
        raise InputError(f"{folder} cannot be pushed to '{repo_id}' ({reason}); put that right first") from error
    except (HTTPError, OSError, RuntimeError) as error:
        raise InputError(
            f"{folder} cannot be pushed to '{repo_id}' ({first_line(error)}); log in with `hf auth login` and run it "
            f"again: what was sent is not sent again"
        ) from error
    return str(commit.commit_url)
