"""Keeps checkpoints in a folder, or in a git repository with a commit for each.

Each is in a file of its own, named by its size, which is never written over; `latest` is a copy of
the newest one.
"""

import os
import subprocess
from pathlib import Path
from typing import Final

from consentry.ports import Checkpoint

LATEST: Final = "latest"
_GIT_SECONDS: Final = 30
_NEW_BRANCH: Final = ("-c", "push.autoSetupRemote=true")
"""A repository that was made here has a branch that its remote does not know yet."""

_AUTHOR: Final = ("-c", "user.name=Consentry", "-c", "user.email=consentry@localhost")


class NotKept(Exception):
    """A checkpoint could not be kept; str() says why, and what to do."""


def keep_in_folder(checkpoint: Checkpoint, folder: Path) -> Path:
    """Keep a checkpoint in a folder, durably; the same one twice changes nothing.

    Raises `NotKept` where it cannot be written, or where another checkpoint of that size is there:
    then one of the two ledgers was written anew.
    """
    file = folder / f"checkpoint-{checkpoint.size}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if file.exists():
            _check_same(file, checkpoint)
        else:
            _write(file, checkpoint.note.encode())
        _write(folder / LATEST, checkpoint.note.encode())
        if checkpoint.timestamp is not None:
            _write(file.with_name(f"{file.name}.tsr"), checkpoint.timestamp)
    except OSError as error:
        raise NotKept(
            f"The checkpoint cannot be kept in {folder} ({error}). Mend that, and push it again: "
            "consentry ledger checkpoint --push FOLDER"
        ) from error
    return file


def _check_same(file: Path, checkpoint: Checkpoint) -> None:
    """Refuse another tree of the same size; who signed it, and when, does not matter."""
    kept = file.read_text(encoding="utf-8", errors="replace").split("\n")
    if kept[:3] != checkpoint.note.split("\n")[:3]:
        raise NotKept(
            f"{file} is a checkpoint of another ledger of {checkpoint.size} entries. Nothing was "
            "written over. If it is this one's folder, its ledger was written anew: run "
            f"consentry ledger verify --against {file}"
        )


def _write(file: Path, content: bytes) -> None:
    """Write a file whole and durably."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with draft.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)


def keep_in_git(checkpoint: Checkpoint, folder: Path) -> None:
    """Keep a checkpoint in a git repository, made where there is none, as a commit of its own.

    Where the repository has a remote that its branch goes to, it is pushed there. Raises `NotKept`.
    """
    file = keep_in_folder(checkpoint, folder)
    if not (folder / ".git").exists():
        _git(folder, "init", "--quiet")
    files = [file.name, LATEST]
    if checkpoint.timestamp is not None:
        files.append(f"{file.name}.tsr")
    _git(folder, "add", "--", *files)
    if _git(folder, "status", "--porcelain", "--", *files):
        told = f"Keep the checkpoint of {checkpoint.size} entries"
        _git(folder, *_AUTHOR, "commit", "--quiet", "-m", told, "--", *files)
    # Also where there is nothing new: the remote may have been away the last time.
    if _git(folder, "remote"):
        _git(folder, "push", "--quiet")


def _git(folder: Path, *arguments: str) -> str:
    try:
        told = subprocess.run(  # noqa: S603 - our own words, and a folder that the operator names
            ["git", "-C", str(folder), *_NEW_BRANCH, *arguments],  # noqa: S607 - the operator's own
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotKept(
            f"git cannot be run in {folder} ({error}). Install it, or see why."
        ) from error
    if told.returncode:
        raise NotKept(
            f"git {arguments[0]} failed in {folder}: {told.stderr.strip()}. The checkpoint may be "
            "in the folder already; mend what git says, and push it again."
        )
    return told.stdout.strip()
