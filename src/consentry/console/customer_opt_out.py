"""An opt-out that a person told an agent: by phone, by mail or in person, with their words."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.record_consent import (
    ConsentRecorded,
    RevokeConsent,
    Statement,
    SuppressRecipient,
)
from consentry.console.customer_page import read_frame
from consentry.console.customer_seen import Seen, SeenPhone, with_customer
from consentry.console.pages import Page, Visit
from consentry.console.timeline_page import read_zone
from consentry.console.timeline_words import spell_medium
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.directory import conversation_program
from consentry.domain.entries import Evidence, Medium

TOLD_BY: Final = (Medium.PHONE, Medium.MAIL, Medium.IN_PERSON, Medium.WEB, Medium.PAPER)
"""Over what a person can tell an agent; what they text is read by itself."""

_WORDS_CHARACTERS_MAX: Final = 2000
_NAME_CHARACTERS_MAX: Final = 200
_CLOCKS_DIFFER_MAX: Final = timedelta(minutes=1)
_BRAND: Final = "brand"
_SENDER: Final = "sender"


class OptOutForm(msgspec.Struct, frozen=True):
    """What was typed, by field, and what is wrong with it."""

    values: dict[str, str] = {}
    errors: dict[str, str] = {}


async def ask_opt_out(visit: Visit, seen: Seen) -> Response:
    """Show the form."""
    main = seen.find_phone(visit.query("phone")) or seen.main
    values = {} if main is None else {"phone": main.number}
    return await _show(visit, seen, OptOutForm({"medium": Medium.PHONE, **values}))


async def _show(visit: Visit, seen: Seen, form: OptOutForm, status: int = 200) -> Response:
    frame = await read_frame(visit, seen)
    return visit.render(
        "customer_opt_out.html",
        status=status,
        opt_out=form,
        scopes=_list_scopes(seen),
        media=[(medium.value, spell_medium(medium)) for medium in TOLD_BY],
        zone=read_zone(visit).key,
        **frame,
    )


def _list_scopes(seen: Seen) -> list[tuple[str, str]]:
    """List what an opt-out can be of, the widest first: who says "no texts" means all of them."""
    brands = dict.fromkeys(sender.brand for sender in seen.senders)
    names = seen.directory.brands
    return [
        *((f"{_BRAND} {brand}", f"Every number of {names[brand].name}") for brand in brands),
        *(
            (f"{_SENDER} {sender.number}", f"Only {show_number(sender.number)}")
            for sender in seen.senders
        ),
    ]


async def record_opt_out(visit: Visit, seen: Seen) -> Response:
    """Record it with its evidence; from then on nothing leaves for this number."""
    names = ("phone", "scope", "medium", "words", "when", "name")
    values = {name: visit.field(name).replace("\r\n", "\n").strip() for name in names}
    phone = seen.find_phone(values["phone"])
    at, errors = _check(visit, seen, values, phone)
    if errors or phone is None:
        return await _show(visit, seen, OptOutForm(values, errors), 422)
    medium = Medium(values["medium"])
    statement = Statement(
        recipient=phone.number,
        actor=visit.actor,
        reason=f"Told {spell_medium(medium)} to {visit.agent.name or visit.agent.email}",
        evidence=Evidence(
            medium=medium, at=at, verbatim=values["words"], name=values["name"] or None
        ),
    )
    recorded = await _submit(visit, statement, values["scope"])
    await visit.services.delivery.wait_quiet(recorded.in_flight)
    return visit.go(seen.address)


async def _submit(visit: Visit, statement: Statement, scope: str) -> ConsentRecorded:
    kind, _, name = scope.partition(" ")
    store = visit.services.store
    if kind == _BRAND:
        return await store.submit(SuppressRecipient(statement, name))
    return await store.submit(RevokeConsent(statement, conversation_program(name)))


def _check(
    visit: Visit, seen: Seen, values: dict[str, str], phone: SeenPhone | None
) -> tuple[datetime | None, dict[str, str]]:
    errors = {}
    if phone is None:
        errors["phone"] = "Choose the phone that this is about."
    if values["scope"] not in {key for key, _ in _list_scopes(seen)}:
        errors["scope"] = "Choose from what they opted out."
    if values["medium"] not in {str(medium) for medium in TOLD_BY}:
        errors["medium"] = "Choose how they told it."
    if not values["words"]:
        errors["words"] = "Write what they said: it is the evidence."
    elif len(values["words"]) > _WORDS_CHARACTERS_MAX:
        errors["words"] = f"At most {_WORDS_CHARACTERS_MAX:,} characters fit."
    if len(values["name"]) > _NAME_CHARACTERS_MAX:
        errors["name"] = f"At most {_NAME_CHARACTERS_MAX} characters fit."
    at, wrong = read_when(visit, values["when"])
    if wrong:
        errors["when"] = wrong
    return at, errors


def read_when(visit: Visit, typed: str) -> tuple[datetime | None, str]:
    """Read the time in the agent's zone; empty is now."""
    if not typed:
        return None, ""
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        return None, "Write the time as 2026-05-01T10:00, or leave it empty for now."
    if at.tzinfo is None:
        at = at.replace(tzinfo=read_zone(visit))
    if at > visit.services.clock.now() + _CLOCKS_DIFFER_MAX:
        return None, "This time is still to come."
    return at, ""


_PATH: Final = "/customers/{id}/opt-out"

PAGES: Final = (
    Page(path=_PATH, view=with_customer(ask_opt_out), permission=Permission.RECORD_CONSENT),
    Page(
        path=_PATH,
        view=with_customer(record_opt_out),
        permission=Permission.RECORD_CONSENT,
        method="POST",
    ),
)
