"""Where tests keep their files: in memory where there is room, for nothing of theirs is kept.

Thousands of databases are made and thrown away. On a disk each of their commits waits for the
disk, and for all that others write there; nothing that a test shows rests on that wait. Processes
that are killed lose nothing either way, and no test cuts the power.
"""

import os
import shutil
import tempfile
from pathlib import Path

# Folders that all users share: what is made in them gets a name nobody can guess (`mkdtemp`).
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - see above
_ON_DISK = Path("/tmp")  # noqa: S108 - see above
_NEEDED_BYTES = 6_000_000_000
"""Several times what one run of all tests has in files at any moment."""


def find_quick_folder() -> Path:
    """Find a folder that any user may write into: in memory, else where all temporary files are."""
    if not os.access(_IN_MEMORY, os.W_OK | os.X_OK):
        return _ON_DISK
    return _IN_MEMORY if shutil.disk_usage(_IN_MEMORY).free >= _NEEDED_BYTES else _ON_DISK


def keep_files_there() -> None:
    """Have this process and its children make temporary files there, if nobody chose another."""
    chosen = os.environ.setdefault("TMPDIR", str(find_quick_folder()))
    tempfile.tempdir = chosen
