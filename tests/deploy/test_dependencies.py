"""What comes along at run time: free to use, known by reason, locked by hash."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
REASONS = ROOT / "docs" / "decisions" / "0001-dependencies.md"
NAME = re.compile(r"[A-Za-z0-9_.-]+")
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[.*?\])?==", re.MULTILINE)
FREE = re.compile(
    r"\b(MIT|BSD|0BSD|ISC|Apache|MPL|PSF|Python Software|Unlicense|any-OSI|OSI Approved)",
    re.IGNORECASE,
)
NOT_FREE = re.compile(
    r"\b(A?GPL|LGPL|proprietary|non-?commercial|CC-BY-NC|SSPL|BUSL)", re.IGNORECASE
)


def tell_licence(name: str) -> str:
    """Read what a library says of its licence."""
    told = metadata.metadata(name)
    classifiers = [line for line in told.get_all("Classifier", []) if line.startswith("License")]
    return " ".join([told["License-Expression"] or (told["License"] or "")[:80], *classifiers])


def installed(name: str) -> bool:
    """Tell whether a locked library is here: some are for other systems or versions."""
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def test_everything_that_runs_with_the_product_is_free() -> None:
    """MIT, BSD, Apache, MPL or as free as these: each library, and what it brings along."""
    names = PINNED.findall((ROOT / "requirements-image.lock").read_text())
    licences = {name: tell_licence(name) for name in names if installed(name)}
    assert len(licences) > 30
    unknown = {name: told for name, told in licences.items() if not FREE.search(told)}
    assert unknown == {}
    restricted = {
        name: told
        for name, told in licences.items()
        if NOT_FREE.search(told) and not re.search(r"\bOR\b", told)
    }
    assert restricted == {}


def test_each_dependency_has_its_reason() -> None:
    """Whoever adds one says why, in the list of decisions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    reasons = REASONS.read_text()
    names = [found[0] for line in wanted if (found := NAME.match(line))]
    assert [name for name in names if name not in reasons] == []


@pytest.mark.parametrize("file", sorted(ROOT.glob("requirements*.lock")), ids=lambda f: f.name)
def test_each_lock_holds_hashes_and_names_no_registry(file: Path) -> None:
    """Whatever is installed is what was looked at, wherever it comes from."""
    text = file.read_text()
    pinned = [line for line in text.splitlines() if PINNED.match(line)]
    assert pinned
    assert all(line.rstrip().endswith("\\") for line in pinned)
    assert text.count("--hash=sha256:") >= len(pinned)
    assert "://" not in text
    assert "--index" not in text
