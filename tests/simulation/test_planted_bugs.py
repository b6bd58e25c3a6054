"""Bugs planted in the source are found: who finds nothing has to show that they could."""

import os
from pathlib import Path

import pytest
from planted_bugs import PLANTED, Planted, hunt, plant

pytestmark = pytest.mark.property

EVERY_BUG = bool(os.environ.get("CONSENTRY_HUNT_EVERY_BUG"))
QUICK = ("a commit is not synced", "a text without an answer is sent again")
"""Each is in the first few seeds; the others are hunted where there is time for it (`.ci/run`)."""


@pytest.mark.parametrize(
    "bug", [bug for bug in PLANTED if EVERY_BUG or bug.name in QUICK], ids=lambda bug: bug.name
)
def test_the_simulation_finds_a_planted_bug(bug: Planted) -> None:
    """A seed fails, and by the invariant that the bug breaks."""
    found = hunt(bug)
    assert found.seed is not None, f"not found: {bug.name}"
    assert found.what.startswith(bug.shows)


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_each_bug_can_still_be_planted(bug: Planted, tmp_path: Path) -> None:
    """Its place in the source is found, once."""
    source = plant(bug, tmp_path, only=True)
    assert (source / "consentry" / bug.path).read_text() != ""


def test_a_bug_whose_place_is_gone_is_an_error(tmp_path: Path) -> None:
    """A list that no longer fits the source must not pass for one that was found."""
    gone = Planted("gone", "domain/gate.py", "no such text", "", ())
    with pytest.raises(ValueError, match="0 times"):
        plant(gone, tmp_path, only=True)
