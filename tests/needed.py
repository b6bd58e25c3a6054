"""What a test needs that no Python package brings: without it, it is not tried, and that is told.

`make test` installs nothing into the system, so on a developer's machine it may be missing.
"""

import os

import pytest

EVERY_FAULT = "CONSENTRY_TRY_EVERY_FAULT"
"""Where this is set nothing may be left out: `.ci/run` installs what is needed, and sets it."""


def need(is_here: object, package: str) -> None:
    """Skip the test where something is not here; fail it where every fault must be tried."""
    if is_here:
        return
    told = f"NOT TRIED: on Debian, apt-get install {package}"
    if EVERY_FAULT in os.environ:
        pytest.fail(told)
    pytest.skip(told)
