"""Whom Sinch has on its own list of opt-outs: that of an app of its Conversation API.

The SMS REST API by which we send has no such list. Where the same numbers also serve an app with
consent management, people opt out there, and we should know. Only the list that forbids everything
is read: who is on one for marketing or notifications alone may still be answered.

Source: developers.sinch.com, "Consent management", and the Consents service of Sinch's Java library
(its Python library has none before 2.4); checked 2026-11-30.
"""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

import msgspec

from consentry.carriers.shared.fields import read_msisdn
from consentry.carriers.sinch.questions import Questions
from consentry.ports import CarrierBlock, CarrierUnreachable, Malformed

LIST: Final = "OPT_OUT_ALL"
PAGE_SIZE: Final = 50
PAGES_MAX: Final = 20_000


class _Identity(msgspec.Struct, frozen=True):
    identity: str


class _Page(msgspec.Struct, frozen=True):
    identities: tuple[_Identity, ...] = ()
    next_page_token: str | None = None


_decoder = msgspec.json.Decoder(_Page)


class SinchBlockList:
    """Implements `ports.BlockList` over the list of one app, which holds for all its senders."""

    def __init__(
        self,
        url: str,
        *,
        project: str,
        app: str,
        questions: Questions,
        pages_max: int = PAGES_MAX,
    ) -> None:
        """Read at `url`, the address of the Conversation API in the app's region."""
        path = f"/v1/projects/{quote(project, safe='')}/apps/{quote(app, safe='')}/consents/{LIST}"
        self._address = url.rstrip("/") + path
        self._evidence = f"{LIST} of Sinch's app {app}"
        self._questions = questions
        self._pages_max = pages_max

    async def read(self, senders: tuple[str, ...]) -> AsyncIterator[CarrierBlock]:
        """Read who is on it; raises `CarrierUnreachable`, also where it does not end."""
        del senders
        wanted = {"page_size": str(PAGE_SIZE)}
        for _ in range(self._pages_max):
            page = await self._questions.ask(self._address, wanted, _decoder)
            for found in page.identities:
                block = self._read(found.identity)
                if block is not None:
                    yield block
            if not page.next_page_token:
                return
            wanted["page_token"] = page.next_page_token
        raise CarrierUnreachable(f"The carrier's list did not end after {self._pages_max} pages.")

    def _read(self, identity: str) -> CarrierBlock | None:
        """Read a line; an identity of another channel is no number."""
        try:
            recipient = read_msisdn("identity", identity)
        except Malformed:
            return None
        return CarrierBlock(recipient, None, None, self._evidence)
