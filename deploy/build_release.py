"""Builds what is released, into dist/: `make release KEY=...`.

A wheel and a source archive, which come out the same byte by byte from the same commit; a list of
everything that is in an installation (CycloneDX); the checksums of these; and with a key, a
signature over the checksums that `ssh-keygen -Y verify` checks, as docs/howto/releases.md says.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from bill_of_materials import write_bill

ROOT: Final = Path(__file__).parents[1]
SUMS: Final = "SHA256SUMS"
NAMESPACE: Final = "consentry-release"
"""What the signature is for, so that it is good for nothing else."""


def main() -> int:
    """Build everything; the exit code is 1 where a step failed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path, default=ROOT / "dist", help="an empty or new folder")
    asked.add_argument(
        "--key", type=Path, help="a private SSH key to sign with; its agent works too"
    )
    chosen = asked.parse_args()
    out: Path = chosen.out.resolve()
    if out.exists() and any(out.iterdir()):
        sys.stderr.write(f"{out} is not empty. Move what is in it away: a release is built anew.\n")
        return 1
    out.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": read_commit_time()}
    try:
        build_packages(out, environment)
        (wheel,) = out.glob("*.whl")
        version = wheel.name.split("-")[1]
        write_bill(out / f"consentry-{version}.cdx.json", int(environment["SOURCE_DATE_EPOCH"]))
        write_sums(out)
        if chosen.key is not None:
            sign(out, chosen.key)
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{error.cmd[0]} failed: {error.stderr or error.stdout}\n")
        return 1
    for file in sorted(out.iterdir()):
        sys.stdout.write(f"{file.name}\n")
    if chosen.key is None:
        sys.stdout.write(f"{SUMS} is not signed: name a key, make release KEY=~/.ssh/release\n")
    return 0


def run(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Run a program in the project's folder and return what it wrote."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def read_commit_time() -> str:
    """Tell when the commit was made, in seconds since 1970: everything built is of that time."""
    return run(["git", "log", "-1", "--format=%ct"]).strip()


def build_packages(out: Path, environment: dict[str, str]) -> None:
    """Build the source archive and the wheel, with what is locked and nothing looked up."""
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out)]
    run([*build, "--sdist", "--wheel"], environment)


def write_sums(out: Path) -> None:
    """Write the checksum of each file, as sha256sum does."""
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(out.iterdir())
    ]
    (out / SUMS).write_text("".join(lines))


def sign(out: Path, key: Path) -> None:
    """Sign the checksums with an SSH key, into SHA256SUMS.sig."""
    run(["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(out / SUMS)])


if __name__ == "__main__":
    sys.exit(main())
