"""Webhooks: set up, changed, given a new secret, taken away, and tried out."""

from typing import Protocol

import msgspec

from consentry.actions.record_audit import SYSTEM, audit_setting, build_entry
from consentry.domain.directory import Directory, Sender
from consentry.domain.entries import Actor, EntryKind
from consentry.domain.events import Event, TestData, notice_of_event
from consentry.domain.notices import EventNotice
from consentry.domain.webhooks import (
    CHOSEN_TYPES,
    DESCRIPTION_CHARACTERS_MAX,
    OVERLAP,
    WEBHOOKS_MAX,
    EventType,
    Webhook,
    WebhookHealth,
    WebhookSecrets,
    write_secret,
)
from consentry.ports import (
    Change,
    Clock,
    Facts,
    Ids,
    Needs,
    Rejected,
    Store,
    Told,
    Untold,
    URLCheck,
)
from consentry.wire.public_address import AddressRefused
from consentry.wire.webhook_address import WebhookAddressError, parse_webhook_address

_HIDDEN = ("created_at", "updated_at", "disabled_at", "removed_at")


class SavedWebhook(msgspec.Struct, frozen=True):
    """A webhook as it was kept; `secret` is set where it is new, to be shown this once."""

    webhook: Webhook
    secret: str | None = None


class SaveWebhook(msgspec.Struct, frozen=True):
    """Keep a webhook whose URL was checked: new, with `randomness` for its secret, or changed."""

    webhook: Webhook
    by: Actor = SYSTEM
    randomness: bytes = b""

    def needs(self) -> Needs:
        """Ask for nothing: the directory is always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[SavedWebhook, Change]:
        """Decide; raises `Rejected` for an unknown brand or one webhook too many."""
        wanted, directory = self.webhook, facts.directory
        known = directory.webhooks.get(wanted.id)
        if wanted.id and known is None:
            raise not_found(wanted.id)
        _check(wanted, directory)
        webhook = msgspec.structs.replace(
            wanted,
            id=wanted.id or facts.ids.new("whk"),
            events=tuple(dict.fromkeys(wanted.events)),
            brands=tuple(dict.fromkeys(wanted.brands)),
            created_at=facts.now if known is None else known.created_at,
            updated_at=facts.now,
            disabled_because=None if wanted.enabled else wanted.disabled_because,
            disabled_at=None if wanted.enabled else wanted.disabled_at or facts.now,
        )
        entries = audit_setting(
            f"webhook {webhook.url}", known, webhook, facts=facts, by=self.by, hidden=_HIDDEN
        )
        if known is not None:
            return SavedWebhook(webhook), Change(entries=entries, records=(webhook,))
        secret = write_secret(self.randomness)
        records = (webhook, WebhookSecrets(webhook.id, secret))
        return SavedWebhook(webhook, secret), Change(entries=entries, records=records)


def not_found(webhook_id: str) -> Rejected:
    """Say that there is no such webhook."""
    text = f"There is no webhook {webhook_id!a}. List the webhooks."
    return Rejected("not_found", text, status=404)


def _check(webhook: Webhook, directory: Directory) -> None:
    for brand in webhook.brands:
        if brand not in directory.brands:
            text = f"There is no brand {brand!a}. Add it first."
            raise Rejected("unknown_brand", text, status=404)
    if not webhook.id and len(directory.webhooks) >= WEBHOOKS_MAX:
        raise Rejected(
            "too_many_webhooks",
            f"There are {WEBHOOKS_MAX} webhooks, which is the most. Remove one first.",
        )
    if len(webhook.description) > DESCRIPTION_CHARACTERS_MAX:
        raise Rejected(
            "description_too_long",
            f"A description has at most {DESCRIPTION_CHARACTERS_MAX} characters.",
            status=422,
        )
    if any(event not in CHOSEN_TYPES for event in webhook.events):
        named = ", ".join(CHOSEN_TYPES)
        raise Rejected("unknown_event", f"A webhook is for some of these: {named}.", status=422)


class RotateSecret(msgspec.Struct, frozen=True):
    """Give a webhook a new secret; the one of before signs as well for a day.

    `known` is what it has now; the outcome is the new secret, to be shown this once.
    """

    webhook: str
    known: WebhookSecrets | None
    randomness: bytes
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[str, Change]:
        """Decide; raises `Rejected` where there is no such webhook."""
        webhook = facts.directory.webhooks.get(self.webhook)
        if webhook is None:
            raise not_found(self.webhook)
        secret = write_secret(self.randomness)
        secrets = WebhookSecrets(self.webhook, secret)
        if self.known is not None:
            secrets = WebhookSecrets(self.webhook, secret, self.known.current, facts.now + OVERLAP)
        text = f"webhook {webhook.url}: secret rotated"
        entry = build_entry(EntryKind.SETTING_CHANGED, facts, self.by, text=text)
        return secret, Change(entries=(entry,), records=(secrets,))


class RemoveWebhook(msgspec.Struct, frozen=True):
    """Take a webhook away: nothing more is told there, and its secret is forgotten."""

    webhook: str
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Webhook, Change]:
        """Decide; raises `Rejected` where there is no such webhook."""
        webhook = facts.directory.webhooks.get(self.webhook)
        if webhook is None:
            raise not_found(self.webhook)
        removed = msgspec.structs.replace(webhook, enabled=False, removed_at=facts.now)
        records = (removed, WebhookSecrets(webhook.id, ""), WebhookHealth(webhook.id))
        text = f"webhook {webhook.url} removed"
        entry = build_entry(EntryKind.SETTING_CHANGED, facts, self.by, text=text)
        return removed, Change(entries=(entry,), records=records)


class WebhookPosting(Protocol):
    """Posts an event to a webhook, switched on or not; raises `StoreUnavailable`."""

    async def post(self, webhook: Webhook, notice: EventNotice) -> Told | Untold:
        """Post it once."""


class WebhookWays(msgspec.Struct, frozen=True):
    """What is needed to set a webhook up and to try it: who checks its URL, and who posts to it."""

    check: URLCheck
    posting: WebhookPosting


async def find_webhook(store: Store, webhook_id: str) -> Webhook:
    """Find a webhook; raises `Rejected` where there is none."""
    webhook = (await store.read_directory()).webhooks.get(webhook_id)
    if webhook is None:
        raise not_found(webhook_id)
    return webhook


async def save_webhook(
    store: Store, check: URLCheck, webhook: Webhook, *, by: Actor = SYSTEM, randomness: bytes = b""
) -> SavedWebhook:
    """Keep a webhook, new or changed; raises `Rejected` for a URL that may not be posted to."""
    try:
        await check.check(webhook.url)
    except AddressRefused as error:
        raise Rejected("invalid_url", str(error), status=422) from error
    return await store.submit(SaveWebhook(webhook, by, randomness))


async def check_inbound_url(
    check: URLCheck | None, sender: Sender, known: Sender | None = None
) -> None:
    """Raise `Rejected` where a sender's texts are to go where nothing is posted to.

    What cannot be called at all is for `SaveSender` to say, and what stays was there before.
    """
    url = sender.inbound_url
    if check is None or url is None or (known is not None and known.inbound_url == url):
        return
    try:
        await check.check_program(parse_webhook_address(url).url)
    except WebhookAddressError:
        return
    except AddressRefused as error:
        raise Rejected("invalid_inbound_url", str(error), status=422) from error


async def rotate_secret(
    store: Store, webhook_id: str, *, randomness: bytes, by: Actor = SYSTEM
) -> str:
    """Give a webhook a new secret, and return it; raises `Rejected`."""
    known = await store.read_webhook_secrets(webhook_id)
    return await store.submit(RotateSecret(webhook_id, known, randomness, by))


def build_test_event(webhook: Webhook, clock: Clock, ids: Ids) -> EventNotice:
    """Make an event that tells nothing but that it came."""
    data = TestData(webhook.id)
    event = Event(ids.new("evt"), EventType.TEST, clock.now(), None, "", data)
    switched_on = msgspec.structs.replace(webhook, enabled=True)
    return notice_of_event(event, switched_on)
