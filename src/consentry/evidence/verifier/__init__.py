"""The program that checks a bundle: joined from its parts into the one file that bundles carry."""

import re
from importlib.resources import files
from typing import Final

_FUTURE: Final = "from __future__ import annotations\n"
_OURS: Final = re.compile(r"from consentry\.\S+ import (?:\([^)]*\)|[^(\n]*)\n\n?")


def write_verifier() -> bytes:
    """Join the parts: a file that runs anywhere, by Python's standard library alone."""
    here = files(__name__)
    names = ("proofs.py", "zips.py", "check.py")
    *tools, check = (here.joinpath(name).read_text("utf-8") for name in names)
    told, _, checks = check.partition(_FUTURE)
    parts = [*(tool.partition(_FUTURE)[2] for tool in tools), checks]
    return "\n".join([told + _FUTURE, *(_OURS.sub("", part) for part in parts)]).encode()
