"""What a user reads is true: reference pages are generated, links and commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if ".venv" not in page.parts
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?consentry ([a-z-]+(?: [a-z]+)?)", re.MULTILINE)


def test_reference_pages_are_what_the_program_says(tmp_path: Path) -> None:
    """docs/reference is what docs/generate_reference.py writes from the program now."""
    code = (
        "import sys; sys.path.insert(0, 'docs'); import generate_reference as g, pathlib;"
        f"[pathlib.Path({str(tmp_path)!r}, n).write_text(t) for n, t in g.render().items()]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    written = {page.name: page.read_text(encoding="utf-8") for page in tmp_path.iterdir()}
    kept = {
        page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").iterdir()
    }
    assert kept == written, "run: python docs/generate_reference.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link of a page to a file of ours leads to one that is there."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


def test_every_command_in_the_docs_exists() -> None:
    """Every `consentry ...` line in a page is a command of the program."""
    reference = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^## `consentry ([^`]+)`", reference, re.MULTILINE))
    known |= {name.split()[0] for name in known}
    told = {
        command for page in PAGES for command in COMMAND.findall(page.read_text(encoding="utf-8"))
    }
    assert told, "no page shows a command any more; is the pattern of this test still right?"
    unknown = {c for c in told if c not in known and c.split()[0] not in known}
    assert unknown == set()


def test_every_decision_is_numbered_once() -> None:
    """No two decisions have the same number."""
    numbers = [page.name[:4] for page in (ROOT / "docs/decisions").glob("0*.md")]
    assert sorted(set(numbers)) == sorted(numbers)


def test_architecture_names_files_that_exist() -> None:
    """Every file or folder in the table of where things are exists."""
    table = (ROOT / "docs/where-is-it.md").read_text(encoding="utf-8")
    places = re.findall(r"`([a-z_]+(?:/[a-z_]*)*(?:\.py|/))`", table)
    assert len(places) > 10
    missing = [place for place in places if not (ROOT / "src/consentry" / place).exists()]
    assert missing == []


def test_every_test_that_the_threat_model_names_is_there() -> None:
    """Who asks what shows a protection finds a test, or a folder of them, under that name."""
    page = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`((?:[a-z0-9_]+/)+(?:test_[a-z0-9_]+\.py)?|test_[a-z0-9_]+\.py)`", page)
    )
    named.discard("tests/")
    assert len(named) > 20
    assert sorted(name for name in named if not (ROOT / "tests" / name).exists()) == []
