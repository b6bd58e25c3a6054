"""The ledger's log: checkpoints, and proofs that an entry is in it and that it only grew."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.prove_entry import EntryProof, GrowthProof, prove_entry, prove_growth
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.problems import Problem
from consentry.ports import LogKey, Scope
from consentry.wire.signed_note import read_note

_TEXT: Final = b"text/plain; charset=utf-8"
_NOTE: Final = (
    "texts.example.com/ledger\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"
    "— texts.example.com/ledger 0kVCmwYE0Zc…\n"
)

TreeSize = Annotated[int, msgspec.Meta(ge=0, le=2**53, description="How many entries a tree has.")]
EntryId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, description="The id of an entry.")
]


class CheckpointQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest checkpoint, or the oldest one that covers a tree of this size."""

    size: TreeSize | UnsetType = UNSET


class ProofQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entry; left out, `size` is that of the newest checkpoint."""

    entry: EntryId
    size: TreeSize | UnsetType = UNSET


class ConsistencyQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"old": "from", "new": "to"}
):
    """From which size to which; left out, `to` is that of the newest checkpoint."""

    old: TreeSize
    new: TreeSize | UnsetType = UNSET


class CheckpointView(msgspec.Struct, frozen=True):
    """A checkpoint for programs that read no signed notes; `text` is what is signed."""

    size: int
    root: bytes
    note: str
    text: str
    made_at: datetime
    timestamp: bytes | None


async def show_checkpoint(call: Call[None, CheckpointQuery]) -> Answer:
    """Give a checkpoint, as a signed note."""
    size = _given(call.query.size)
    checkpoint = await call.services.store.read_checkpoint(size)
    if checkpoint is None:
        raise Problem(
            "not_logged",
            "There is no checkpoint yet. The first one is signed a second after the first entry."
            if size is None
            else f"No checkpoint covers {size} entries yet. Ask again in a second.",
        )
    accepted = (call.header(b"accept") or b"").lower()
    if b"application/json" not in accepted:
        return Answer(checkpoint.note.encode(), media_type=_TEXT)
    return Answer(
        CheckpointView(
            size=checkpoint.size,
            root=checkpoint.root,
            note=checkpoint.note,
            text=read_note(checkpoint.note).text,
            made_at=checkpoint.made_at,
            timestamp=checkpoint.timestamp,
        )
    )


async def show_proof(call: Call[None, ProofQuery]) -> Answer:
    """Prove that an entry is in the log."""
    query = call.query
    return Answer(await prove_entry(call.services.store, query.entry, _given(query.size)))


async def show_consistency(call: Call[None, ConsistencyQuery]) -> Answer:
    """Prove that the log only grew."""
    query = call.query
    return Answer(await prove_growth(call.services.store, query.old, _given(query.new)))


async def list_log_keys(call: Call[None, None]) -> Answer:
    """List the keys that checkpoints are verified with."""
    return Answer(whole(await call.services.store.read_log_keys()))


def _given(size: int | UnsetType) -> int | None:
    return None if size is UNSET else size


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/ledger/checkpoint",
        tag=Tag.LEDGER,
        summary="The newest signed checkpoint of the ledger",
        description="A signed note (C2SP tlog-checkpoint): the log's name, how many entries are in "
        "it, and the root of the tree over them. Keep it elsewhere: `consentry ledger verify "
        "--against FILE` holds the ledger against it. With `Accept: application/json` the same is "
        "given as JSON, with the RFC 3161 timestamp where there is one.",
        handler=show_checkpoint,
        scope=Scope.READ,
        query=CheckpointQuery,
        answers={200: CheckpointView},
        errors=("not_logged", "ledger_damaged"),
        or_text="text/plain",
    ),
    Operation(
        method="GET",
        path="/v1/ledger/proof",
        tag=Tag.LEDGER,
        summary="Prove that an entry is in the ledger's log",
        description="An inclusion proof (RFC 9162): with it and the entry's own JSON anybody can "
        "compute the root of a checkpoint.",
        handler=show_proof,
        scope=Scope.READ,
        query=ProofQuery,
        answers={200: EntryProof},
        errors=("not_logged", "ledger_damaged"),
    ),
    Operation(
        method="GET",
        path="/v1/ledger/consistency",
        tag=Tag.LEDGER,
        summary="Prove that the ledger's log only grew",
        description="A consistency proof (RFC 9162) between the trees of two checkpoints.",
        handler=show_consistency,
        scope=Scope.READ,
        query=ConsistencyQuery,
        answers={200: GrowthProof},
        errors=("not_logged", "ledger_damaged"),
    ),
    Operation(
        method="GET",
        path="/v1/ledger/keys",
        tag=Tag.LEDGER,
        summary="The keys of the ledger's checkpoints",
        description="Each as verifiers take it (C2SP signed-note): `NAME+ID+KEY`, with the time "
        "since when it signs. Old keys stay known.",
        handler=list_log_keys,
        scope=Scope.READ,
        answers={200: Listing[LogKey]},
        errors=("ledger_damaged",),
    ),
)
