"""What a sender's page tells beside its form: the address for the carrier, and what to mind."""

from typing import Final
from urllib.parse import quote

from consentry.console.pages import Visit
from consentry.console.settings.sections import Section
from consentry.console.settings.who_answers import Desk, is_answered_by_carrier
from consentry.domain.directory import Directory, Sender
from consentry.domain.reading import CarrierWord, SenderKind
from consentry.ports import CarrierAccount, find_fragment
from consentry.wire.webhook_address import inbound_path

_HOST_UNKNOWN: Final = "https://YOUR-PUBLIC-HOST"
KINDS: Final = {
    SenderKind.LONG_CODE: "Long code: an ordinary number",
    SenderKind.TOLL_FREE: "Toll-free: +1 800, 833, 844, 855, 866, 877, 888",
    SenderKind.SHORT_CODE: "Short code: 3 to 8 digits",
    SenderKind.ALPHANUMERIC: "Name: letters in place of a number",
}


def describe_kind(kind: SenderKind) -> str:
    """Name a kind in a word or two."""
    return KINDS[kind].partition(":")[0]


def sender_path(section: Section, number: str) -> str:
    """Where a sender's page of a section is."""
    return f"{section.path}/{quote(number, safe='+')}"


async def find_sender(visit: Visit) -> Sender | None:
    """Find the sender in the path, if this agent works for its brand."""
    sender = (await visit.services.store.read_directory()).senders.get(visit.path("number"))
    return sender if sender is not None and visit.agent.sees(sender.brand) else None


def webhook_address(visit: Visit, sender: Sender, carrier: str) -> str:
    """Give the address to paste at the carrier, as far as our own is known."""
    fragment = find_fragment(visit.services.carrier_kinds, carrier)
    return (visit.services.public_url or _HOST_UNKNOWN) + inbound_path(sender.carrier, fragment)


def list_warnings(
    desk: Desk, directory: Directory, account: CarrierAccount | None
) -> tuple[str, ...]:
    """List what to mind about a sender."""
    sender, warnings = desk.sender, []
    if account is None:
        warnings.append(
            f"There is no carrier account {sender.carrier}, so nothing is sent or taken. "
            "Choose another one below, or add it in Carriers."
        )
    if not desk.brand.contact:
        warnings.append(
            "The brand has no contact, so the answer to HELP names none. Add it in Brands."
        )
    warnings += _mind_kind(desk)
    warnings += _mind_service(desk, directory)
    return tuple(warnings)


def _mind_kind(desk: Desk) -> list[str]:
    kind = desk.sender.kind
    if kind is SenderKind.ALPHANUMERIC:
        return [
            (
                "Nobody can answer a name, so nobody can opt out of it by text. "
                "Say in each text how to opt out in another way."
            )
        ]
    seen = is_answered_by_carrier(desk, CarrierWord.OPT_OUT)
    if not seen:
        return [
            (
                f"{desk.carrier_name} does nothing by itself here: Consentry alone blocks and "
                "answers, with the wording in Replies."
            )
        ]
    if "YES" not in is_answered_by_carrier(desk, CarrierWord.OPT_IN):
        return [
            (
                "YES does not bring people back here: they must text START or UNSTOP. "
                "Tell them so wherever you explain it."
            )
        ]
    return []


def _mind_service(desk: Desk, directory: Directory) -> list[str]:
    """Point at a messaging service that seems to be missing, or say what being in one means."""
    sender = desk.sender
    if sender.messaging_service_sid is not None:
        return [
            (
                f"It is in the service {sender.messaging_service_sid}: an opt-out blocks all "
                "numbers of that service at the carrier, and START to one of them lifts that. "
                "If Advanced Opt-Out is on there, its own words and answers count, and its "
                "verdict is taken."
            )
        ]
    siblings = [
        other
        for other in directory.senders.values()
        if other.carrier == sender.carrier and other.messaging_service_sid is not None
    ]
    if siblings and sender.kind is not SenderKind.ALPHANUMERIC:
        return [
            (
                "Other senders of this account are in a messaging service. If this one is too, "
                "write its sid below: the carrier then blocks for the whole service, not for "
                "one number."
            )
        ]
    return []
