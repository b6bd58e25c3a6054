"""The certificates that SNS signs with: fetched when first seen, and kept.

Reading a webhook cannot wait, and fetching must. So the reader says `KeyMissing`; whoever may wait
has it fetched, and reads again (docs/decisions/0033-keys-that-must-be-fetched.md).
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final, TypeVar

from consentry.carriers.shared.way_out import WayOut
from consentry.ports import CarrierUnreachable, Handshake
from consentry.wire.sns import Certificate, RSACertificate, SNSError

KEPT_MAX: Final = 64
FAILED_FOR: Final = timedelta(seconds=10)
"""An address that gave no certificate is not asked again for this long.

Anybody can name addresses of that shape to us; the carrier tells again what got a 503.
"""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Certificates:
    """What was fetched, by address. SNS signs for all accounts of a region with the same ones."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[str, Certificate] = {}
        self._failed: dict[str, datetime] = {}

    def find(self, url: str) -> Certificate | None:
        """Find the certificate of an address."""
        return self._known.get(url)

    def keep(self, url: str, certificate: Certificate) -> None:
        """Keep a certificate; the oldest make room."""
        _put(self._known, url, certificate)
        self._failed.pop(url, None)

    def note_failure(self, url: str, at: datetime) -> None:
        """Note that an address gave none."""
        _put(self._failed, url, at)

    def has_failed(self, url: str, at: datetime) -> bool:
        """Tell whether an address gave none a moment ago."""
        failed_at = self._failed.get(url)
        return failed_at is not None and abs(at - failed_at) < FAILED_FOR


def _put(kept: dict[str, _T], url: str, value: _T) -> None:
    while len(kept) >= KEPT_MAX and url not in kept:
        del kept[next(iter(kept))]
    kept[url] = value


KNOWN: Final = Certificates()
"""Those of this process."""


class SNSClient:
    """What we ask of SNS for one account: certificates, and to confirm subscriptions."""

    def __init__(self, way_out: WayOut, certificates: Certificates = KNOWN) -> None:
        """Ask by this way out; it must not follow anybody elsewhere, and does not."""
        self._way_out = way_out
        self._certificates = certificates
        self._one_at_a_time = asyncio.Lock()

    async def fetch(self, url: str, at: datetime) -> None:
        """Fetch a certificate and keep it; raises `CarrierUnreachable`."""
        async with self._one_at_a_time:
            if self._certificates.find(url) is not None:
                return
            if self._certificates.has_failed(url, at):
                raise CarrierUnreachable(
                    "The certificate that signed it could not be had just now."
                )
            try:
                self._certificates.keep(url, await self._load(url))
            except CarrierUnreachable as error:
                self._certificates.note_failure(url, at)
                _log.warning("certificate_not_had", extra={"url": url, "why": str(error)})
                raise

    async def _load(self, url: str) -> Certificate:
        answer = await self._way_out.ask(url, headers={})
        if answer.status != 200:
            raise CarrierUnreachable(f"SNS answered with HTTP {answer.status} for a certificate.")
        try:
            return RSACertificate(answer.body)
        except SNSError as error:
            raise CarrierUnreachable(f"What SNS gave is {error}.") from None

    async def confirm(self, handshake: Handshake) -> None:
        """Confirm a subscription; raises `CarrierUnreachable`."""
        answer = await self._way_out.ask(handshake.url, headers={})
        if answer.status != 200:
            raise CarrierUnreachable(
                f"SNS did not confirm the subscription: HTTP {answer.status}. Have it ask again: "
                "Request confirmation, at the subscription."
            )

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()
