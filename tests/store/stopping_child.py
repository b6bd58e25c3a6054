"""A process of its own that receives texts without end, every third a STOP: `address`.

It prints the number of each person who texted STOP, flushed, only after it was acknowledged.
"""

import asyncio
import itertools
import os
import sys
from datetime import UTC, datetime

from consentry.actions.administer import SaveBrand, SaveSender
from consentry.actions.receive_message import ReceiveMessage
from consentry.clock import SystemClock, SystemIds
from consentry.domain.directory import Brand, Sender
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.ports import InboundText, Store
from consentry.store.postgres.store import PostgresStore
from consentry.store.sqlite.store import SQLiteStore

IN_FLIGHT = 8
SENDER = Sender("+14155550100", SenderKind.LONG_CODE, "acme", "twilio-1")
TEXTS = ("Hello", "When do you open?", "STOP")


def open_store(address: str) -> Store:
    """Open the database with the product's own clock and ids."""
    clock, ids, policy = SystemClock(), SystemIds(), Policy()
    if address.startswith("postgresql:"):
        return PostgresStore.open(address, clock=clock, ids=ids, policy=policy)
    return SQLiteStore.open(address, clock=clock, ids=ids, policy=policy)


async def run(address: str) -> None:
    """Receive texts until somebody ends this process."""
    store = open_store(address)
    await store.submit(SaveBrand(Brand("acme", "Acme")))
    await store.submit(SaveSender(SENDER))
    people = itertools.count()

    async def text_on() -> None:
        for person in people:
            number = f"+1415{5_000_000 + person}"
            for place, body in enumerate(TEXTS):
                text = InboundText(f"SM{person}_{place}", number, SENDER.number, body)
                await store.submit(ReceiveMessage("twilio-1", "twilio", text, datetime.now(UTC)))
            os.write(1, f"{number}\n".encode())

    await asyncio.gather(*(text_on() for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
