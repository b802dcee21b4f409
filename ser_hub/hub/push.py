"""To the Hub: a folder goes up as it is."""

from pathlib import Path
from typing import Literal

from httpx2 import HTTPError
from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

from ser_hub.errors import InputError

RepoType = Literal["model", "dataset"]


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


def push(
    folder: str | Path, repo_id: str, repo_type: RepoType, *, private: bool = False, revision: str | None = None
) -> str:
    """Upload a folder to a Hub repository, which is made where there is none.

    The token is the one that huggingface_hub finds (`hf auth login`, or HF_TOKEN). What a stopped upload had sent is
    not sent again.

    Args:
        folder: Folder with a README.md.
        repo_id: As `org/name`.
        repo_type: Whether it holds a model or a dataset.
        private: Whether a repository that is made is private.
        revision: Branch to upload to; it is made where there is none. None means main.

    Returns:
        Address of the commit.

    Raises:
        InputError: The folder is not for upload, the name is not valid, or the Hub refuses or cannot be reached.
    """
    files = [path for path, _ in files_to_push(folder)]
    api = HfApi()
    try:
        api.create_repo(repo_id, repo_type=repo_type, private=private, exist_ok=True)
        if revision:
            api.create_branch(repo_id, repo_type=repo_type, branch=revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo_id,
            repo_type=repo_type,
            folder_path=folder,
            revision=revision,
            allow_patterns=files,
            commit_message="Upload with ser_hub",
        )
    except (HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled, HTTPError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(
            f"{folder} cannot be pushed to '{repo_id}' ({reason}); log in with `hf auth login` and run it again: "
            f"what was sent is not sent again"
        ) from error
    return str(commit.commit_url)
