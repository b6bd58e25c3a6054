"""Lists taken along by programs: CSV or lines of JSON, streamed, on record."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.export_lists import (
    EXPORTS,
    ExportFilter,
    ExportKind,
    Taken,
    record_slices,
)
from consentry.api.bodies import JSON_LINES
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import TimeText, read_time
from consentry.api.problems import Problem
from consentry.ports import Scope
from consentry.wire.written_rows import write_csv, write_json_lines

_CSV: Final = b"text/csv; charset=utf-8"


class ExportQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}
):
    """Which part, and how it is written; what is left out is all, as `Accept` says, else CSV."""

    since: TimeText | UnsetType = UNSET
    until: TimeText | UnsetType = UNSET
    format: Literal["csv", "jsonl"] | UnsetType = UNSET


async def export_list(call: Call[None, ExportQuery]) -> Answer:
    """Send a list as it is read; what leaves is audited before its last rows do."""
    kind = _read_kind(call.path["kind"])
    if kind is ExportKind.CUSTOMERS and not _may_read_customers(call):
        raise Problem("scope_missing", "The key lacks the scope customers. Use a key that has it.")
    wanted = ExportFilter.between(_time(call.query.since, "from"), _time(call.query.until, "until"))
    is_json = _wants_json(call)
    name = f"{kind.value}.{'jsonl' if is_json else 'csv'}".encode()
    return Answer(
        stream=_write(call, kind, wanted, is_json=is_json),
        media_type=JSON_LINES if is_json else _CSV,
        headers=((b"content-disposition", b'attachment; filename="' + name + b'"'),),
    )


def _read_kind(text: str) -> ExportKind:
    # A path is as people write it: `opt-outs` is the list as well as `opt_outs`.
    name = text.replace("-", "_")
    if name not in list(ExportKind):
        kinds = ", ".join(ExportKind)
        raise Problem("not_found", f"There is no list {text!a}. There are: {kinds}.")
    return ExportKind(name)


def _may_read_customers(call: Call[None, ExportQuery]) -> bool:
    scopes = () if call.key is None else call.key.scopes
    return Scope.CUSTOMERS in scopes or Scope.ADMIN in scopes


def _time(text: str | UnsetType, name: str) -> datetime | None:
    return None if text is UNSET else read_time(text, name)


def _wants_json(call: Call[None, ExportQuery]) -> bool:
    if call.query.format is not UNSET:
        return call.query.format == "jsonl"
    return JSON_LINES in (call.header(b"accept") or b"").lower()


async def _write(
    call: Call[None, ExportQuery], kind: ExportKind, wanted: ExportFilter, *, is_json: bool
) -> AsyncIterator[bytes]:
    store, listed = call.services.store, EXPORTS[kind]
    taken = Taken(kind.value.replace("_", "-"), wanted.words, call.actor)
    if not is_json:
        yield write_csv([listed.columns])
    async with aclosing(record_slices(store, taken, listed.read(store, wanted))) as slices:
        async for rows in slices:
            yield write_json_lines(listed.columns, rows) if is_json else write_csv(rows)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/exports/{kind}",
        tag=Tag.LISTS,
        summary="Take a list along",
        description="opt_outs, consents, suppressions, standings, messages, entries or customers "
        "(with the scope customers), streamed. `from` and `until` hold messages and entries to a "
        "time, and the others to what is so since then. The audit says which key took how many "
        "rows of what.",
        handler=export_list,
        scope=Scope.READ,
        query=ExportQuery,
        answers={200: bytes},
        text_types=("text/csv", "application/x-ndjson"),
        text_told="The list, in the format that is asked for.",
        errors=("not_found", "invalid_time"),
    ),
)
