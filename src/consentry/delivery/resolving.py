"""Indeterminate texts: after a grace time the carrier's own list says whether they went out."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from consentry.actions.deliver_job import RecordSubmission, ResolveIndeterminate
from consentry.delivery.submitting import without_carrier, write_text
from consentry.domain.messages import Message, MessageStatus
from consentry.ports import (
    Carrier,
    CarrierBook,
    CarrierRefusal,
    CarrierUnreachable,
    Clock,
    MessageFilter,
    NoList,
    Page,
    Store,
    Work,
)
from consentry.ports.log_context import log_about

PAGE_WORKS: Final = 200
_KNOWN_MESSAGES: Final = 200
UNKNOWABLE: Final = CarrierRefusal(
    permanent=True,
    opted_out=False,
    code="unanswered",
    text="The carrier gave no answer and has no list to look in, so the text may have gone out. It "
    "is not sent again. A receipt would still tell.",
)
_logger = logging.getLogger(__name__)


class Resolver:
    """Asks the carriers about texts without an answer; a receipt may always be faster."""

    def __init__(
        self,
        store: Store,
        book: CarrierBook,
        clock: Clock,
        *,
        grace_seconds: float,
        wake: Callable[[], None],
    ) -> None:
        """Wait `grace_seconds` from when a text is seen, so that the carrier's list has it.

        The wall clock has no say in it: it may have been set since the claim, or be another host's.
        """
        self._store = store
        self._book = book
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._seen_at: dict[tuple[str, int], float] = {}
        self._wake = wake

    async def resolve_due(self) -> int:
        """Ask about every text whose grace time is over; return how many were resolved."""
        resolved = 0
        silent: set[str | None] = set()
        after: str | None = None
        seen_before, self._seen_at = self._seen_at, {}
        while page := await self._store.read_indeterminate(PAGE_WORKS, after=after):
            for work in page:
                if self._is_due(work, seen_before) and work.message.carrier not in silent:
                    with log_about(message_id=work.message.id, carrier=work.message.carrier):
                        resolved += await self._resolve(work, silent)
            after = page[-1].message.id
        return resolved

    def _is_due(self, work: Work, seen_before: Mapping[tuple[str, int], float]) -> bool:
        now, attempt = self._clock.monotonic(), (work.message.id, work.job.attempts)
        self._seen_at[attempt] = seen_at = seen_before.get(attempt, now)
        return now - seen_at >= self._grace_seconds

    async def _resolve(self, work: Work, silent: set[str | None]) -> int:
        """Resolve one; a carrier whose list cannot be had is left alone until the next time."""
        carrier = await self._book.find(work.message.carrier or "")
        try:
            if carrier is None:
                _logger.error("carrier_missing", extra={"sender": work.message.sender})
                await self._give_up(work, without_carrier(work.message))
            else:
                await self._ask(work, carrier)
        except NoList:
            # Only a receipt could tell now, and it still counts when it comes.
            await self._give_up(work, UNKNOWABLE)
        except CarrierUnreachable as error:
            silent.add(work.message.carrier)
            _logger.warning("carrier_list_unreachable", extra={"why": str(error)})
            return 0
        except Exception:
            # One text that cannot be asked about must not keep the others waiting.
            _logger.exception("not_resolved")
            return 0
        return 1

    async def _ask(self, work: Work, carrier: Carrier) -> None:
        message = work.message
        found = await carrier.find(
            write_text(message, await self._store.read_directory()),
            since=work.job.claimed_at or message.created_at,
            known=await self._read_known(message),
        )
        status = await self._store.submit(
            ResolveIndeterminate(
                message.id,
                message.recipient,
                message.carrier or "",
                found,
                attempt=work.job.attempts,
            )
        )
        if status is MessageStatus.QUEUED:
            self._wake()

    async def _give_up(self, work: Work, refusal: CarrierRefusal) -> None:
        """Fail a text about which nobody can be asked; it is not sent again."""
        message = work.message
        await self._store.submit(
            RecordSubmission(
                message=message.id,
                recipient=message.recipient,
                sender=message.sender,
                carrier=message.carrier or "",
                submission=refusal,
                attempt=work.job.attempts,
            )
        )

    async def _read_known(self, message: Message) -> frozenset[str]:
        """List the carrier's ids of the pair's other texts, which may read the same.

        The message itself has none yet, or it would not be asked about.
        """
        pair = MessageFilter(recipient=message.recipient, sender=message.sender)
        others = await self._store.read_messages(pair, Page(limit=_KNOWN_MESSAGES))
        return frozenset(
            other.carrier_message_id for other in others if other.carrier_message_id is not None
        )
