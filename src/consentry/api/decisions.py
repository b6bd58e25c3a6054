"""All that the gate decided about a number, beside what comes out of the ledger now."""

from datetime import datetime
from typing import Final

import msgspec

from consentry.actions.replay import Replayed, replay_decisions
from consentry.api.listing import Listing, next_cursor
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import PageQuery, page_after, phone_in_path
from consentry.api.views import CheckAnswer, view_decision
from consentry.domain.entries import EntryKind
from consentry.ports import Scope


class DecisionAgain(msgspec.Struct, frozen=True):
    """A decision of the ledger, and the same question asked again of the entries before it.

    `same`: both are alike in every part. `by_recorded_rules` is false where the ledger does not
    have what was set up then, so that the first it has stands in.
    """

    entry: str
    kind: EntryKind
    recorded_at: datetime
    same: bool
    by_recorded_rules: bool
    decided: CheckAnswer
    again: CheckAnswer


def _view(one: Replayed) -> DecisionAgain:
    return DecisionAgain(
        entry=one.entry,
        kind=one.kind,
        recorded_at=one.recorded_at,
        same=one.is_same,
        by_recorded_rules=one.by_recorded_rules,
        decided=view_decision(one.decided),
        again=view_decision(one.again),
    )


async def list_decisions(call: Call[None, PageQuery]) -> Answer:
    """List decisions, newest first, each decided again."""
    number, services, query = phone_in_path(call).normalized, call.services, call.query
    replayed = await replay_decisions(number, services.store, services.policy)
    page = page_after(query)
    newest = [one for one in reversed(replayed) if page.before is None or one.entry < page.before]
    after = next_cursor(newest[: page.limit], query, lambda one: one.entry)
    return Answer(Listing([_view(one) for one in newest[: query.limit]], after))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/recipients/{phone}/decisions",
        tag=Tag.RECIPIENTS,
        summary="Every decision, decided again",
        description="What the gate decided about texts to this number, newest first, beside what "
        "it decides when it is asked again now: by the ledger before that decision, and by the "
        "senders, programs and policy that were in force then.",
        handler=list_decisions,
        scope=Scope.READ,
        for_brands=True,
        query=PageQuery,
        answers={200: Listing[DecisionAgain]},
        errors=("invalid_number",),
    ),
)
