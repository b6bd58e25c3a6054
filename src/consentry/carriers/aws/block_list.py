"""The opt-out list of an account, read page by page.

It is read and never written: AWS lets a number be taken off once in 30 days, and only the person's
own word may do that.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from consentry.carriers.aws.outbound import AWSRequests
from consentry.carriers.shared.answers import read_list
from consentry.domain.phone import InvalidNumber, read_delivered
from consentry.ports import CarrierBlock, CarrierUnreachable

PAGE_SIZE: Final = 100
PAGES_MAX: Final = 20_000


class _Number(msgspec.Struct, frozen=True, rename="pascal"):
    opted_out_number: str
    opted_out_timestamp: float | None = None
    end_user_opted_out: bool = False


class _Page(msgspec.Struct, frozen=True, rename="pascal"):
    opted_out_numbers: tuple[_Number, ...] = ()
    next_token: str | None = None


_page_decoder = msgspec.json.Decoder(_Page)


class AWSBlockList:
    """Implements `ports.BlockList` over one opt-out list, which holds for all its senders."""

    def __init__(self, requests: AWSRequests) -> None:
        """Read by the requests of one account."""
        self._requests = requests

    async def read(self, senders: tuple[str, ...]) -> AsyncIterator[CarrierBlock]:
        """Read who is on the list; raises `CarrierUnreachable`, also where it does not end."""
        del senders
        token: str | None = None
        for _ in range(PAGES_MAX):
            page = await self._read_page(token)
            for number in page.opted_out_numbers:
                block = self._read_number(number)
                if block is not None:
                    yield block
            token = page.next_token
            if not token:
                return
        raise CarrierUnreachable(f"The opt-out list did not end after {PAGES_MAX} pages.")

    async def _read_page(self, token: str | None) -> _Page:
        answer = await self._requests.ask_for_list(token, PAGE_SIZE)
        return read_list(_page_decoder, answer.body, what="The opt-out list")

    def _read_number(self, number: _Number) -> CarrierBlock | None:
        try:
            recipient = read_delivered(number.opted_out_number)
        except InvalidNumber:
            return None
        by = "by the person" if number.end_user_opted_out else "by the account"
        return CarrierBlock(
            recipient=recipient,
            sender=None,
            blocked_at=_read_time(number.opted_out_timestamp),
            evidence=f"AWS opt-out list {self._requests.opt_out_list}, {by}",
        )


def _read_time(unix_seconds: float | None) -> datetime | None:
    try:
        return None if unix_seconds is None else datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
