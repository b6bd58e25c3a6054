"""The bundle of evidence of one of a customer's numbers, to take along."""

from datetime import date, datetime

from starlette.responses import Response

from consentry.console.customer_seen import Seen
from consentry.console.days import day_begin, day_end, read_day
from consentry.console.pages import Visit
from consentry.console.rendering import PRIVATE
from consentry.domain.agents import Permission
from consentry.ports import EvidenceWanted, Rejected


def may_take_evidence(visit: Visit, seen: Seen) -> bool:
    """Tell whether the agent may take a bundle: it has the ledger's rows whole, of every brand."""
    return (
        visit.services.evidence is not None and seen.sees_all and visit.agent.may(Permission.EXPORT)
    )


async def give_evidence(visit: Visit, seen: Seen) -> Response:
    """Make a bundle of one number; that it was taken is on record before it is given."""
    asked = visit.query("phone")
    phone = seen.find_phone(asked) if asked else seen.main
    maker = visit.services.evidence
    if phone is None or maker is None:
        return visit.missing("bundle of evidence")
    if not may_take_evidence(visit, seen):
        raise Rejected(
            "all_brands_needed",
            "A bundle of evidence has the ledger's rows whole, and some tell of other brands than "
            "yours. Ask somebody who works for every brand.",
            status=403,
        )
    since, until = _read_period(visit)
    made = await maker.make(EvidenceWanted(phone.number, since, until), visit.actor)
    disposition = f'attachment; filename="{made.name}"'
    headers = {**PRIVATE, "Content-Disposition": disposition}
    return Response(made.content, media_type="application/zip", headers=headers)


def _read_period(visit: Visit) -> tuple[datetime | None, datetime | None]:
    """Read the first and the last day, in UTC; without one, from the beginning or up to now."""
    first, last = _read_field(visit, "since"), _read_field(visit, "until")
    today = visit.services.clock.now().date()
    if first is not None and first > min(last or today, today):
        raise Rejected(
            "invalid_period",
            f"The bundle would begin on {first}, and end before. Choose an earlier first day.",
            status=422,
        )
    begins = None if first is None else day_begin(first)
    return begins, None if last is None or last >= today else day_end(last)


def _read_field(visit: Visit, name: str) -> date | None:
    text = visit.query(name).strip()
    day = read_day(text) if text else None
    if text and day is None:
        raise Rejected(
            "invalid_period", f"{text[:40]!r} is no day. Write it as 2026-11-23.", status=422
        )
    return day
