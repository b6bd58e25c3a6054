"""An SMPP account, and the carrier that is built from it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from consentry.carriers.smpp.errors import VENDORS, Codes, Vendor
from consentry.carriers.smpp.inbound import InboxOptions
from consentry.carriers.smpp.link import LinkOptions, SMPPLink
from consentry.carriers.smpp.outbound import SubmitOptions, Submitter
from consentry.carriers.smpp.session import SessionLimits
from consentry.ports import (
    Accepted,
    AccountField,
    Acknowledgement,
    BlockList,
    CarrierAccount,
    CarrierEvent,
    CarrierKind,
    CarrierUnreachable,
    Fence,
    Forged,
    Handshake,
    InboundHistory,
    OutboundText,
    Submission,
    WebhookRequest,
)
from consentry.wire.smpp.requests import Address, Bind
from consentry.wire.smpp.texts import Default

KIND: Final = "smpp"
_TON_NPI: Final = re.compile(r"([0-6])/([0-9]|1[0-8])")
_BASES: Final = {"hex": (16, 10), "decimal": (10, 16)}


class SMPPCarrier:
    """One account with an SMSC; implements `ports.Carrier`. It posts no webhooks."""

    kind = KIND
    acknowledgement = Acknowledgement()
    history: InboundHistory | None = None
    block_list: BlockList | None = None

    def __init__(
        self,
        account: CarrierAccount,
        *,
        link: LinkOptions | None = None,
        submit: SubmitOptions | None = None,
    ) -> None:
        """Build it; nothing connects before its link is kept, or probed."""
        self.id = account.id
        self.link = SMPPLink(self, link or read_link_options(account))
        self._submitter = Submitter(self.link, submit or read_submit_options(account))

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Nothing that is posted can be an SMSC's: raises `Forged`."""
        del request
        raise Forged("An SMSC posts nothing: its texts come by the connection to it.")

    def read_status(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Nothing that is posted can be an SMSC's: raises `Forged`."""
        return self.read_inbound(request)

    async def confirm(self, handshake: Handshake) -> None:
        """There is nothing to confirm: raises `CarrierUnreachable`."""
        raise CarrierUnreachable(f"SMPP has no way to confirm {handshake.url}.")

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once, while the fence is open."""
        return await self._submitter.submit(text, fence)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """There is no list of texts: raises `NoList`."""
        return await self._submitter.find(text, since=since, known=known)

    async def probe(self) -> None:
        """Bind once and take leave; raises `CarrierUnreachable`."""
        await self.link.probe()

    async def close(self) -> None:
        """Nothing is left open: who keeps the link ends it."""


def name_message(written: str, base: int) -> str:
    """Give an id one form, where answers and receipts write the same number differently.

    `base` is how it is written here; 0: as it is.
    """
    if base:
        try:
            return str(int(written, base))
        except ValueError:
            return written
    return written


def read_link_options(account: CarrierAccount) -> LinkOptions:
    """Read out of an account where to bind, how, and how things are written there."""
    more, limits = account.more, SessionLimits()
    _, receipt_base = _BASES.get(more.get("message_ids", ""), (0, 0))
    return LinkOptions(
        url=account.base_url,
        bind=Bind(
            account.account,
            account.secret,
            more.get("system_type", ""),
            Address(more.get("address_range", "")),
        ),
        limits=SessionLimits(
            window=_read_number(more, "window", limits.window, most=1000),
            enquire_seconds=_read_number(
                more, "enquire_seconds", int(limits.enquire_seconds), most=3600
            ),
        ),
        inbox=InboxOptions(
            country_code=more.get("country_code", "").lstrip("+"),
            default=_read_default(more),
            codes=_read_codes(more),
            name_message=lambda written: name_message(written, receipt_base),
        ),
    )


def read_submit_options(account: CarrierAccount) -> SubmitOptions:
    """Read out of an account how texts are written there."""
    more = account.more
    answer_base, _ = _BASES.get(more.get("message_ids", ""), (0, 0))
    return SubmitOptions(
        codes=_read_codes(more),
        default=_read_default(more),
        short_code=_read_short_code(more),
        name_message=lambda written: name_message(written, answer_base),
        service_type=more.get("service_type", ""),
    )


def _find_vendor(more: Mapping[str, str]) -> Vendor:
    return VENDORS.get(more.get("vendor", ""), VENDORS["standard"])


def _read_short_code(more: Mapping[str, str]) -> tuple[int, int]:
    """Read kind and plan of short codes as they are written, `3/0`; else the vendor's."""
    found = _TON_NPI.fullmatch(more.get("short_code", ""))
    return (int(found[1]), int(found[2])) if found else _find_vendor(more).short_code


def _read_codes(more: Mapping[str, str]) -> Codes:
    return Codes(_find_vendor(more), more.get("opted_out_codes", ""))


def _read_default(more: Mapping[str, str]) -> Default:
    return Default.LATIN1 if more.get("default_alphabet") == "latin1" else Default.GSM7


def _read_number(more: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    """Read a whole number; one that is none, or out of range, is as if it were not there."""
    text = more.get(name, "")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
    return number if 1 <= number <= most else default


def build_smpp(account: CarrierAccount, callback_base: str) -> SMPPCarrier:
    """Build the carrier of an account; an SMSC calls nobody back."""
    del callback_base
    return SMPPCarrier(account)


SMPP: Final = CarrierKind(
    name=KIND,
    title="SMPP 3.4",
    base_url="smpp://localhost:2775",
    fields=(
        AccountField("account", "System id", "As the vendor of the SMSC gave it."),
        AccountField("secret", "Password", "At most 8 characters at most vendors.", is_secret=True),
        AccountField(
            "vendor",
            "Vendor",
            f"One of {', '.join(VENDORS)}: decides what codes mean.",
            is_needed=False,
        ),
        AccountField("system_type", "System type", "If the vendor asks for one.", is_needed=False),
        AccountField(
            "service_type", "Service type", "If the vendor asks for one.", is_needed=False
        ),
        AccountField(
            "address_range",
            "Address range",
            "Which numbers' texts come to this bind; empty: all of the account.",
            is_needed=False,
        ),
        AccountField(
            "short_code",
            "TON/NPI of short codes",
            "3/0 unless the vendor says otherwise.",
            is_needed=False,
        ),
        AccountField(
            "country_code",
            "Country code",
            "Only if the vendor writes numbers without it: 1 for North America.",
            is_needed=False,
        ),
        AccountField(
            "default_alphabet",
            "Default alphabet",
            "What data coding 0 is there: gsm7 (usual) or latin1.",
            is_needed=False,
        ),
        AccountField(
            "message_ids",
            "Message ids",
            "Only if receipts write ids otherwise than answers: hex (answers) or decimal.",
            is_needed=False,
        ),
        AccountField(
            "opted_out_codes",
            "Codes of an opt-out",
            "The vendor's own, with commas: 0x456 of answers, 1110 of receipts.",
            is_needed=False,
        ),
        AccountField(
            "window", "Window", "Texts that may wait for their answer; 10.", is_needed=False
        ),
        AccountField(
            "enquire_seconds",
            "Seconds between enquire_link",
            "30 unless the vendor asks for another.",
            is_needed=False,
        ),
    ),
    where="The vendor of the SMSC gives host, port, system id and password, and says how many "
    "binds are allowed: each process of this server needs one.",
    build=build_smpp,
    posts_webhooks=False,
)
