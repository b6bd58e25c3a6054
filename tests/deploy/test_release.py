"""What is released: built the same again, complete in its bill, and signed so that changes show."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from needed import need

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[.*?\])?==([^\s;]+)", re.MULTILINE)
SIGNER = "release@example.org"


def run(*command: str, given: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
    """Run a program and return how it ended."""
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, check=False)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of somebody who releases."""
    need(shutil.which("ssh-keygen"), "openssh-client")
    key = tmp_path_factory.mktemp("key") / "release"
    made = run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", SIGNER, "-f", str(key))
    assert made.returncode == 0, made.stderr
    return key


@pytest.fixture(scope="module")
def release(key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release, signed."""
    out = tmp_path_factory.mktemp("release") / "dist"
    made = run(sys.executable, "deploy/build_release.py", "--out", str(out), "--key", str(key))
    assert made.returncode == 0, (made.stdout, made.stderr)
    return out


def verify(folder: Path, key: Path) -> bool:
    """Check a release as docs/howto/releases.md tells people to."""
    known = folder.parent / "allowed_signers"
    known.write_text(f"{SIGNER} {key.with_suffix('.pub').read_text()}")
    signature = run(
        *("ssh-keygen", "-Y", "verify", "-f", str(known), "-I", SIGNER),
        *("-n", "consentry-release", "-s", str(folder / "SHA256SUMS.sig")),
        given=(folder / "SHA256SUMS").read_bytes(),
    )
    check = ["sha256sum", "-c", "SHA256SUMS"]
    sums = subprocess.run(check, cwd=folder, capture_output=True, check=False)
    return signature.returncode == 0 and sums.returncode == 0


def test_a_release_is_signed_and_any_change_shows(release: Path, key: Path, tmp_path: Path) -> None:
    """It verifies as it is; with one bit of any file changed, or by another's key, it does not."""
    assert verify(release, key)
    for file in sorted(release.iterdir()):
        changed = tmp_path / file.name / "dist"
        shutil.copytree(release, changed)
        octets = bytearray((changed / file.name).read_bytes())
        octets[len(octets) // 2] ^= 1
        (changed / file.name).write_bytes(octets)
        assert not verify(changed, key), file.name
    other = tmp_path / "other"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other))
    assert not verify(release, other)


def test_the_same_commit_gives_the_same_wheel(release: Path, tmp_path: Path) -> None:
    """Built again, elsewhere, it is the same byte by byte, so that anybody can check it."""
    when = run("git", "log", "-1", "--format=%ct").stdout.decode().strip()
    again = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": when},
        capture_output=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    (wheel,) = release.glob("*.whl")
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()
    names = zipfile.ZipFile(wheel).namelist()
    assert "consentry/__main__.py" in names
    assert not [name for name in names if name.startswith(("tests", "var", "docs"))]


def test_the_bill_names_all_that_is_installed(release: Path) -> None:
    """Every locked library with its version and licence, and every file of others that we serve."""
    (file,) = release.glob("*.cdx.json")
    bill: dict[str, Any] = json.loads(file.read_text())
    assert bill["bomFormat"] == "CycloneDX"
    named = {part["name"]: part["version"] for part in bill["components"]}
    locked = dict(PINNED.findall((ROOT / "requirements-image.lock").read_text()))
    assert len(locked) > 30
    assert locked.items() <= named.items()
    assert "htmx.min.js" in named
    without = [part["name"] for part in bill["components"] if not part.get("licenses")]
    # What is for another system or an older Python is locked and not installed here.
    assert set(without) <= {"colorama", "tzlocal", "backports-zstd", "async-timeout"}


def test_nothing_is_built_over_what_is_there(tmp_path: Path) -> None:
    """A folder with something in it is left alone, and what to do is said."""
    (tmp_path / "notes.txt").write_text("mine")
    refused = run(sys.executable, "deploy/build_release.py", "--out", str(tmp_path))
    assert refused.returncode == 1
    assert b"not empty" in refused.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
