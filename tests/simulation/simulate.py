"""`make simulate SEED=123`: one world, exactly. `make simulate SEEDS=10000`: many, on all cores."""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from one_seed import Told, run_seed  # noqa: E402 - found where this file lies

STEPS: Final = 60
POPULATION: Final = (
    "recipient",
    "recipient of whom something was written",
    "agent",
    "program with a key",
    "program consented to",
    "import",
)
"""What there is of in each world: told of the middle one, not of all together."""

_AT_ONCE: Final = 20
_SHOWN_MAX: Final = 3
_MANY: Final = 2000
"""From so many seeds on each fault must have been injected at least once."""

FAULTS: Final = (
    "21610 in a receipt",
    "21610 in the answer",
    "429",
    "5xx before the text was taken",
    "5xx though the text was taken",
    "answer of the carrier lost",
    "answer to a webhook lost",
    "batch that the disk refused",
    "carrier blocks by itself",
    "carrier's list unreachable",
    "clock set",
    "delay on the network",
    "disk full",
    "door answered 503",
    "entry changed behind the product's back",
    "entry exchanged behind the product's back",
    "entry removed behind the product's back",
    "id of another person's text used again",
    "log not folded",
    "machine asleep",
    "no connection to the carrier",
    "power lost",
    "power lost inside a transaction",
    "process killed",
    "read failed",
    "receipt missing",
    "receipt told twice",
    "refused for another reason",
    "sector lost at a crash",
    "start in vain",
    "stopped in order",
    "store silent at a check",
    "sync failed",
    "text held back by its fence",
    "text lost on its way",
    "webhook given up by the carrier",
    "webhook lost",
    "webhook refused with 503",
    "webhook to a server that is down",
    "webhook told again",
    "webhook told twice",
    "write failed",
)


def main() -> int:
    """Run what was asked for; 1 where a seed failed."""
    asked = _read_arguments()
    if asked.seed is not None:
        return _replay(asked)
    began, failed, counts, done = time.monotonic(), [], Counter[str](), 0
    population: dict[str, list[int]] = {what: [] for what in POPULATION}
    for told in _run_all(asked):
        done += 1
        counts.update(told.counts)
        for what, many in population.items():
            many.append(counts.pop(what, 0))
        if told.failure is not None:
            failed.append(told)
            _show(told)
        _show_progress(done, asked.seeds, len(failed), time.monotonic() - began)
        if len(failed) >= asked.stop_at:
            break
    seconds = time.monotonic() - began
    middle = {what: int(median(many)) for what, many in population.items() if many}
    if asked.json:
        seeds = {told.seed: told.failure and told.failure.what for told in failed}
        said = {"seeds": done, "failed": seeds, "seconds": seconds, "counts": counts}
        print(json.dumps({**said, "middle": middle}))
    else:
        _show_counts(counts)
        print("In the world in the middle")
        for what, many in middle.items():
            print(f"{many:>12,}  {what}")
        print(f"{done} seeds of {asked.steps} steps in {seconds:.0f} s; {len(failed)} failed")
    missing = [fault for fault in FAULTS if done >= _MANY and not counts[fault]]
    for fault in missing:
        print(f"never injected: {fault}")
    return int(bool(failed or missing))


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--seeds", type=int, default=100, help="how many to run")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--steps", type=int, default=STEPS, help="how long each world lives")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="1: in this one")
    parser.add_argument("--verbose", action="store_true", help="print all that happens in a seed")
    parser.add_argument(
        "--stop-at", type=int, default=_SHOWN_MAX, help="so many failed seeds end it"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser.parse_args()


def _replay(asked: argparse.Namespace) -> int:
    told = run_seed(asked.seed, steps=asked.steps, verbose=asked.verbose)
    if asked.json:
        what = None if told.failure is None else told.failure.what
        print(json.dumps({"seed": told.seed, "trace": told.digest, "failure": what}))
    elif told.failure is not None:
        _show(told)
    else:
        print(f"seed {told.seed}: {told.counts['entry']} entries, nothing violated")
        print(f"trace {told.digest}")
    return int(told.failure is not None)


def _run_all(asked: argparse.Namespace) -> Iterator[Told]:
    """Run many seeds, in this process or in several; their order hangs on who is faster."""
    seeds = range(asked.first, asked.first + asked.seeds)
    if asked.processes == 1:
        for seed in seeds:
            yield run_seed(seed, steps=asked.steps)
        return
    portions = [(seeds[at : at + _AT_ONCE], asked.steps) for at in range(0, len(seeds), _AT_ONCE)]
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        for told in pool.imap_unordered(_run_portion, portions):
            yield from told


def _run_portion(portion: tuple[range, int]) -> list[Told]:
    seeds, steps = portion
    return [run_seed(seed, steps=steps) for seed in seeds]


def _show(told: Told) -> None:
    """Say what happened, and how to see it again."""
    failure = told.failure
    assert failure is not None
    lines = (
        f"seed {failure.seed} failed at step {failure.step}: {failure.what}",
        *(f"    {line}" for line in failure.history),
        f"replay it: make simulate SEED={failure.seed} VERBOSE=1",
    )
    print("\n".join(lines), file=sys.stderr)


def _show_progress(done: int, seeds: int, failed: int, seconds: float) -> None:
    """Keep one line on a terminal, and write a few elsewhere."""
    line = f"{done}/{seeds} seeds, {failed} failed, {done / max(seconds, 0.001):.0f} a second"
    if sys.stderr.isatty():
        print(f"\r{line} ", end="" if done < seeds else "\n", file=sys.stderr, flush=True)
    elif done % max(1, seeds // 10) == 0:
        print(line, file=sys.stderr, flush=True)


def _show_counts(counts: Counter[str]) -> None:
    """Print what was done and what was done to it."""
    print("Faults injected")
    for fault in FAULTS:
        print(f"{counts[fault]:>12,}  {fault}")
    print("Done")
    for what in sorted(set(counts) - set(FAULTS)):
        print(f"{counts[what]:>12,}  {what}")


if __name__ == "__main__":
    sys.exit(main())
