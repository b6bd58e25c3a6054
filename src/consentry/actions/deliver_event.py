"""A webhook was told an event, or not: when it is tried again, and when it is switched off.

Source of the times: Standard Webhooks 1.0.0, "Retry schedule".
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from consentry.actions.record_audit import SYSTEM, build_entry
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.notices import EventNotice, PostponedNotice, Try, note_try
from consentry.domain.webhooks import Webhook, WebhookHealth, note_failed, note_taken
from consentry.ports import Change, Facts, Needs, Told, Untold

RETRY_AFTER: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after each try in vain comes the next; the last is three days after the first."""

JITTER: Final = 0.2
"""Up to so much of the time is added, so that what failed together does not come together again."""

DISABLED_AFTER: Final = timedelta(days=5)
"""A webhook that took nothing for so long is switched off."""

_RETRY_AFTER_MAX: Final = timedelta(hours=24)


def next_delivery(notice: EventNotice, untold: Untold, now: datetime) -> datetime | None:
    """Say when to try again what was tried `notice.attempts` times; None: not any more."""
    if untold.cause is None or notice.attempts > len(RETRY_AFTER):
        return None
    wait = RETRY_AFTER[notice.attempts - 1] * (1 + JITTER * _chance(notice))
    asked = timedelta(seconds=untold.retry_after_seconds or 0)
    return now + max(wait, min(asked, _RETRY_AFTER_MAX))


def _chance(notice: EventNotice) -> float:
    """Draw from 0 to 1 by the notice and its try, so that a replay of the decision is the same."""
    drawn = sha256(f"{notice.id} {notice.attempts}".encode()).digest()
    return int.from_bytes(drawn[:4]) / 2**32


class NoteDelivered(msgspec.Struct, frozen=True):
    """A webhook took an event; the outcome is how it goes now."""

    notice: EventNotice
    told: Told
    health: WebhookHealth

    def needs(self) -> Needs:
        """Ask for nothing: the directory is always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[WebhookHealth, Change]:
        """End the notice."""
        health = note_taken(self.health, self.told.status, facts.now)
        kept = (health,) if self.notice.webhook in facts.directory.webhooks else ()
        return health, Change(told=(self.notice.id,), records=kept)


class Undelivered(msgspec.Struct, frozen=True):
    """Whether an event is tried again, and how its webhook goes now."""

    is_due: bool
    health: WebhookHealth
    is_disabled: bool = False


class NoteUndelivered(msgspec.Struct, frozen=True):
    """A webhook did not take an event."""

    notice: EventNotice
    untold: Untold
    health: WebhookHealth

    def needs(self) -> Needs:
        """Ask for nothing: the directory is always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Undelivered, Change]:
        """Postpone it or give it up, and switch the webhook off that has failed for too long."""
        untold, now = self.untold, facts.now
        tried = note_try(self.notice, Try(now, untold.why, untold.status))
        due_at = next_delivery(tried, untold, now)
        if due_at is None:
            tried = msgspec.structs.replace(tried, given_up=untold.why)
        postponed = (PostponedNotice(tried, due_at),)
        webhook = facts.directory.webhooks.get(self.notice.webhook)
        if webhook is None or not webhook.enabled:
            # What was not posted says nothing of how its program goes.
            return Undelivered(due_at is not None, self.health), Change(postponed=postponed)
        health = note_failed(self.health, untold.status, untold.why, now)
        why = _find_end(untold, health, webhook, now)
        if why is None:
            change = Change(postponed=postponed, records=(health,))
            return Undelivered(due_at is not None, health), change
        off, entry = _disable(webhook, why, facts)
        change = Change(entries=(entry,), postponed=postponed, records=(off, health))
        return Undelivered(due_at is not None, health, is_disabled=True), change


def _find_end(untold: Untold, health: WebhookHealth, webhook: Webhook, now: datetime) -> str | None:
    """Say why a webhook is switched off; None: it stays on.

    It begins anew with every change of it, as by being switched on again.
    """
    if untold.is_gone:
        return "It answered 410 Gone: it does not want to be told any more."
    since = max(health.failing_since or now, webhook.updated_at)
    if now - since < DISABLED_AFTER:
        return None
    days = DISABLED_AFTER.days
    return f"It took nothing for {days} days. The last time: {untold.why}"


def _disable(webhook: Webhook, why: str, facts: Facts) -> tuple[Webhook, Entry]:
    off = msgspec.structs.replace(
        webhook, enabled=False, disabled_because=why, disabled_at=facts.now
    )
    text = f"webhook {webhook.url} switched off. {why}"
    return off, build_entry(EntryKind.SETTING_CHANGED, facts, SYSTEM, text=text)
