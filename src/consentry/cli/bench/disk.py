"""The ceiling of everything durable: how often a second this disk makes a page durable."""

import os
import time
from pathlib import Path
from typing import Final

_PAGE: Final = b"\xa5" * 4096
_PAGES: Final = 256


def measure_syncs_per_second(folder: Path, seconds: float) -> float | None:
    """Write pages one by one, each followed by fdatasync; None where the system has none."""
    sync = getattr(os, "fdatasync", None)
    if sync is None:
        return None
    file = os.open(folder / "syncs", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, _PAGE * _PAGES, 0)
        os.fsync(file)
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            os.pwrite(file, _PAGE, len(_PAGE) * (count % _PAGES))
            sync(file)
            count += 1
        return count / spent
    finally:
        os.close(file)
