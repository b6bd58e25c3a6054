"""Our numbers: set up, changed, and what to paste at the carrier."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.administer import SaveSender
from consentry.actions.keep_webhooks import check_inbound_url
from consentry.api.brands import find_brand
from consentry.api.carriers import find_account, webhook_urls
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import read_phone
from consentry.api.problems import Problem
from consentry.api.questions import find_sender
from consentry.domain.directory import Replies, Sender
from consentry.domain.keywords import read_carrier
from consentry.domain.reading import SenderKind
from consentry.domain.replies import INITIAL_REPLY_CHARACTERS_MAX
from consentry.ports import CarrierAccount, Scope, URLCheck

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
URL = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
InitialReply = Annotated[str, msgspec.Meta(max_length=INITIAL_REPLY_CHARACTERS_MAX)]
Reply = Annotated[str, msgspec.Meta(max_length=1600)]


class RepliesChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Our own wordings; null goes back to the default, what is left out stays.

    `{brand}` and `{contact}` in a wording are filled in.
    """

    initial: InitialReply | UnsetType | None = UNSET
    opt_out: Reply | UnsetType | None = UNSET
    opt_in: Reply | UnsetType | None = UNSET
    help: Reply | UnsetType | None = UNSET


class NewSender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of ours to set up: E.164, a short code, or an alphanumeric name.

    `inbound_url`: each text that comes in is passed on there in Twilio's form, signed by the token
    of `inbound_account` (an account sid; left out, that of the carrier account).
    """

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    kind: SenderKind
    brand: Id
    carrier: Id
    messaging_service_sid: Id | None = None
    enabled: bool = True
    messages_per_second: Rate = 1.0
    replies: RepliesChange | None = None
    inbound_url: URL | None = None
    inbound_account: Id | None = None


class SenderChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a sender; what is left out stays."""

    brand: Id | UnsetType = UNSET
    carrier: Id | UnsetType = UNSET
    messaging_service_sid: Id | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    messages_per_second: Rate | UnsetType = UNSET
    replies: RepliesChange | UnsetType = UNSET
    inbound_url: URL | UnsetType | None = UNSET
    inbound_account: Id | UnsetType | None = UNSET


class RepliesView(msgspec.Struct, frozen=True):
    """Our own wordings; null is the default."""

    initial: str | None
    opt_out: str | None
    opt_in: str | None
    help: str | None


class WhoAnswers(msgspec.Struct, frozen=True):
    """Who answers a keyword: `carrier` (we then never do) or `ours`."""

    opt_out: str
    opt_in: str
    help: str


class SenderView(msgspec.Struct, frozen=True):
    """A number of ours. `webhook_url`: paste it at the carrier, with its fragment if it has one.

    The fragment asks Twilio to try again when we did not answer. `conversation`: the
    program that a person consents to by texting this number.
    """

    number: str
    kind: SenderKind
    brand: str
    carrier: str
    messaging_service_sid: str | None
    enabled: bool
    messages_per_second: float
    replies: RepliesView
    conversation: str
    webhook_url: str
    status_url: str
    who_answers: WhoAnswers
    inbound_url: str | None
    inbound_account: str | None


def _who_answers(call: Call[object, object], sender: Sender, carrier_kind: str) -> WhoAnswers:
    now = call.services.clock.now()

    def who(text: str) -> str:
        reading = read_carrier(text, carrier=carrier_kind, kind=sender.kind, at=now)
        return "carrier" if reading.answers else "ours"

    return WhoAnswers(opt_out=who("STOP"), opt_in=who("START"), help=who("HELP"))


def _view(
    call: Call[object, object], sender: Sender, accounts: dict[str, CarrierAccount]
) -> SenderView:
    account = accounts.get(sender.carrier)
    kind = "" if account is None else account.kind
    inbound_url, status_url = webhook_urls(call, sender.carrier, kind)
    own = sender.replies
    return SenderView(
        number=sender.number,
        kind=sender.kind,
        brand=sender.brand,
        carrier=sender.carrier,
        messaging_service_sid=sender.messaging_service_sid,
        enabled=sender.enabled,
        messages_per_second=sender.messages_per_second,
        replies=RepliesView(own.initial, own.opt_out, own.opt_in, own.help),
        conversation=sender.conversation,
        webhook_url=inbound_url,
        status_url=status_url,
        who_answers=_who_answers(call, sender, kind),
        inbound_url=sender.inbound_url,
        inbound_account=sender.inbound_account,
    )


async def _accounts(call: Call[object, object]) -> dict[str, CarrierAccount]:
    return {account.id: account for account in await call.services.store.read_carriers()}


async def _show(call: Call[object, object], sender: Sender, *, status: int = 200) -> Answer:
    return Answer(_view(call, sender, await _accounts(call)), status=status)


async def _sender_in_path(call: Call[object, object]) -> Sender:
    number = call.path["number"]
    directory = await call.services.store.read_directory()
    sender = directory.senders.get(await find_sender(number, call.services))
    if sender is None:
        raise Problem("not_found", f"There is no sender {number!a}. List the senders.")
    return sender


async def list_senders(call: Call[None, None]) -> Answer:
    """List our numbers."""
    accounts = await _accounts(call)
    senders = (await call.services.store.read_directory()).senders.values()
    return Answer(whole([_view(call, sender, accounts) for sender in senders]))


async def create_sender(call: Call[NewSender, None]) -> Answer:
    """Set up a number of ours."""
    asked, services = call.body, call.services
    brand = await find_brand(call, asked.brand)
    account = await find_account(call, asked.carrier)
    number = asked.number
    if asked.kind in (SenderKind.LONG_CODE, SenderKind.TOLL_FREE):
        number = read_phone(number, services.default_region).normalized
    if number.strip() in (await services.store.read_directory()).senders:
        raise Problem(
            "already_exists", f"The sender {number!a} is set up already. Change it with PATCH."
        )
    sender = Sender(
        number=number,
        kind=asked.kind,
        brand=brand.id,
        carrier=account.id,
        messaging_service_sid=asked.messaging_service_sid,
        enabled=asked.enabled,
        messages_per_second=asked.messages_per_second,
        replies=_replies(Replies(), asked.replies or RepliesChange()),
        inbound_url=asked.inbound_url,
        inbound_account=asked.inbound_account,
    )
    await check_inbound_url(_check_of(call), sender)
    return await _show(
        call, await services.store.submit(SaveSender(sender, call.actor)), status=201
    )


async def read_sender(call: Call[None, None]) -> Answer:
    """Show a sender."""
    return await _show(call, await _sender_in_path(call))


async def change_sender(call: Call[SenderChange, None]) -> Answer:
    """Change a sender; its number and kind stay."""
    known, asked = await _sender_in_path(call), call.body
    if asked.brand is not UNSET:
        await find_brand(call, asked.brand)
    if asked.carrier is not UNSET:
        await find_account(call, asked.carrier)
    sender = msgspec.structs.replace(
        known,
        brand=known.brand if asked.brand is UNSET else asked.brand,
        carrier=known.carrier if asked.carrier is UNSET else asked.carrier,
        enabled=known.enabled if asked.enabled is UNSET else asked.enabled,
        replies=known.replies if asked.replies is UNSET else _replies(known.replies, asked.replies),
    )
    if asked.messaging_service_sid is not UNSET:
        service = asked.messaging_service_sid
        sender = msgspec.structs.replace(sender, messaging_service_sid=service)
    if asked.messages_per_second is not UNSET:
        rate = asked.messages_per_second
        sender = msgspec.structs.replace(sender, messages_per_second=rate)
    sender = _pass_on(sender, asked)
    await check_inbound_url(_check_of(call), sender, known)
    return await _show(call, await call.services.store.submit(SaveSender(sender, call.actor)))


def _check_of(call: Call[object, object]) -> URLCheck | None:
    ways = call.services.webhook_ways
    return None if ways is None else ways.check


def _pass_on(known: Sender, asked: SenderChange) -> Sender:
    url, account = asked.inbound_url, asked.inbound_account
    return msgspec.structs.replace(
        known,
        inbound_url=known.inbound_url if url is UNSET else url,
        inbound_account=known.inbound_account if account is UNSET else account,
    )


def _replies(known: Replies, asked: RepliesChange) -> Replies:
    return Replies(
        initial=known.initial if asked.initial is UNSET else asked.initial,
        opt_out=known.opt_out if asked.opt_out is UNSET else asked.opt_out,
        opt_in=known.opt_in if asked.opt_in is UNSET else asked.opt_in,
        help=known.help if asked.help is UNSET else asked.help,
    )


_EXAMPLE: Final = {
    "number": "+12025550199",
    "kind": "long_code",
    "brand": "brd_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "carrier": "car_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
}

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/senders",
        tag=Tag.SETTING_UP,
        summary="Senders",
        handler=list_senders,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Listing[SenderView]},
    ),
    Operation(
        method="POST",
        path="/v1/senders",
        tag=Tag.SETTING_UP,
        summary="Set up a sender",
        description="Then paste its `webhook_url` at the carrier as it is, fragment and all: "
        "without it an opt-out that came at a bad moment is not sent again.",
        handler=create_sender,
        scope=Scope.ADMIN,
        body=NewSender,
        answers={201: SenderView},
        errors=(
            "invalid_number",
            "unknown_brand",
            "unknown_carrier",
            "already_exists",
            "invalid_sender",
            "invalid_inbound_url",
            "reply_too_long",
            "wording_invalid",
        ),
        example=_EXAMPLE,
    ),
    Operation(
        method="GET",
        path="/v1/senders/{number}",
        tag=Tag.SETTING_UP,
        summary="One sender",
        handler=read_sender,
        scope=Scope.READ,
        for_brands=True,
        answers={200: SenderView},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/senders/{number}",
        tag=Tag.SETTING_UP,
        summary="Change a sender",
        handler=change_sender,
        scope=Scope.ADMIN,
        body=SenderChange,
        answers={200: SenderView},
        errors=(
            "not_found",
            "unknown_brand",
            "unknown_carrier",
            "invalid_inbound_url",
            "reply_too_long",
            "wording_invalid",
        ),
        example={"enabled": False},
    ),
)
