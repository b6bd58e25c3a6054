"""How many cores there are for a command to work on."""

import os


def count_cores() -> int:
    """Count the cores that this process may use; where no system tells, those of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
