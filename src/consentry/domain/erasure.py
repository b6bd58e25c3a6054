"""Erasing somebody: what is destroyed, and the last word that must outlive it.

Everything about a number is destroyed but what stands against texting it. That is kept under a
keyed hash of the number, without a text, an entry or anything else that tells of the person.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec

from consentry.domain.standing import (
    Block,
    BlockState,
    Consent,
    ConsentState,
    Piece,
    Standing,
    Suppression,
    Thread,
)

ERASED_NUMBER: Final = "erased"
"""The recipient of an entry whose payload was destroyed: it is about nobody that is known."""


class Erasure(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What an entry of the kind `erased` accounts for.

    `hash` is the keyed hash of the number, by the key `key`. `entries` are the places in the ledger
    (`seq`) whose payload and salt were destroyed: pairs of the first and the last of a run, in
    order. `rows` counts what else was destroyed, by table. `kept` tells that something stands
    against the number, and `kept_hash` is the hash of it (`hash_kept`; empty in entries of before
    it was written down). `other_hashes` are those of the number by other keys, the key first: what
    was kept under them is overruled.
    """

    key: str
    hash: str
    entries: tuple[tuple[int, int], ...] = ()
    rows: dict[str, int] = {}
    kept: bool = False
    kept_hash: str = ""
    other_hashes: tuple[tuple[str, str], ...] = ()

    @property
    def count(self) -> int:
        """How many entries it accounts for."""
        return sum(last - first + 1 for first, last in self.entries)


def join_runs(places: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Write places of the ledger as runs: pairs of the first and the last, in order."""
    runs: list[tuple[int, int]] = []
    for place in sorted(set(places)):
        if runs and runs[-1][1] == place - 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return tuple(runs)


def keep_last_word(standing: Standing, entry: str) -> Standing:
    """Take out of a standing what must go on to count when all else of it is destroyed.

    Blocks that stand, withdrawals and suppressions; and when the person last opted out, so that a
    grant which is older still counts for nothing. `entry` is the erasure, which takes the place of
    the entries that were the evidence. What only waits to be looked at (a drift, an unclear text)
    is not kept: no consent is left that it could hold back.
    """
    return Standing(
        blocks=tuple(_keep_block(b, entry) for b in standing.blocks if _stands(b)),
        consents=tuple(_keep_withdrawal(c, entry) for c in standing.consents if _was_withdrawn(c)),
        suppressions=tuple(_keep_suppression(s, entry) for s in standing.suppressions if s.active),
        threads=tuple(
            Thread(sender=thread.sender, opted_out_at=thread.opted_out_at)
            for thread in standing.threads
            if thread.opted_out_at is not None
        ),
    )


def list_pieces(kept: Standing) -> tuple[Piece, ...]:
    """List the pieces of what was kept, as the entry that brings them back carries them."""
    return (*kept.blocks, *kept.consents, *kept.suppressions, *kept.threads)


def hash_kept(kept: Standing) -> str:
    """Hash what is kept, for the entry that accounts for it: so nobody takes it away unseen.

    It tells nothing about what it is of: it holds the id of that entry, which is random.
    """
    return sha256(msgspec.json.encode(kept)).hexdigest()


def newest_word(kept: Standing) -> datetime | None:
    """Tell when the newest of what was kept was said; None where nothing was."""
    times = [block.changed_at for block in kept.blocks]
    times += [consent.withdrawn_at or consent.changed_at for consent in kept.consents]
    times += [suppression.told_at for suppression in kept.suppressions]
    times += [thread.opted_out_at for thread in kept.threads if thread.opted_out_at is not None]
    return max(times, default=None)


def _stands(block: Block) -> bool:
    return block.state is not BlockState.OPEN and not block.is_paused


def _keep_block(block: Block, entry: str) -> Block:
    return msgspec.structs.replace(block, entry=entry)


def _was_withdrawn(consent: Consent) -> bool:
    return consent.is_withdrawn or consent.withdrawn_at is not None or consent.not_subscriber


def _keep_withdrawal(consent: Consent, entry: str) -> Consent:
    """Keep that it was withdrawn, and nothing by which it could come back but the person's word."""
    withdrawn = consent.is_withdrawn or consent.not_subscriber
    return Consent(
        program=consent.program,
        state=ConsentState.REVOKED if withdrawn else ConsentState.NONE,
        level=consent.level,
        since=consent.since,
        changed_at=consent.changed_at,
        entry=entry,
        by_person=consent.by_person,
        withdrawn_at=consent.withdrawn_at,
        not_subscriber=consent.not_subscriber,
    )


def _keep_suppression(suppression: Suppression, entry: str) -> Suppression:
    return msgspec.structs.replace(suppression, entry=entry)
