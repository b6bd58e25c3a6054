"""No parser of the wire is left out when inputs are made that nobody should send."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TESTS = Path(__file__).parents[1]
SOURCE = TESTS.parent / "src" / "consentry"
WEBHOOKS = ("inbound.py", "twilio_like_webhooks.py")
"""What reads webhooks: every carrier's is tried whole, with its signature."""


def list_parsers() -> set[str]:
    """Name the public functions of `wire/` that read what others wrote."""
    trees = [ast.parse(file.read_text()) for file in (SOURCE / "wire").rglob("*.py")]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {f.name for f in functions if f.name.startswith(("parse_", "read_", "decode_"))}


def test_every_parser_of_the_wire_is_tried() -> None:
    """Each is named by a test that is marked `fuzz`, or by what reads a carrier's webhooks."""
    fuzzed = [file for file in TESTS.rglob("test_*.py") if "pytest.mark.fuzz" in file.read_text()]
    webhooks = [file for name in WEBHOOKS for file in (SOURCE / "carriers").rglob(name)]
    tried = "\n".join(file.read_text() for file in (*fuzzed, *webhooks))
    assert len(list_parsers()) > 20
    assert sorted(name for name in list_parsers() if not re.search(rf"\b{name}[(,]", tried)) == []
