"""Senders: our numbers, what to paste at the carrier, and who answers which word there."""

import math
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.administer import SaveSender
from consentry.actions.if_unchanged import IfUnchanged
from consentry.actions.keep_webhooks import check_inbound_url
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import SENDERS, brands_of, go_saved, show
from consentry.console.settings.sender_page import (
    KINDS,
    describe_kind,
    find_sender,
    list_warnings,
    sender_path,
    webhook_address,
)
from consentry.console.settings.who_answers import WORDS, list_answers, sit_at
from consentry.domain.agents import Permission
from consentry.domain.directory import Sender
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.reading import SenderKind
from consentry.ports import CarrierAccount, Rejected

_FIELDS: Final = {
    "invalid_sender": "number",
    "invalid_inbound_url": "inbound_url",
    "already_exists": "number",
    "unknown_brand": "brand",
    "rate_invalid": "messages_per_second",
}
_PHONE_KINDS: Final = (SenderKind.LONG_CODE, SenderKind.TOLL_FREE)


async def list_senders(visit: Visit) -> Response:
    """List the senders of the brands this agent works for."""
    directory = await visit.services.store.read_directory()
    accounts = await _accounts(visit)
    rows = [
        (s, directory.brand_of(s), describe_kind(s.kind), accounts) for s in await visit.senders()
    ]
    return await show(
        visit,
        SENDERS,
        "senders.html",
        rows=rows,
        may_add=bool(accounts and await brands_of(visit)),
        link_of=sender_path,
    )


async def new_sender(visit: Visit) -> Response:
    """Show the form for a new sender."""
    return await _show_form(visit, fill(await _new(visit)), None)


async def add_sender(visit: Visit) -> Response:
    """Add a sender to a brand this agent works for."""
    filled = await _check(visit, read_form(visit, await _new(visit)))
    number, kind = filled.values["number"], filled.values["kind"]
    if kind not in [one.value for one in SenderKind]:
        filled = filled.refused(kind="Choose what kind of number it is.")
    elif kind in _PHONE_KINDS:
        try:
            number = normalize_phone(number, region=visit.services.default_region)
        except InvalidNumber as error:
            filled = filled.refused(number=str(error))
    if not number:
        filled = filled.refused(number="Write the number, or the name.")
    if not filled.is_fine:
        return await _show_form(visit, filled, None)
    blank = Sender(number, SenderKind(kind), brand="", carrier="")
    return await _save(visit, filled, _put(blank, filled), None)


async def show_sender(visit: Visit) -> Response:
    """Show a sender: its form, its address for the carrier, who answers what."""
    sender = await find_sender(visit)
    if sender is None:
        return visit.missing("sender")
    return await _show_form(visit, fill(_stored(sender)), sender)


async def change_sender(visit: Visit) -> Response:
    """Change a sender; its number and kind stay."""
    known = await find_sender(visit)
    if known is None:
        return visit.missing("sender")
    filled = await _check(visit, read_form(visit, _stored(known)), known=known)
    if not filled.is_fine:
        return await _show_form(visit, filled, known)
    return await _save(visit, filled, _put(known, filled), known)


async def switch_sender(visit: Visit) -> Response:
    """Switch a sender off or on."""
    known = await find_sender(visit)
    if known is None:
        return visit.missing("sender")
    sender = msgspec.structs.replace(known, enabled=visit.field("to") == "on")
    return await _save(visit, fill(_stored(known)), sender, known)


async def _check(visit: Visit, filled: Filled, *, known: Sender | None = None) -> Filled:
    values = filled.values
    if not any(brand.id == values["brand"] for brand in await brands_of(visit)):
        filled = filled.refused(brand="Choose one of the brands.")
    kept = () if known is None else (known.carrier,)
    if values["carrier"] not in (*await _accounts(visit), *kept):
        filled = filled.refused(carrier="Choose the account that the number is in.")
    if " " in values["messaging_service_sid"] or len(values["messaging_service_sid"]) > 200:
        filled = filled.refused(messaging_service_sid="Write the sid alone, as MG and 32 digits.")
    if _read_rate(values["messages_per_second"]) is None:
        filled = filled.refused(messages_per_second="Write a number from 0.01 to 10,000.")
    return filled


def _read_rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if math.isfinite(rate) and 0.01 <= rate <= 10_000 else None


def _put(sender: Sender, filled: Filled) -> Sender:
    values = filled.values
    return msgspec.structs.replace(
        sender,
        brand=values["brand"],
        carrier=values["carrier"],
        messaging_service_sid=values["messaging_service_sid"] or None,
        messages_per_second=_read_rate(values["messages_per_second"]) or 1.0,
        inbound_url=values["inbound_url"] or None,
        inbound_account=values["inbound_account"] or None,
    )


async def _save(visit: Visit, filled: Filled, sender: Sender, known: Sender | None) -> Response:
    save = IfUnchanged(SaveSender(sender, visit.actor), known)
    ways = visit.services.webhook_ways
    try:
        await check_inbound_url(None if ways is None else ways.check, sender, known)
        saved = await visit.services.store.submit(save)
    except Rejected as error:
        return await _show_form(visit, filled.rejected(error, _FIELDS), known)
    number = saved.number if isinstance(saved, Sender) else sender.number
    return go_saved(visit, sender_path(SENDERS, number), changed=saved != known)


async def _show_form(visit: Visit, filled: Filled, sender: Sender | None) -> Response:
    accounts = await _accounts(visit)
    more = {} if sender is None else await _describe(visit, sender, accounts)
    choices = [(account.id, account.id) for account in accounts.values()]
    if sender is not None and sender.carrier not in accounts:
        choices.append((sender.carrier, f"{sender.carrier} (not set up)"))
    return await show(
        visit,
        SENDERS,
        "sender.html" if sender else "new_sender.html",
        status=200 if filled.is_fine else 422,
        form=filled,
        sender=sender,
        kinds=[(kind.value, words) for kind, words in KINDS.items()],
        brands=[(brand.id, brand.name) for brand in await brands_of(visit)],
        accounts=choices,
        **more,
    )


async def _describe(
    visit: Visit, sender: Sender, accounts: dict[str, CarrierAccount]
) -> dict[str, object]:
    directory = await visit.services.store.read_directory()
    account = accounts.get(sender.carrier)
    carrier = "" if account is None else account.kind
    desk = sit_at(visit, sender, directory.brand_of(sender), carrier)
    return {
        "brand": desk.brand,
        "kind": describe_kind(sender.kind),
        "carrier_name": desk.carrier_name,
        "address": webhook_address(visit, sender, carrier),
        "public": visit.services.public_url is not None,
        "posts": _posts_webhooks(visit, carrier),
        "warnings": list_warnings(desk, directory, account),
        "answers": list_answers(desk),
        "words": WORDS,
        "path_here": sender_path(SENDERS, sender.number),
    }


def _posts_webhooks(visit: Visit, carrier: str) -> bool:
    kind = visit.services.carrier_kinds.get(carrier)
    return kind is None or kind.posts_webhooks


async def _accounts(visit: Visit) -> dict[str, CarrierAccount]:
    return {account.id: account for account in await visit.services.store.read_carriers()}


async def _new(visit: Visit) -> dict[str, str]:
    brands, accounts = await brands_of(visit), await _accounts(visit)
    return {
        "number": "",
        "kind": "",
        "brand": brands[0].id if len(brands) == 1 else "",
        "carrier": next(iter(accounts)) if len(accounts) == 1 else "",
        "messaging_service_sid": "",
        "messages_per_second": "1",
        "inbound_url": "",
        "inbound_account": "",
    }


def _stored(sender: Sender) -> dict[str, str]:
    return {
        "brand": sender.brand,
        "carrier": sender.carrier,
        "messaging_service_sid": sender.messaging_service_sid or "",
        "messages_per_second": f"{sender.messages_per_second:g}",
        "inbound_url": sender.inbound_url or "",
        "inbound_account": sender.inbound_account or "",
    }


PAGES: Final = (
    Page(path="/settings/senders", view=list_senders, permission=Permission.READ_SETTINGS),
    Page(path="/settings/new-sender", view=new_sender, permission=Permission.CHANGE_SETTINGS),
    Page(
        path="/settings/new-sender",
        view=add_sender,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
    ),
    Page(
        path="/settings/senders/{number}",
        view=show_sender,
        permission=Permission.READ_SETTINGS,
        example={"number": "+12025550101"},
    ),
    Page(
        path="/settings/senders/{number}",
        view=change_sender,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"number": "+12025550101"},
    ),
    Page(
        path="/settings/senders/{number}/switch",
        view=switch_sender,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"number": "+12025550101"},
    ),
)
