"""The bundle of evidence of one of a customer's numbers, to take along."""

from starlette.responses import Response

from consentry.console.customer_seen import Seen
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
    phone = seen.find_phone(visit.query("phone")) or seen.main
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
    made = await maker.make(EvidenceWanted(phone.number), visit.actor)
    disposition = f'attachment; filename="{made.name}"'
    headers = {**PRIVATE, "Content-Disposition": disposition}
    return Response(made.content, media_type="application/zip", headers=headers)
