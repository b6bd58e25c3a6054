"""An SMPP account, and the carrier that is built from it."""

import logging
from datetime import datetime
from typing import Final

from consentry.carriers.smpp.errors import VENDORS
from consentry.carriers.smpp.link import LinkOptions, SMPPLink
from consentry.carriers.smpp.options import (
    list_wrong_options,
    read_link_options,
    read_submit_options,
)
from consentry.carriers.smpp.outbound import SubmitOptions, Submitter
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

KIND: Final = "smpp"
_logger = logging.getLogger(__name__)


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
        self._wrong = list_wrong_options(account)
        for wrong in self._wrong:
            _logger.warning("smpp_option_not_used", extra={"carrier": account.id, "why": wrong})
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
        """Bind once and take leave; raises `CarrierUnreachable`, also for options that are none."""
        if self._wrong:
            raise CarrierUnreachable(" ".join(self._wrong))
        await self.link.probe()

    async def close(self) -> None:
        """Nothing is left open: who keeps the link ends it."""


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
