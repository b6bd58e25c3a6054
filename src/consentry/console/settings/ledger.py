"""Ledger: how far its log is, the newest signed checkpoint, the keys, and a proof for any entry."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.prove_entry import EntryProof, prove_entry
from consentry.console.pages import Page, Visit
from consentry.console.settings.sections import LEDGER, show
from consentry.domain.agents import Permission
from consentry.ports import Rejected
from consentry.wire.timestamps import TimestampError, read_response

_ENTRY_CHARACTERS_MAX: Final = 64


class Proved(msgspec.Struct, frozen=True):
    """What was asked about an entry, and what there is to say of it."""

    entry: str
    proof: EntryProof | None = None
    problem: str = ""


async def show_ledger(visit: Visit) -> Response:
    """Show how the log stands; while one asks for a proof, only that."""
    store = visit.services.store
    proved = await _prove(visit)
    if visit.is_fragment and not visit.agent.brands:
        return visit.render("settings/ledger_proved.html", proved=proved)
    checkpoint = await store.read_checkpoint()
    stamp = None if checkpoint is None else checkpoint.timestamp
    return await show(
        visit,
        LEDGER,
        "ledger.html",
        head=await store.read_log_head(),
        checkpoint=checkpoint,
        stamped_at=None if stamp is None else _read_stamp(stamp),
        keys=await store.read_log_keys(),
        proved=proved,
    )


async def _prove(visit: Visit) -> Proved:
    entry = visit.query("entry").strip()
    if not entry or visit.agent.brands:
        return Proved("")
    if len(entry) > _ENTRY_CHARACTERS_MAX:
        return Proved(
            entry[:_ENTRY_CHARACTERS_MAX], problem="That is longer than the id of an entry."
        )
    try:
        return Proved(entry, await prove_entry(visit.services.store, entry))
    except Rejected as error:
        return Proved(entry, problem=str(error))


def _read_stamp(answer: bytes) -> str:
    try:
        return f"{read_response(answer).at:%Y-%m-%d %H:%M:%S} UTC"
    except TimestampError as error:
        return str(error)


PAGES: Final = (
    Page(path="/settings/ledger", view=show_ledger, permission=Permission.READ_SETTINGS),
)
