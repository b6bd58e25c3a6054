"""A secret is compared in a time that tells nothing: by the library, never by `==` or `in`."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

pytestmark = pytest.mark.unit

SOURCE: Final = Path(__file__).parent.parent / "src" / "consentry"
NAMED_LIKE_SECRETS: Final = re.compile(
    r"(?:^|_)(secret|token|signature|signed|password|digest|hmac|hash|hashed|mac|nonce|expected)s?$"
)
COMPARING: Final = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)

HARMLESS: Final[dict[str, str]] = {
    "agent.password_hash != self.old_hash": "both are ours: has it changed since it was read?",
    "agent.password_hash != self.proof": "both are ours: has it changed since it was checked?",
    "password != visit.field('again')": "both were typed by the same person, in one form",
    "source.digest != visit.field('digest')": "the hash of a list that the agent has uploaded",
    "name in secret": "names of fields",
    "name not in secrets": "names of fields",
    "row.labelled.expected in ENDS_TEXTS": "what a text was expected to be read as",
    "timestamp.digest != digest": "the hash of a checkpoint, which everybody may know",
    "timestamp.nonce != nonce": "of one question to an authority, which cannot be asked twice",
    "token[:2] == _FORWARD": "where a list goes on, and nothing secret",
}
"""What looks like a secret and is none; everything else that does is a fault."""

PUBLIC: Final = ("simulator/", "evidence/", "store/verifying/", "cli/bench/")
"""A stand-in for carriers and a bench, which guard nothing; proofs, whose hashes are public."""


@cache
def list_comparisons() -> tuple[tuple[str, str], ...]:
    """List where something named like a secret is compared, each with what it says."""
    return tuple(_find_comparisons())


def _find_comparisons() -> Iterator[tuple[str, str]]:
    for file in sorted(SOURCE.rglob("*.py")):
        place = file.relative_to(SOURCE).as_posix()
        if place.startswith(PUBLIC):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and _compares_secret(node):
                yield f"{place}:{node.lineno}", ast.unparse(node)


def _compares_secret(node: ast.Compare) -> bool:
    sides = [node.left, *node.comparators]
    if not any(isinstance(operator, COMPARING) for operator in node.ops):
        return False
    # To compare with what stands in the source tells nothing that is not there to read.
    if any(isinstance(side, ast.Constant) for side in sides):
        return False
    return any(NAMED_LIKE_SECRETS.search(_name(side)) for side in sides)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=inner) | ast.Await(value=inner) | ast.Subscript(value=inner):
            return _name(inner)
        case _:
            return ""


def test_no_secret_is_compared_letter_by_letter() -> None:
    """Keys, tokens, signatures and passwords: `hmac.compare_digest`, or the library's own."""
    found = [(place, text) for place, text in list_comparisons() if text not in HARMLESS]
    assert found == [], "Compare with hmac.compare_digest, or say in HARMLESS why it is no secret."


def test_what_is_called_harmless_is_still_there() -> None:
    """An exception that nothing needs any more is taken away."""
    assert set(HARMLESS) <= {text for _, text in list_comparisons()}


def test_a_careless_comparison_would_be_found() -> None:
    """The rule sees names, attributes, calls, and both ways to compare."""
    for careless in (
        "given == token",
        "account.secret != given",
        "sign(body, key).signature == header",
        "given in self._tokens",
        "hash_secret(key) == row.hash",
    ):
        (node,) = (n for n in ast.walk(ast.parse(careless)) if isinstance(n, ast.Compare))
        assert _compares_secret(node), careless
