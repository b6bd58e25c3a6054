"""The bundle of evidence of one number."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import TimeText, phone_in_path, read_time
from consentry.api.problems import Problem
from consentry.ports import EvidenceWanted, Scope

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class EvidenceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which period, and of whom: without any, all of it up to now."""

    since: TimeText | UnsetType = msgspec.field(default=UNSET, name="from")
    until: TimeText | UnsetType = UNSET
    sender: Id | UnsetType = UNSET
    brand: Id | UnsetType = UNSET


async def make_bundle(call: Call[None, EvidenceQuery]) -> Answer:
    """Make a bundle; that it was taken is on record before it is given."""
    query, maker = call.query, call.services.evidence
    if maker is None:
        raise Problem("not_found", "This server makes no bundles of evidence.")
    wanted = EvidenceWanted(
        phone_in_path(call).normalized,
        None if query.since is UNSET else read_time(query.since, "from"),
        None if query.until is UNSET else read_time(query.until, "until"),
        None if query.sender is UNSET else query.sender,
        None if query.brand is UNSET else query.brand,
    )
    made = await maker.make(wanted, call.actor)
    disposition = f'attachment; filename="{made.name}"'.encode()
    return Answer(
        made.content,
        media_type=b"application/zip",
        headers=((b"content-disposition", disposition),),
    )


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/evidence/{phone}",
        tag=Tag.RECIPIENTS,
        summary="The bundle of evidence of a number",
        description="A zip: what is known of this number's consent, to read, to print and for "
        "programs, with the proofs that the ledger has it so and a verify.py that checks it by "
        "Python alone. `from` and `until` bound the period; consent from before it stays in. "
        "`sender` or `brand` hold it to one of them. That it was made is an entry of the audit.",
        handler=make_bundle,
        scope=Scope.READ,
        query=EvidenceQuery,
        answers={200: bytes},
        errors=(
            "invalid_number",
            "invalid_time",
            "sender_not_set_up",
            "unknown_brand",
            "not_found",
            "evidence_too_large",
            "ledger_damaged",
        ),
        text_types=("application/zip",),
        text_told="The zip.",
    ),
)
