"""Reads from PostgreSQL: each is one query and one decode."""

from datetime import date, datetime
from typing import Final

from consentry.domain.agents import Agent
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.customers import Customer
from consentry.domain.drift import Drift, DriftKind, Reconciliation
from consentry.domain.entries import AUDIT_KINDS, Entry, EntryKind
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.messages import Job, Message, MessageStatus
from consentry.domain.microseconds import from_microseconds, to_microseconds
from consentry.domain.notices import Notice
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.domain.webhooks import WebhookHealth, WebhookSecrets
from consentry.ports import (
    AnsweredKey,
    APIKey,
    CarrierAccount,
    ConversationMark,
    DriftFilter,
    EntryFilter,
    ExpiringFilter,
    ExpiringPage,
    MessageFilter,
    NoticeFilter,
    NoticePage,
    OptOutStory,
    Page,
    Receipt,
    ReviewFilter,
    Session,
    Tally,
    Work,
)
from consentry.store import notice_list, rows
from consentry.store.drift_list import list_drifts_by
from consentry.store.expiry_list import begin, build_page
from consentry.store.postgres.encoding import optional
from consentry.store.postgres.pool import Pool
from consentry.store.postgres.statements import clean, clean_all, read_statements
from consentry.store.review_list import list_reviews_by

_READ: Final = read_statements("read")
_EVERY_KIND: Final = tuple(EntryKind)
_END: Final = 2**63 - 1


class Reader:
    """Reads through a pool. Every method raises `StoreUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        """Read through these connections."""
        self._pool = pool

    async def read_entries(
        self, recipient: str, page: Page, until: datetime | None, wanted: EntryFilter
    ) -> list[Entry]:
        """List entries of a recipient, newest first, recorded no later than `until`."""
        return rows.decode_entries(await self._entries(recipient, page, until, wanted))

    async def read_entry_values(
        self, recipient: str, page: Page, until: datetime | None
    ) -> list[bytes]:
        """List entries of a recipient as they were written, newest first."""
        found = rows.decode_raw(await self._entries(recipient, page, until, EntryFilter()))
        return [bytes(value) for value in found]

    async def _entries(
        self, recipient: str, page: Page, until: datetime | None, wanted: EntryFilter
    ) -> str:
        return await self._text(
            "read_entries",
            recipient=clean(recipient),
            before=optional(page.before),
            until=None if until is None else to_microseconds(until),
            kinds=list(_EVERY_KIND if wanted.kinds is None else wanted.kinds),
            senders=_any_of(wanted.senders),
            limit=page.limit,
        )

    async def read_receipts(self, recipient: str, limit: int, after: str | None) -> list[Receipt]:
        """List what carriers reported of a recipient's texts."""
        text = await self._text(
            "read_receipts", recipient=clean(recipient), after=clean(after or ""), limit=limit
        )
        return rows.decode_receipts(text)

    async def read_audit(
        self, page: Page, agent: str | None, kinds: tuple[EntryKind, ...] | None
    ) -> list[Entry]:
        """List the entries of the audit, newest first."""
        text = await self._text(
            "read_audit" if agent is None else "read_audit_of_agent",
            agent=optional(agent),
            kinds=list(AUDIT_KINDS if kinds is None else kinds),
            before=optional(page.before),
            limit=page.limit,
        )
        return rows.decode_entries(text)

    async def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages, newest first, by the index that fits the filter best."""
        text = await self._text(
            _list_for(wanted),
            recipient=optional(wanted.recipient),
            sender=optional(wanted.sender),
            status=wanted.status,
            before=optional(page.before),
            limit=page.limit,
        )
        return rows.decode_messages(text)

    async def read_indeterminate(self, limit: int, after: str | None) -> list[Work]:
        """List indeterminate work in the order of message ids, from behind the id `after`."""
        text = await self._text("read_indeterminate", after=clean(after or ""), limit=limit)
        return rows.decode_works(text)

    async def read_message(self, message_id: str) -> Message | None:
        """Find a message."""
        found = await self._value("read_message", id=clean(message_id))
        return None if found is None else rows.decode_message(found)

    async def read_first_message_after(self, message_id: str) -> str | None:
        """Name the first message behind an id."""
        return await self._value("read_first_message_after", id=clean(message_id))

    async def read_messages_by_id(self, message_ids: list[str]) -> dict[str, Message]:
        """Find messages by their ids."""
        text = await self._text("read_messages_by_id", ids=clean_all(message_ids))
        return {message.id: message for message in rows.decode_messages(text)}

    async def read_mark(self, recipient: str, sender: str) -> ConversationMark | None:
        """Return how far a conversation was read."""
        found = await self._value("read_mark", recipient=clean(recipient), sender=clean(sender))
        return None if found is None else rows.decode_mark(found)

    async def read_tallies(
        self, first: date, last: date, senders: tuple[str, ...] | None
    ) -> list[Tally]:
        """Count entries by day, kind and reason, of these senders."""
        text = await self._text("read_tallies", first=first, last=last, senders=_any_of(senders))
        return rows.decode_tallies(text)

    async def read_opt_out_stories(
        self, since: datetime, until: datetime | None, limit: int, senders: tuple[str, ...] | None
    ) -> list[OptOutStory]:
        """List opt-outs by text, newest first, with what came before each."""
        text = await self._text(
            "read_opt_out_stories",
            since=to_microseconds(since),
            until=_END if until is None else to_microseconds(until),
            limit=limit,
            senders=_any_of(senders),
        )
        return rows.decode_stories(text)

    async def read_agents(self) -> list[Agent]:
        """List all agents in the order they were made."""
        return rows.decode_agents(await self._text("read_agents"))

    async def read_signed_in(self, session_id: str) -> tuple[Session, Agent] | None:
        """Find a session with its agent; this is on the path of every page."""
        found = await self._value("read_signed_in", id=clean(session_id))
        return None if found is None else rows.decode_signed_in(found)

    async def read_sessions(self, agent: str) -> list[Session]:
        """List an agent's newest sessions, newest first."""
        return rows.decode_sessions(await self._text("read_sessions", agent=clean(agent)))

    async def read_customer(self, customer_id: str) -> Customer | None:
        """Find a customer, merged ones too."""
        found = await self._value("read_customer", id=clean(customer_id))
        return None if found is None else rows.decode_customer(found)

    async def read_profiles(self, recipient: str) -> list[Customer]:
        """List the customers that have this number, oldest first."""
        return rows.decode_customers(await self._text("read_profiles", number=clean(recipient)))

    async def read_carriers(self) -> list[CarrierAccount]:
        """List carrier accounts."""
        return rows.decode_carriers(await self._text("read_carriers"))

    async def read_templates(self) -> list[Template]:
        """List the named wordings, deleted ones too."""
        return rows.decode_templates(await self._text("read_templates"))

    async def read_keys(self) -> list[APIKey]:
        """List API keys."""
        return rows.decode_keys(await self._text("read_keys"))

    async def read_recipients(self, page: Page) -> list[tuple[str, Standing]]:
        """List recipients with their standings, in the order of their numbers."""
        after = clean(page.before or "")
        text = await self._text("read_recipients", after=after, limit=page.limit)
        return rows.decode_recipients(text)

    async def count_outbox(self) -> int:
        """Count jobs in the outbox."""
        ((count,),) = await self._pool.fetch(_READ["count_outbox"], {})
        return int(count)

    async def read_claimed(self, messages: list[str] | None) -> list[Job]:
        """List claimed jobs, of these messages or all."""
        wanted = None if messages is None else clean_all(messages)
        return rows.decode_jobs(await self._text("read_claimed", messages=wanted))

    async def read_answered(self, limit: int, after: tuple[str, str]) -> list[AnsweredKey]:
        """List answered keys by owner and key, from behind a pair."""
        owner, key = after
        text = await self._text("read_answered", owner=clean(owner), key=clean(key), limit=limit)
        return rows.decode_answered(text)

    async def next_due(self) -> tuple[tuple[str, datetime], ...]:
        """List senders with queued jobs, each with its earliest due time."""
        found = rows.decode_due(await self._text("next_due"))
        return tuple((sender, from_microseconds(due)) for sender, due in found)

    async def next_notices(self) -> tuple[tuple[str, datetime], ...]:
        """List servers that wait for notices, each with the earliest due time."""
        found = rows.decode_due(await self._text("next_notices"))
        return tuple((host, from_microseconds(due)) for host, due in found)

    async def read_notices(self, host: str, due_at: datetime, limit: int) -> list[Notice]:
        """List the notices for a server that are due and the next of their messages."""
        now = to_microseconds(due_at)
        text = await self._text("read_notices", host=clean(host), due_at=now, limit=limit)
        return rows.decode_notices(text)

    async def count_notices(self) -> int:
        """Count the notices that wait."""
        ((count,),) = await self._pool.fetch(_READ["count_notices"], {})
        return int(count)

    async def list_notices(self, wanted: NoticeFilter, page: Page) -> NoticePage:
        """List notices that wait or were given up, the latest first."""
        place = notice_list.begin(page)
        if place is None:
            return NoticePage([])
        bound = notice_list.bind(wanted, place, page.limit)
        bound |= {"lane": optional(wanted.lane), "before_id": clean(place.before_id)}
        return notice_list.build_page(await self._text("list_notices", **bound), page.limit)

    async def read_notice(self, notice_id: str) -> Notice | None:
        """Find a notice that waits or was given up."""
        found = await self._value("read_notice", id=clean(notice_id))
        return None if found is None else rows.decode_notice(found)

    async def read_webhook_secrets(self, webhook: str) -> WebhookSecrets | None:
        """Find what a webhook's events are signed with."""
        found = await self._value("read_webhook_secrets", id=clean(webhook))
        return None if found is None else rows.decode_webhook_secrets(found)

    async def read_webhook_health(self) -> list[WebhookHealth]:
        """List how telling each webhook went last."""
        return rows.decode_webhook_health(await self._text("read_webhook_health"))

    async def read_inbound(self, carrier: str, carrier_message_ids: list[str]) -> list[Message]:
        """List the texts that came in by these ids of a carrier account."""
        ids = clean_all(carrier_message_ids)
        return rows.decode_messages(
            await self._text("read_inbound", carrier=clean(carrier), ids=ids)
        )

    async def read_expiring(self, wanted: ExpiringFilter, page: Page) -> ExpiringPage:
        """List active consents that run out within a time, what runs out first first."""
        place = begin(wanted, page)
        if place is None:
            return ExpiringPage([])
        text = await self._text(
            "read_expiring",
            **place._asdict(),
            until=to_microseconds(wanted.until),
            programs=_any_of(wanted.programs),
            limit=page.limit + 1,
        )
        return build_page(text, wanted, page.limit)

    async def read_drifts(self, wanted: DriftFilter, page: Page) -> list[Drift]:
        """List drifts, newest first, by the index that fits the filter best."""
        text = await self._text(
            list_drifts_by(wanted),
            state=wanted.state,
            kind=wanted.kind,
            carrier=optional(wanted.carrier),
            recipient=optional(wanted.recipient),
            report=optional(wanted.report),
            senders=_any_of(wanted.senders),
            before=optional(page.before),
            limit=page.limit,
        )
        return rows.decode_drifts(text)

    async def read_drift(self, drift_id: str) -> Drift | None:
        """Find a drift."""
        found = await self._value("read_drift", id=clean(drift_id))
        return None if found is None else rows.decode_drift(found)

    async def count_drifts(self) -> dict[DriftKind, int]:
        """Count the drifts that nobody has settled, by kind."""
        return rows.decode_drift_counts(await self._text("count_drifts"))

    async def read_reviews(self, wanted: ReviewFilter, page: Page) -> list[ReviewCase]:
        """List reviews, newest first, by the index that fits the filter best."""
        text = await self._text(
            list_reviews_by(wanted),
            state=wanted.state,
            recipient=optional(wanted.recipient),
            senders=_any_of(wanted.senders),
            before=optional(page.before),
            limit=page.limit,
        )
        return rows.decode_reviews(text)

    async def read_review(self, review_id: str) -> ReviewCase | None:
        """Find a review."""
        found = await self._value("read_review", id=clean(review_id))
        return None if found is None else rows.decode_review(found)

    async def count_reviews(self, senders: tuple[str, ...] | None) -> int:
        """Count the reviews that wait for an answer."""
        return int(await self._text("count_reviews", senders=_any_of(senders)))

    async def read_reconciliations(self, page: Page, carrier: str | None) -> list[Reconciliation]:
        """List comparisons, the newest first."""
        text = await self._text(
            "read_reconciliations" + ("" if carrier is None else "_of_carrier"),
            carrier=optional(carrier),
            before=optional(page.before),
            limit=page.limit,
        )
        return rows.decode_reconciliations(text)

    async def read_reconciliation(self, report: str) -> Reconciliation | None:
        """Find a comparison."""
        found = await self._value("read_reconciliation", id=clean(report))
        return None if found is None else rows.decode_reconciliation(found)

    async def read_calls_to_action(self, call: str, page: Page) -> list[CallToAction]:
        """List the versions of a call to action, the newest first."""
        text = await self._text(
            "read_calls_to_action",
            id=clean(call),
            before=rows.read_version(page.before),
            limit=page.limit,
        )
        return rows.decode_calls(text)

    async def read_call_to_action(self, call: str, version: int) -> CallToAction | None:
        """Find a version of a call to action."""
        found = await self._value("read_call_to_action", id=clean(call), version=version)
        return None if found is None else rows.decode_call(found)

    async def read_entries_after(self, entry: str | None, limit: int) -> list[Entry]:
        """List entries of everybody in the order of their ids."""
        text = await self._text("read_entries_after", after=clean(entry or ""), limit=limit)
        return rows.decode_entries(text)

    async def read_imports(self, page: Page, key: str | None) -> list[ImportRun]:
        """List imports, those that began last first."""
        asked: dict[str, object] = {"before": optional(page.before), "limit": page.limit}
        if key is None:
            return rows.decode_imports(await self._text("read_imports", **asked))
        return rows.decode_imports(await self._text("read_imports_of_key", key=clean(key), **asked))

    async def read_import(self, import_id: str) -> ImportRun | None:
        """Find an import."""
        found = await self._value("read_import", id=clean(import_id))
        return None if found is None else rows.decode_import(found)

    async def read_import_parts(self, import_id: str, block: int) -> list[ImportPart]:
        """List what became of the rows of a block."""
        text = await self._text("read_import_parts", run=clean(import_id), block=block)
        return rows.decode_import_parts(text)

    async def _text(self, name: str, **values: object) -> str:
        """Run a query that always answers with one row of one value."""
        ((text,),) = await self._pool.fetch(_READ[name], values)
        return str(text)

    async def _value(self, name: str, **values: object) -> str | None:
        """Run a query for one value of one row that may not be there."""
        found = await self._pool.fetch(_READ[name], values)
        return str(found[0][0]) if found else None


def _list_for(wanted: MessageFilter) -> str:
    if wanted.recipient is not None:
        return "read_messages_of_recipient"
    if wanted.sender is not None:
        return "read_messages_of_sender"
    if wanted.status is MessageStatus.RECEIVED:
        return "read_messages_received"
    if wanted.status is not None:
        return "read_messages_in_status"
    return "read_messages"


def _any_of(values: tuple[str, ...] | None) -> list[str] | None:
    """Write what a filter lets through as a query takes it; None is any."""
    return None if values is None else clean_all(values)
