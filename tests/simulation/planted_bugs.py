"""Bugs that are planted in a copy of the source, to see that the simulation finds each of them.

Each is one small change of the kind that reads well in a review. A text that is not found any more
is an error, so that the list stays true while the source changes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

_ROOT: Final = Path(__file__).parents[2]
SEEDS_MAX: Final = 1500
"""A bug that shows in none of so many seeds is not found."""


class Planted(NamedTuple):
    """One bug: where `before` stands in `path`, `after` is put. `shows` begins what is violated."""

    name: str
    path: str
    before: str
    after: str
    shows: tuple[str, ...]


PLANTED: Final = (
    Planted(
        "the gate is not asked at the claim",
        "actions/deliver_job.py",
        "    if decision.decision is Verdict.DENY:\n        return None, Change(",
        "    if decision is None:\n        return None, Change(",
        ("I1", "I2", "I3"),
    ),
    Planted(
        "the gate says yes where the store does not answer",
        "domain/gate.py",
        '    return _deny(Denial(Reason.STORE_UNAVAILABLE, "store/answers"), None, policy, now)\n',
        '    denied = _deny(Denial(Reason.STORE_UNAVAILABLE, "store/answers"), None, policy, now)\n'
        "    return msgspec.structs.replace(denied, decision=Verdict.ALLOW)\n",
        ("I7: the store did not answer",),
    ),
    Planted(
        "a commit is not synced",
        "store/sqlite/connection.py",
        'connection.pragma("synchronous", "full")',
        'connection.pragma("synchronous", "normal")',
        ("I4: after a restart",),
    ),
    Planted(
        "a STOP is acknowledged while a text is on its way",
        "actions/take_events.py",
        "        if received.in_flight:\n",
        "        if received.in_flight and received.duplicate:\n",
        ("I1: a text leaves after its revocation was acknowledged",),
    ),
    Planted(
        "START lifts another number's block too",
        "domain/consent.py",
        "        scope = sender.scope_of(layer)\n        opened.append(",
        "        known = [b.scope for b in standing.blocks if b.layer is layer]\n"
        "        scope = known[0] if known else sender.scope_of(layer)\n"
        "        opened.append(",
        ("I1", "I4"),
    ),
    Planted(
        "the same id of another person's text is taken for a repeat",
        "store/working_set.py",
        "        found = self._inbound.get((*pair, recipient))\n",
        "        found = next((m for k, m in self._inbound.items() if k[:2] == pair), None)\n",
        ("I4", "I7"),
    ),
    Planted(
        "a START that comes late undoes a newer STOP",
        "domain/opting.py",
        "    if word.carrier_timed and known.changed_at >= word.at:\n",
        "    if word.carrier_timed and known.changed_at == word.at:\n",
        ("I1", "I4"),
    ),
    Planted(
        "a confirmation goes six minutes after the opt-out",
        "domain/gate.py",
        "deadline = block.since + timedelta(seconds=case.policy.confirmation_deadline_seconds)",
        "deadline = block.since + timedelta(seconds=360)",
        ("I2",),
    ),
    Planted(
        "a confirmation is sent once more after a crash",
        "domain/gate.py",
        "    if sent_at is not None and sent_at >= block.since:\n",
        "    if sent_at is not None and sent_at > case.now:\n",
        ("I2",),
    ),
    Planted(
        "a text without an answer is sent again",
        "actions/deliver_job.py",
        "    waiting = msgspec.structs.replace(job, state=JobState.INDETERMINATE)\n",
        "    waiting = msgspec.structs.replace(job, state=JobState.QUEUED)\n",
        ("I4",),
    ),
    Planted(
        "an older grant beats a newer revocation",
        "domain/intake.py",
        "    if withdrawn_at is not None and told.at <= withdrawn_at:\n",
        "    if withdrawn_at is not None and told.at == withdrawn_at:\n",
        ("I3",),
    ),
    Planted(
        "a refusal as opted out is forgotten",
        "actions/deliver_job.py",
        "    if not refusal.opted_out:\n        return change\n",
        "    if not refusal.opted_out or job is not None:\n        return change\n",
        ("rule 8",),
    ),
    Planted(
        "a yes confirms what another number has asked",
        "domain/double_opt_in.py",
        "        and request.sender == sender.number\n        and request.sent_at is not None\n"
        "    ]\n    if not asked:",
        "        and request.sent_at is not None\n    ]\n    if not asked:",
        ("I3",),
    ),
    Planted(
        "a consent that has run out still counts",
        "domain/standing.py",
        "        return self.expires_at is None or at < self.expires_at\n",
        "        return self.expires_at is None or at < self.expires_at or self.by_person\n",
        ("I3",),
    ),
    Planted(
        "a restart forgets what was being handed over",
        "actions/deliver_job.py",
        "                changes.append(_record_silence(message, job, silence, facts))\n",
        "                changes.append(Change(finished_jobs=(message.id,)))\n",
        ("I4",),
    ),
    Planted(
        "a text that was erased is taken for a new one when it is told again",
        "actions/receive_message.py",
        "        if facts.was_erased(Direction.INBOUND, self.carrier, known_as, recipient):\n",
        "        if facts.was_erased(Direction.OUTBOUND, self.carrier, known_as, recipient):\n",
        ("I1", "I4"),
    ),
    Planted(
        "the second entry of a command forgets the first",
        "store/working_set.py",
        "                before = after.get(entry.recipient) or self.standing(entry.recipient)\n",
        "                before = self.standing(entry.recipient)\n",
        ("I5",),
    ),
)


class Found(NamedTuple):
    """What the simulation said of a planted bug: at which seed, and what was violated."""

    name: str
    seed: int | None
    what: str
    seconds: float


def plant(bug: Planted, folder: Path, *, only: bool = False) -> Path:
    """Copy the source with the bug in it; `only` the file that has it.

    Raises ValueError where its place is not found.
    """
    source = folder / "src"
    path = source / "consentry" / bug.path
    if only:
        path.parent.mkdir(parents=True)
        shutil.copy(_ROOT / "src" / "consentry" / bug.path, path)
    else:
        skipped = shutil.ignore_patterns("__pycache__", "static", "templates")
        shutil.copytree(_ROOT / "src", source, ignore=skipped)
    text = path.read_text()
    places = text.count(bug.before)
    if places != 1:
        raise ValueError(
            f"{bug.name!r}: its text is {places} times in {bug.path}, and must be there once. "
            "Write the planted bug anew for the source as it is now."
        )
    path.write_text(text.replace(bug.before, bug.after))
    return source


def hunt(bug: Planted, *, seeds: int = SEEDS_MAX, first: int = 1) -> Found:
    """Run seeds on the faulty source until one fails."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="consentry-planted-") as folder:
        source = plant(bug, Path(folder))
        command = [
            *(sys.executable, str(Path(__file__).with_name("simulate.py")), "--json"),
            *("--processes", "1", "--stop-at", "1"),
            *("--first", str(first), "--seeds", str(seeds)),
        ]
        environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"{bug.name!r}: {done.stderr[-2000:]}")
    said = json.loads(done.stdout.splitlines()[0])
    failed = next(iter(said["failed"].items()), None)
    seconds = time.monotonic() - began
    if failed is None:
        return Found(bug.name, None, "", seconds)
    return Found(bug.name, int(failed[0]) - first + 1, failed[1], seconds)


def main() -> int:
    """Hunt all of them, on all cores; 1 where one is not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="those whose name has this in it")
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX)
    asked = parser.parse_args()
    bugs = [bug for bug in PLANTED if asked.only is None or asked.only in bug.name]
    missed = 0
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for bug, found in zip(
            bugs, threads.map(lambda bug: hunt(bug, seeds=asked.seeds), bugs), strict=True
        ):
            is_found = found.seed is not None and found.what.startswith(bug.shows)
            missed += not is_found
            seen = "not found" if found.seed is None else f"found by seed {found.seed}"
            other = "" if is_found or found.seed is None else " (OF ANOTHER KIND)"
            print(f"{bug.name}: {seen}, {found.seconds:.1f} s: {found.what}{other}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
