"""Files that commands write: whole or not at all, and for their owner's eyes alone."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_whole(out: Path) -> Iterator[BinaryIO]:
    """Give a draft to write to, which takes the place of `out` when the block ends well.

    What was there before stays until then, so a file that was cut off is never taken for a whole
    one. The draft is made at once: raises `OSError` before anything was done in vain. A pipe or a
    device is written to as it is.
    """
    if out.exists() and not out.is_file():
        with out.open("wb") as file:
            yield file
        return
    out = out.resolve()
    # Named like no other's: in a container each run has the same process id.
    handle, draft = tempfile.mkstemp(".part", f".{out.name}.", out.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(draft).replace(out)
    finally:
        Path(draft).unlink(missing_ok=True)
