"""Speaking into a tin can."""

from datetime import datetime

import msgspec

from consentry.carriers.shared.handing_over import HTTPRequest, hand_over
from consentry.carriers.shared.way_out import Answer, WayOut
from consentry.carriers.tin_can.errors import TABLE
from consentry.ports import (
    Accepted,
    CarrierAccount,
    Fence,
    NoList,
    OutboundText,
    Submission,
    Unanswered,
)


class TinCanRequests:
    """Sends the texts of one account; a tin can remembers nothing."""

    def __init__(self, account: CarrierAccount, way_out: WayOut) -> None:
        """Send to where the account's can is."""
        self._account = account
        self._way_out = way_out

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once."""
        words = {"from": text.sender, "to": text.recipient, "words": text.body}
        headers = {
            "Content-Type": "application/json",
            "X-Tin-Can-Secret": self._account.secret,
        }
        url = f"{self._account.base_url}/texts"
        request = HTTPRequest(url, headers, msgspec.json.encode(words))
        return await hand_over(self._way_out, request, fence, _read_answer)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """A tin can has no list."""
        del text, since, known
        raise NoList("A tin can keeps no list.")

    async def probe(self) -> None:
        """There is nothing harmless to ask of a tin can."""
        raise NoList("A tin can keeps no list.")

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()


def _read_answer(answer: Answer) -> Submission:
    try:
        told = msgspec.json.decode(answer.body, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = {}
    if "refused" in told:
        return TABLE.refuse(told["refused"])
    if answer.status == 200 and "id" in told:
        return Accepted(told["id"])
    return Unanswered(f"HTTP {answer.status} says nothing of the text.")
