"""A company's own programs that want to be told what happens: where, of what, and how it goes.

Source of the secrets' form and of how they are rotated: Standard Webhooks 1.0.0.
"""

from base64 import b64encode
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

SECRET_BYTES: Final = 32
"""How much randomness a secret has; the specification asks for 24 to 64 bytes."""

OVERLAP: Final = timedelta(hours=24)
"""How long after a rotation events are signed with the secret of before as well."""

DESCRIPTION_CHARACTERS_MAX: Final = 200
URL_CHARACTERS_MAX: Final = 2000
WEBHOOKS_MAX: Final = 50
"""How many there may be: each is looked at for whatever happens."""


class EventType(StrEnum):
    """What may be told; `webhook.test` is told when somebody asks for it, to every webhook."""

    CONSENT_GRANTED = "consent.granted"
    CONSENT_REVOKED = "consent.revoked"
    BLOCK_CHANGED = "block.changed"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_STATUS = "message.status"
    REVIEW_NEEDED = "review.needed"
    DRIFT_FOUND = "drift.found"
    TEST = "webhook.test"


CHOSEN_TYPES: Final = tuple(one for one in EventType if one is not EventType.TEST)
"""What a webhook may be for."""


class Webhook(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where events are posted. No `events`: all of them; no `brands`: whatever brand it is about.

    `disabled_because` says why we switched it off ourselves. What happens from then on is kept as
    not delivered, so that it can be replayed; of one that a person switched off nothing is made.
    """

    id: str
    url: str
    created_at: datetime
    updated_at: datetime
    events: tuple[EventType, ...] = ()
    brands: tuple[str, ...] = ()
    description: str = ""
    enabled: bool = True
    disabled_because: str | None = None
    disabled_at: datetime | None = None
    removed_at: datetime | None = None

    def wants(self, event: EventType, brand: str | None) -> bool:
        """Tell whether it is for this; what is about no brand of ours goes to those for all."""
        if self.events and event not in self.events:
            return False
        return not self.brands or brand in self.brands

    @property
    def is_told(self) -> bool:
        """Tell whether anything is made for it: to be posted, or to be kept."""
        return self.enabled or self.disabled_because is not None


class WebhookSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a webhook's events are signed with: never shown but once, and in no log.

    `previous` signs too until `previous_until`, so that its program can change over.
    """

    id: str
    current: str
    previous: str | None = None
    previous_until: datetime | None = None

    def in_use(self, now: datetime) -> tuple[str, ...]:
        """List the secrets that sign at a time, the newest first."""
        until = self.previous_until
        if self.previous is None or until is None or now >= until:
            return (self.current,)
        return (self.current, self.previous)


class WebhookHealth(msgspec.Struct, frozen=True, omit_defaults=True):
    """How telling a webhook went last, and since when nothing was taken.

    `status` is the HTTP status of the last answer, None where there was none; `why` is the reason
    in a sentence where it was not taken.
    """

    id: str
    at: datetime | None = None
    status: int | None = None
    why: str | None = None
    taken_at: datetime | None = None
    failing_since: datetime | None = None


def write_secret(randomness: bytes) -> str:
    """Write randomness as a secret of the specification."""
    return "whsec_" + b64encode(randomness).decode()


def note_taken(health: WebhookHealth, status: int, now: datetime) -> WebhookHealth:
    """Write down that its program took an event."""
    return WebhookHealth(health.id, now, status, taken_at=now)


def note_failed(
    health: WebhookHealth, status: int | None, why: str, now: datetime
) -> WebhookHealth:
    """Write down that its program did not take an event."""
    return WebhookHealth(
        health.id,
        now,
        status,
        why,
        taken_at=health.taken_at,
        failing_since=health.failing_since or now,
    )
