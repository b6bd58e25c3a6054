"""The program that checks a bundle: joined from its parts into the one file that bundles carry."""

import re
from importlib.resources import files
from typing import Final

_FUTURE: Final = "from __future__ import annotations\n"
_OURS: Final = re.compile(r"from consentry\.[^(]*\([^)]*\)\n\n?")


def write_verifier() -> bytes:
    """Join the parts: a file that runs anywhere, by Python's standard library alone."""
    here = files(__name__)
    proofs, check = (here.joinpath(name).read_text("utf-8") for name in ("proofs.py", "check.py"))
    told, _, checks = check.partition(_FUTURE)
    tools = proofs.partition(_FUTURE)[2]
    return f"{told}{_FUTURE}{tools}\n{_OURS.sub('', checks)}".encode()
