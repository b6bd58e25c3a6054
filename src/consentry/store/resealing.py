"""Texts that are stored already: sealed under the newest key, or written plainly, step by step.

A step looks at some rows and writes those anew that are sealed otherwise, in one transaction of
its own; whoever writes meanwhile waits no longer than that. A row that changed between the look
and the writing is left alone: whoever changed it has sealed it with the newest key. To begin again
costs a look at what is done, and nothing else.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import Final, NamedTuple, Protocol

from consentry.store.sealing import SEALING
from consentry.store.showing import Showing

SEALED_TABLES: Final = ("entries", "messages", "notices", "reviews", "drifts")
"""The tables in whose values texts may stand sealed."""

ROWS_AT_ONCE: Final = 500
_KEY_IDS: Final = re.compile(r'"sealed:([0-9a-f]{8}):')
_PLAIN: Final = "plain"

Key = tuple[str | int, ...]


class Stored(NamedTuple):
    """A row: where it lies, and its value as it is stored."""

    key: Key
    value: str


class Replacement(NamedTuple):
    """A row to be written anew, if it is still as it was."""

    key: Key
    old: str
    new: str


class SealedRows(Protocol):
    """The rows of a database in which texts may stand sealed."""

    async def count(self, table: str) -> int:
        """Count a table's rows."""

    async def read(self, table: str, after: Key | None, limit: int) -> list[Stored]:
        """Read rows in the order of their keys, from behind one."""

    async def replace(self, table: str, rows: Sequence[Replacement]) -> int:
        """Write values anew in one transaction; tell how many were still as they had been."""


class Resealed(NamedTuple):
    """How many rows were looked at, and how many of them written anew."""

    looked_at: int
    written: int


async def reseal(
    rows: SealedRows, shown: Showing, *, at_once: int = ROWS_AT_ONCE, rest: float = 1.0
) -> Resealed:
    """Seal what is stored as new texts are sealed; raises `TextSealed` where a key is missing.

    `rest`: after each step others have the database for so many times as long as it took.
    """
    looked_at = written = 0
    for table in SEALED_TABLES:
        shown.begin(f"sealing {table}", await rows.count(table))
        after: Key | None = None
        while found := await rows.read(table, after, at_once):
            began = monotonic()
            changed = [
                Replacement(row.key, row.value, sealed)
                for row in found
                if (sealed := SEALING.reseal(row.value)) != row.value
            ]
            if changed:
                written += await rows.replace(table, changed)
                await asyncio.sleep((monotonic() - began) * rest)
            looked_at += len(found)
            shown.advance(len(found))
            after = found[-1].key
    return Resealed(looked_at, written)


async def count_keys(
    rows: SealedRows, shown: Showing, *, at_once: int = ROWS_AT_ONCE
) -> dict[str, int]:
    """Count rows by the id of the key that their texts are sealed with; `plain` has none."""
    counted: Counter[str] = Counter()
    for table in SEALED_TABLES:
        shown.begin(f"counting {table}", await rows.count(table))
        after: Key | None = None
        while found := await rows.read(table, after, at_once):
            for row in found:
                ids = set(_KEY_IDS.findall(row.value))
                counted.update(ids)
                if not ids and SEALING.has_texts(row.value):
                    counted[_PLAIN] += 1
            shown.advance(len(found))
            after = found[-1].key
    return dict(counted)
