"""Tries every parser with inputs that are chosen by the code they reach: `make fuzz SECONDS=5`.

The parsers, what they are shown first and which errors are theirs are what the tests marked `fuzz`
give to `fuzzing.fuzz`. Here atheris makes the inputs, for each parser in a process of its own,
because its engine ends the process. What a parser falls over is kept in a folder and named.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

TESTS: Final = Path(__file__).parent
INPUT_SECONDS_MAX: Final = 10
INPUT_BYTES_MAX: Final = 16 * 1024
START_SECONDS_MAX: Final = 300
_LISTED: Final = re.compile(r"^PARSER (\d+) (.+)$", re.MULTILINE)
_RUNS: Final = re.compile(r"Done (\d+) runs in")
_REACHED: Final = re.compile(r"cov: (\d+)")

Parse = Callable[[bytes], object]
Errors = tuple[type[Exception], ...]


class Target(NamedTuple):
    """A parser: which call it is, from 0, of the test that gives it."""

    call: int
    test: str


class Found(NamedTuple):
    """What became of a parser: how many inputs it was given, and whether it fell over one."""

    inputs: int
    fell: bool


def main() -> int:
    """Try all parsers; the exit code is 1 where one of them fell over an input."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=int, default=5, help="how long to try each parser")
    asked.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--only", default="", help="only parsers whose test has this in its name")
    asked.add_argument("--keep", type=Path, default=Path("var/fuzz"), help="where to keep findings")
    asked.add_argument("--target", nargs=2, help=argparse.SUPPRESS)
    asked.add_argument("--list", action="store_true", help=argparse.SUPPRESS)
    chosen = asked.parse_args()
    keep = chosen.keep.resolve()
    keep.mkdir(parents=True, exist_ok=True)
    if chosen.list:
        return print_targets()
    if chosen.target is not None:
        return try_here(Target(int(chosen.target[0]), chosen.target[1]), chosen.seconds, keep)
    return try_all(chosen.only, chosen.seconds, chosen.at_once, keep)


def try_all(only: str, seconds: int, at_once: int, keep: Path) -> int:
    """Try each parser in a process of its own and say of each what became of it."""
    targets = [target for target in list_targets() if only in target.test]
    if not targets:
        sys.stderr.write(f"No test marked fuzz has {only!r} in its name.\n")
        return 2
    began = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        found = list(pool.map(lambda target: try_apart(target, seconds, keep), targets))
    fell = sum(one.fell for one in found)
    took = time.monotonic() - began
    inputs = sum(one.inputs for one in found)
    kept = f" (kept in {keep})" if fell else ""
    sys.stdout.write(
        f"{len(found)} parsers, {inputs:,} inputs, {took:.0f} s: {fell} fell over one{kept}.\n"
    )
    return 1 if fell else 0


def run_apart(*arguments: str, seconds_max: int) -> "subprocess.CompletedProcess[str]":
    """Run this program in a process of its own."""
    return subprocess.run(
        [sys.executable, __file__, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=TESTS.parent,
        timeout=seconds_max,
        env={**os.environ, "PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}"},
    )


def list_targets() -> list[Target]:
    """Name all parsers, by asking the tests."""
    listed = run_apart("--list", seconds_max=START_SECONDS_MAX)
    if listed.returncode != 0:
        raise SystemExit(f"The parsers cannot be listed:\n{listed.stdout}{listed.stderr}")
    return [Target(int(call), test) for call, test in _LISTED.findall(listed.stdout)]


def try_apart(target: Target, seconds: int, keep: Path) -> Found:
    """Try one parser in a process of its own."""
    ended = run_apart(
        *("--target", str(target.call), target.test),
        *("--seconds", str(seconds), "--keep", str(keep)),
        seconds_max=seconds + START_SECONDS_MAX,
    )
    done = _RUNS.search(ended.stderr)
    reached = _REACHED.findall(ended.stderr)
    found = Found(int(done[1]) if done else 0, fell=ended.returncode != 0 or done is None)
    sys.stdout.write(
        f"{'FELL OVER' if found.fell else 'ok':9} {target.test} ({target.call}): "
        f"{found.inputs:,} inputs, {reached[-1] if reached else 0} edges\n"
    )
    if found.fell:
        sys.stdout.write(f"{ended.stdout[-1500:]}{ended.stderr[-3000:]}\n")
    sys.stdout.flush()
    return found


def print_targets() -> int:
    """Run all tests that give a parser, with an engine that only counts."""
    import fuzzing  # noqa: PLC0415 - what starts the processes needs no product

    calls: dict[str, int] = {}

    def count(_parse: Parse, _recorded: Sequence[bytes], _clean: Errors) -> fuzzing.Outcome:
        test = os.environ["PYTEST_CURRENT_TEST"].removesuffix(" (call)")
        sys.stdout.write(f"\nPARSER {calls.setdefault(test, 0)} {test}\n")
        calls[test] += 1
        return fuzzing.Outcome()

    marked = [file for file in TESTS.rglob("test_*.py") if "pytest.mark.fuzz" in file.read_text()]
    return run_tests(count, "-m", "fuzz", *map(str, sorted(marked)))


def try_here(target: Target, seconds: int, keep: Path) -> int:
    """Try one parser in this process, which atheris ends."""
    import atheris  # noqa: PLC0415 - nothing but this needs it

    import fuzzing  # noqa: PLC0415 - as above

    calls: list[Parse] = []

    def engine(parse: Parse, recorded: Sequence[bytes], clean: Errors) -> fuzzing.Outcome:
        calls.append(parse)
        if len(calls) == target.call + 1:
            with tempfile.TemporaryDirectory() as folder:
                for number, given in enumerate(recorded):
                    (Path(folder) / str(number)).write_bytes(given)
                limits = (seconds, INPUT_SECONDS_MAX, INPUT_BYTES_MAX)
                options = "-max_total_time={} -timeout={} -max_len={}".format(*limits).split()
                options += [f"-artifact_prefix={keep}/", folder]
                atheris.Setup([sys.argv[0], *options], tell_of_falls(parse, clean))
                atheris.Fuzz()
        return fuzzing.Outcome()

    with atheris.instrument_imports(include=["consentry"], enable_loader_override=False):
        return run_tests(engine, target.test) or 1


def tell_of_falls(parse: Parse, clean: Errors) -> Callable[[bytes], None]:
    """Have a parser try an input, and name one that it falls over."""

    def try_input(given: bytes) -> None:
        try:
            parse(given)
        except clean:
            pass
        except BaseException:
            sys.stderr.write(f"\nFELL OVER {given[:2000]!r}\n")
            raise

    return try_input


def run_tests(engine: "Callable[..., object]", *arguments: str) -> int:
    """Run tests with another engine than the mutator."""
    import pytest  # noqa: PLC0415 - as above

    import fuzzing  # noqa: PLC0415 - as above

    fuzzing.engines.append(engine)  # type: ignore[arg-type]
    return int(pytest.main([*arguments, "-q", "-s", "-p", "no:cacheprovider"]))


if __name__ == "__main__":
    sys.exit(main())
