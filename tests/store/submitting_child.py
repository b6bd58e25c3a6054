"""A process of its own that submits without end: `address name [count]`.

It prints the id of each entry, flushed, only after the store acknowledged it. Several
submissions are in flight at any time, over a few recipients.
"""

import asyncio
import itertools
import os
import sys

from store_world import CARRIER, inbound, job, message, open_address, tagged

from consentry.ports import Change, Facts, Needs

IN_FLIGHT = 16
RECIPIENTS = [f"+1415555{number:04d}" for number in range(20)]


class Receive:
    """Receive a text: an entry that turns the tag over, the message, and an answer's job."""

    def __init__(self, name: str, number: int) -> None:
        self.recipient = RECIPIENTS[number % len(RECIPIENTS)]
        self.id = f"{name}_{number:07d}"

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(self.recipient,), inbound=(CARRIER, self.id))

    def decide(self, facts: Facts) -> tuple[str, Change]:
        """Turn the tag over."""
        sms = not facts.standing(self.recipient).sms_tag
        entry = tagged(0, self.recipient, id=f"ent_{self.id}", sms=sms)
        text = inbound(0, self.id, self.recipient, id=f"msg_{self.id}")
        answer = message(0, self.recipient, id=f"out_{self.id}")
        work = job(0, self.recipient, message=answer.id)
        return entry.id, Change(entries=(entry,), messages=(text, answer), jobs=(work,))


async def run(address: str, name: str, count: int | None) -> None:
    """Submit `count` commands, or until somebody ends this process."""
    store = open_address(address)
    numbers = itertools.count() if count is None else iter(range(count))

    async def submit_on() -> None:
        for number in numbers:
            entry_id = await store.submit(Receive(name, number))
            os.write(1, f"{entry_id}\n".encode())

    await asyncio.gather(*(submit_on() for _ in range(IN_FLIGHT)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None))
