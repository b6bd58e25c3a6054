"""How long a bundle of evidence of a long conversation takes, and how much memory.

    python bench/evidence.py 10000

Texts, their entries and receipts are written straight into a new SQLite database; then a bundle is
made of them and checked by the program in it. Figures are of this process: the paper is set in one
of its own.
"""

import asyncio
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from consentry.actions.administer import SaveBrand, SaveSender
from consentry.clock import SystemClock, SystemIds
from consentry.domain.directory import Brand, Sender
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.gate import Decision, Request, Verdict
from consentry.domain.messages import Direction, Message, MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.evidence.making import EvidenceMaker
from consentry.evidence.proving import LedgerProver
from consentry.evidence.verifier import check
from consentry.opening import LedgerSigner
from consentry.ports import Change, EvidenceWanted, Facts, Needs, Receipt
from consentry.store.sqlite.store import SQLiteStore

PERSON, SENDER = "+14155550142", Sender("+14155550100", SenderKind.LONG_CODE, "acme", "car_1")
AGENT = Actor(ActorKind.AGENT, "agent-1")
BEGAN = datetime(2025, 11, 30, 12, tzinfo=UTC)
AT_ONCE = 500


class Write(msgspec.Struct, frozen=True):
    """Write a change as it is."""

    change: Change

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(PERSON,))

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Give it."""
        del facts
        return None, self.change


def text(number: int) -> tuple[Entry, Message, Receipt]:
    """Make a text of ours that arrived, with the decision that let it go."""
    at, name = BEGAN + timedelta(minutes=number), f"msg_{number:09d}"
    decision = Decision(Verdict.ALLOW, None, "allowed", Policy().version, at, rules=("consent",))
    entry = Entry(
        id=f"ent_{number:09d}",
        recipient=PERSON,
        kind=EntryKind.SEND_ACCEPTED,
        at=at,
        recorded_at=at,
        actor=AGENT,
        sender=SENDER.number,
        message=name,
        request=Request(PERSON, SENDER.number),
        decision=decision,
    )
    message = Message(
        id=name,
        recipient=PERSON,
        sender=SENDER.number,
        direction=Direction.OUTBOUND,
        status=MessageStatus.DELIVERED,
        body=f"Order {number} left the house today: https://shop.example/{number}",
        created_at=at,
        updated_at=at,
        actor=AGENT,
        carrier="car_1",
        carrier_message_id=f"SM{number}",
        submitted_at=at,
    )
    known = f"car_1:SM{number}:delivered"
    return (
        entry,
        message,
        Receipt(known, "car_1", f"SM{number}", PERSON, MessageStatus.DELIVERED, at, name),
    )


async def fill(store: SQLiteStore, count: int) -> None:
    """Write so many texts."""
    await store.submit(SaveBrand(Brand("acme", "Acme")))
    await store.submit(SaveSender(SENDER))
    for start in range(0, count, AT_ONCE):
        made = [text(number) for number in range(start, min(count, start + AT_ONCE))]
        entries, messages, receipts = zip(*made, strict=True)
        await store.submit(Write(Change(entries=entries, messages=messages, records=receipts)))


async def measure(folder: Path, count: int) -> None:
    """Fill a database, make the bundle, check it, and print what it took."""
    store = SQLiteStore.open(
        folder / "bench.db",
        clock=SystemClock(),
        ids=SystemIds(),
        policy=Policy(),
        signer=(signer := LedgerSigner("bench.example/ledger", "a secret for the bench alone")),
    )
    try:
        await fill(store, count)
        before, began, used = peak(), time.perf_counter(), time.process_time()
        maker = EvidenceMaker(store, LedgerProver(store, signer), SystemClock(), Policy())
        made = await maker.make(EvidenceWanted(PERSON), AGENT)
        tell(f"made {made.entries:,} entries, {len(made.content):,} bytes", began, used)
        print(f"peak memory {before} MiB before, {peak()} MiB after")
        path = folder / "bundle.zip"
        path.write_bytes(made.content)
        began, used = time.perf_counter(), time.process_time()
        if problems := check.verify(path, {}).problems:
            raise SystemExit("\n".join(problems))
        tell("checked", began, used)
    finally:
        await store.close()


def peak() -> int:
    """Read the largest size of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def tell(what: str, began: float, used: float) -> None:
    """Print how long something took."""
    wall, processor = time.perf_counter() - began, time.process_time() - used
    print(f"{what}: {wall:.1f} s, {processor:.1f} s of the processor")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made_folder:
        asyncio.run(measure(Path(made_folder), int(sys.argv[1])))
