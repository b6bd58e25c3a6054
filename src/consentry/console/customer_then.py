"""Could we text them at another time, and why: the gate asked again, from the ledger up to then."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.replay import Past, Replayed, replay_decisions
from consentry.console.customer_page import read_frame
from consentry.console.customer_seen import Seen, with_customer
from consentry.console.pages import Page, Visit
from consentry.console.timeline_page import read_zone
from consentry.console.timeline_words import explain_decision
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.directory import Purpose
from consentry.domain.gate import Decision, Door, Request, Verdict

_DECISIONS_SHOWN: Final = 20
_VERDICTS: Final = {
    Verdict.ALLOW: "Yes",
    Verdict.DEFER: "Not yet",
    Verdict.DENY: "No",
}


class Question(msgspec.Struct, frozen=True):
    """What was asked, by field, and what is wrong with it."""

    values: dict[str, str]
    errors: dict[str, str]


class ToldDecision(msgspec.Struct, frozen=True):
    """A decision of the ledger in words. `is_same`: it came out again."""

    entry: str
    recorded_at: datetime
    number: str
    sender: str
    says: str
    is_same: bool


async def ask_then(visit: Visit, seen: Seen) -> Response:
    """Show the form, the answer where something was asked, and what was decided before."""
    question, at = _read_question(visit, seen)
    answer = None
    if at is not None:
        answer = await Past(visit.services.store, visit.services.policy).check(
            _build_request(question), at
        )
    frame = await read_frame(visit, seen)
    return visit.render(
        "customer_then.html",
        status=422 if question.errors else 200,
        question=question,
        asked_at=at,
        answer=answer,
        verdict="" if answer is None else _VERDICTS[answer.decision.decision],
        why=None if answer is None else explain_decision(answer.decision),
        purposes=list(Purpose),
        zone=read_zone(visit).key,
        decisions=await _list_decisions(visit, seen),
        **frame,
    )


def _read_question(visit: Visit, seen: Seen) -> tuple[Question, datetime | None]:
    values = {name: visit.query(name) for name in ("phone", "sender", "purpose", "at")}
    errors: dict[str, str] = {}
    main = seen.main
    if not any(values.values()):
        first = {"phone": "" if main is None else main.number, "purpose": Purpose.CONVERSATIONAL}
        return Question(values | first, errors), None
    if seen.find_phone(values["phone"]) is None:
        errors["phone"] = "Choose one of the customer's phones."
    if seen.find_sender(values["sender"]) is None:
        errors["sender"] = "Choose one of our numbers."
    if values["purpose"] not in set(Purpose):
        errors["purpose"] = "Choose what the text would have been for."
    at = _read_time(visit, values["at"])
    if at is None:
        errors["at"] = "Write a day and a time."
    return Question(values, errors), None if errors else at


def _read_time(visit: Visit, typed: str) -> datetime | None:
    """Read a time of the agent's own zone; None where it is none."""
    try:
        at = datetime.fromisoformat(typed)
        zoned = at if at.tzinfo is not None else at.replace(tzinfo=read_zone(visit))
        return zoned.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _build_request(question: Question) -> Request:
    values = question.values
    purpose = Purpose(values["purpose"])
    return Request(values["phone"], values["sender"], purpose=purpose, door=Door.CONSOLE)


async def _list_decisions(visit: Visit, seen: Seen) -> list[ToldDecision]:
    """List the newest decisions about the customer's numbers, by senders the agent may see."""
    told: list[ToldDecision] = []
    for number in seen.numbers:
        replayed = await replay_decisions(number, visit.services.store, visit.services.policy)
        told += [_tell(one, number) for one in replayed if seen.find_sender(one.sender)]
    return sorted(told, key=lambda one: one.entry, reverse=True)[:_DECISIONS_SHOWN]


def _tell(one: Replayed, number: str) -> ToldDecision:
    return ToldDecision(
        one.entry,
        one.recorded_at,
        show_number(number),
        show_number(one.sender),
        _spell(one.decided),
        one.is_same,
    )


def _spell(decision: Decision) -> str:
    reason = "" if decision.reason is None else f", {decision.reason.replace('_', ' ')}"
    return f"{_VERDICTS[decision.decision]}{reason}"


PAGES: Final = (
    Page(
        path="/customers/{id}/then",
        view=with_customer(ask_then),
        permission=Permission.READ_CONVERSATIONS,
    ),
)
