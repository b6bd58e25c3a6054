"""The form for an opt-out that a person told an agent: what is typed, checked and recorded."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.actions.record_consent import (
    ConsentRecorded,
    RevokeConsent,
    Statement,
    SuppressRecipient,
)
from consentry.console.pages import Visit
from consentry.console.timeline_page import read_zone
from consentry.console.timeline_words import spell_medium
from consentry.console.wording import show_number
from consentry.domain.directory import Directory, Sender, conversation_program
from consentry.domain.entries import Evidence, Medium

TOLD_BY: Final = (Medium.PHONE, Medium.MAIL, Medium.IN_PERSON, Medium.WEB, Medium.PAPER)
"""Over what a person can tell an agent; what they text is read by itself."""

_WORDS_CHARACTERS_MAX: Final = 2000
_NAME_CHARACTERS_MAX: Final = 200
_CLOCKS_DIFFER_MAX: Final = timedelta(minutes=1)
_BRAND: Final = "brand"
_SENDER: Final = "sender"
_FIELDS: Final = ("phone", "scope", "medium", "words", "when", "name")

Scopes = list[tuple[str, str]]


class OptOutForm(msgspec.Struct, frozen=True):
    """What was typed, by field, and what is wrong with it. `at` is when it was received."""

    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    at: datetime | None = None

    def refused(self, **errors: str) -> "OptOutForm":
        """Say what is wrong, at fields; what was typed stays."""
        return msgspec.structs.replace(self, errors={**self.errors, **errors})


def list_scopes(senders: Sequence[Sender], directory: Directory) -> Scopes:
    """List what an opt-out can be of, the widest first: who says "no texts" means all of them."""
    brands = dict.fromkeys(sender.brand for sender in senders)
    names = directory.brands
    return [
        *((f"{_BRAND} {brand}", f"Every number of {names[brand].name}") for brand in brands),
        *((f"{_SENDER} {s.number}", f"Only {show_number(s.number)}") for s in senders),
    ]


def list_media() -> list[tuple[str, str]]:
    """List how it can have been told."""
    return [(medium.value, spell_medium(medium)) for medium in TOLD_BY]


def read_opt_out_form(visit: Visit, scopes: Scopes) -> OptOutForm:
    """Read the form and check all but the phone."""
    values = {name: visit.field(name).replace("\r\n", "\n").strip() for name in _FIELDS}
    errors = {}
    if values["scope"] not in {key for key, _ in scopes}:
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
    return OptOutForm(values, errors, at)


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


async def record_told(visit: Visit, form: OptOutForm, recipient: str) -> ConsentRecorded:
    """Record it with its evidence, and wait until nothing is under way to this number."""
    values = form.values
    medium = Medium(values["medium"])
    statement = Statement(
        recipient=recipient,
        actor=visit.actor,
        reason=f"Told {spell_medium(medium)} to {visit.agent.name or visit.agent.email}",
        evidence=Evidence(
            medium=medium, at=form.at, verbatim=values["words"], name=values["name"] or None
        ),
    )
    kind, _, name = values["scope"].partition(" ")
    store = visit.services.store
    if kind == _BRAND:
        recorded = await store.submit(SuppressRecipient(statement, name))
    else:
        recorded = await store.submit(RevokeConsent(statement, conversation_program(name)))
    await visit.services.delivery.wait_quiet(recorded.in_flight)
    return recorded
