"""Erase somebody: all that is held of a number is destroyed, but what stands against texting it.

The ledger goes on to verify: where an entry was, an empty one is left, and one entry about nobody
accounts for all of them. The person's last word is kept under a keyed hash of the number.
"""

import re
from datetime import datetime
from typing import Final

import msgspec

from consentry.actions.keep_customers import one_primary
from consentry.actions.record_audit import build_entry
from consentry.domain.customers import Customer
from consentry.domain.entries import NOBODY, Actor, Entry, EntryKind
from consentry.domain.erasure import Erasure, hash_kept, join_runs, keep_last_word
from consentry.domain.messages import KNOWN_FOR_GOOD
from consentry.domain.standing import Standing
from consentry.ports import (
    Change,
    Destroyed,
    Facts,
    Held,
    Mentions,
    Needs,
    Rejected,
    Store,
    TextHash,
)

REASON_CHARACTERS_MAX: Final = 500
_TRIES: Final = 5
_LOCAL_DIGITS: Final = 7
"""So many of its last digits name a number: people write it without country and area."""

_ANY_NUMBER: Final = re.compile(r"\+[0-9][0-9 ().-]{5,}")
_EMPTY: Final = Standing()


class Erased(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was destroyed, or would be; `entry` accounts for it in the ledger.

    `entries` counts those whose payload went, `rows` the rows of other tables. `kept`: something
    stands against the number, and goes on to. `deleted_customers` had no other number.
    """

    entries: int
    rows: dict[str, int]
    kept: bool
    deleted_customers: tuple[str, ...] = ()
    changed_customers: tuple[str, ...] = ()
    entry: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing was held."""
        profiles = self.deleted_customers or self.changed_customers
        return not self.entries and not any(self.rows.values()) and not profiles


class EraseNumber(msgspec.Struct, frozen=True):
    """Destroy what is held of a number. `mentions` was looked for before.

    With `is_dry_run` nothing changes: the outcome says what would. `unless_after`: not where
    something happened with the number since then. So retention asks, and words its own reasons.
    """

    recipient: str
    reason: str
    by: Actor
    mentions: Mentions
    customers: tuple[str, ...] = ()
    is_dry_run: bool = False
    unless_after: datetime | None = None

    def needs(self) -> Needs:
        """Ask for all that is held of it."""
        return Needs(
            recipients=(self.recipient,), customers=self.customers, queued_jobs=True, held=True
        )

    def decide(self, facts: Facts) -> tuple[Erased, Change]:
        """Decide; raises `Rejected` where a text is with a carrier, and nothing is destroyed."""
        held = facts.held(self.recipient)
        self._check(held, facts)
        entry_id = facts.ids.new("ent")
        kept = keep_last_word(facts.standing(self.recipient), entry_id)
        shrunk, gone = _part_customers(held.customers, self.recipient)
        places = (*held.places, *self.mentions.places)
        erased = Erased(
            entries=len(set(places)),
            rows=_count(held, self.mentions, gone),
            kept=kept != _EMPTY,
            deleted_customers=(*gone, *self.mentions.merged),
            changed_customers=tuple(customer.id for customer in shrunk),
        )
        if self.is_dry_run or erased.is_nothing:
            return erased, Change()
        destroyed = Destroyed(
            recipient=self.recipient,
            places=places,
            about=(self.recipient, NOBODY, *self.mentions.others),
            hashes=held.hashes,
            at=facts.now,
            kept=kept if erased.kept else None,
            texts=_list_known(held, facts.now, is_kept=erased.kept),
        )
        change = Change(
            entries=(self._account(erased, destroyed, entry_id, facts),),
            records=tuple(
                msgspec.structs.replace(customer, updated_at=facts.now) for customer in shrunk
            ),
            deleted_customers=erased.deleted_customers,
            forgotten_answers=self.mentions.answers,
            destroyed=(destroyed,),
        )
        return msgspec.structs.replace(erased, entry=entry_id), change

    def _check(self, held: Held, facts: Facts) -> None:
        if self.unless_after is None:
            self._check_reason()
        if sorted(c.id for c in held.customers) != sorted(self.customers) or self._is_young(held):
            raise Rejected("changed_meanwhile", "What is held of it has changed. Try again.")
        with_carrier = len(facts.in_flight(self.recipient))
        if with_carrier and not self.is_dry_run:
            raise Rejected(
                "in_flight",
                f"{with_carrier} of this number's texts are with a carrier at this moment, which "
                "may still ask about them. Nothing was erased: try again in a minute.",
            )

    def _check_reason(self) -> None:
        """Refuse what somebody words so that it says nothing, or names the number for good."""
        if not self.reason.strip() or len(self.reason) > REASON_CHARACTERS_MAX:
            raise Rejected(
                "reason_needed",
                f"Say why, in 1 to {REASON_CHARACTERS_MAX} characters: it is kept as the reason.",
                status=422,
            )
        digits = "".join(filter(str.isdigit, self.reason))
        if self.recipient[-_LOCAL_DIGITS:] in digits or _ANY_NUMBER.search(self.reason):
            raise Rejected(
                "reason_names_number",
                "The reason names a number, and the reason is kept. Leave the number out of it.",
                status=422,
            )

    def _is_young(self, held: Held) -> bool:
        if self.unless_after is None or held.newest_at is None:
            return False
        return held.newest_at > self.unless_after

    def _account(self, erased: Erased, destroyed: Destroyed, entry_id: str, facts: Facts) -> Entry:
        (key, hash_), *others = destroyed.hashes
        erasure = Erasure(
            key=key,
            hash=hash_,
            entries=join_runs(destroyed.places),
            rows={table: count for table, count in erased.rows.items() if count},
            kept=erased.kept,
            kept_hash="" if destroyed.kept is None else hash_kept(destroyed.kept),
            other_hashes=tuple(others),
        )
        stands = "what it said no to still stands" if erased.kept else "nothing stood against it"
        texts = erased.rows.get("messages", 0)
        said = f"a number: {erased.entries} entries, {texts} texts; {stands}"
        entry = build_entry(EntryKind.ERASED, facts, self.by, text=said, reason=self.reason)
        return msgspec.structs.replace(entry, id=entry_id, erasure=erasure)


def _list_known(held: Held, now: datetime, *, is_kept: bool) -> tuple[TextHash, ...]:
    """List the texts that must be known when they are told again.

    Those that carriers may repeat; and those that would undo a no that is kept: a signed webhook
    can be posted again much later.
    """
    texts = (
        text._replace(until=KNOWN_FOR_GOOD) if is_kept and text.opts_in else text
        for text in held.texts
    )
    return tuple(text for text in texts if text.until > now)


def _part_customers(
    customers: tuple[Customer, ...], number: str
) -> tuple[list[Customer], tuple[str, ...]]:
    """Part profiles into those that go on without the number, and those that nothing is left of."""
    shrunk: list[Customer] = []
    gone: list[str] = []
    for customer in customers:
        rest = tuple(phone for phone in customer.phones if phone.normalized != number)
        if rest:
            shrunk.append(msgspec.structs.replace(customer, phones=one_primary(rest)))
        else:
            gone.append(customer.id)
    return shrunk, tuple(gone)


def _count(held: Held, mentions: Mentions, gone: tuple[str, ...]) -> dict[str, int]:
    return {
        **held.rows,
        "customers": len(gone) + len(mentions.merged),
        "idempotency": len(mentions.answers),
    }


async def erase_number(
    recipient: str, reason: str, by: Actor, store: Store, *, is_dry_run: bool = False
) -> Erased:
    """Destroy all that is held of a number, or tell what would be.

    Raises `Rejected` (`in_flight`, `reason_needed`, `reason_names_number`) and `StoreUnavailable`.
    """
    for _ in range(_TRIES - 1):
        try:
            return await _erase_once(recipient, reason, by, store, is_dry_run=is_dry_run)
        except Rejected as error:
            if error.code != "changed_meanwhile":
                raise
    return await _erase_once(recipient, reason, by, store, is_dry_run=is_dry_run)


async def _erase_once(
    recipient: str, reason: str, by: Actor, store: Store, *, is_dry_run: bool
) -> Erased:
    profiles = await store.read_profiles(recipient)
    [mentions] = await store.read_mentions([recipient])
    customers = tuple(customer.id for customer in profiles)
    command = EraseNumber(recipient, reason, by, mentions, customers, is_dry_run)
    return await store.submit(command, is_patient=True)
