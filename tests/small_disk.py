"""A file system of its own, small enough to be filled."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk() -> Iterator[Path]:
    """Give a folder on a file system of 160 MB; where none can be mounted, the test is skipped."""
    folder = Path(tempfile.mkdtemp(prefix="consentry-small-", dir="/tmp"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip("no file system can be mounted here: run the tests as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def fill(file: Path) -> None:
    """Write until there is no room."""
    with suppress(OSError), file.open("wb") as opened:
        while True:
            opened.write(bytes(1_000_000))
