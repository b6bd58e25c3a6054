"""Lists that are brought in: opt-outs or consents, with what became of each row."""

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.import_rows import Decided
from consentry.actions.import_words import ListedRow
from consentry.actions.read_lists import (
    ListReading,
    TextList,
    find_columns,
    key_of,
    read_blocks,
)
from consentry.actions.run_import import (
    ImportOrder,
    begin_import,
    carry_on,
    read_decided,
    try_import,
)
from consentry.api.bodies import JSON_LINES, read_chunks, read_media_type
from consentry.api.idempotency import owner_of, read_idempotency_key
from consentry.api.listing import Listing, next_cursor
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK, PageQuery, id_in_path, page_after
from consentry.api.problems import Problem
from consentry.domain.import_columns import Column, Columns, UnknownColumn
from consentry.domain.imports import (
    DecidedRow,
    ImportAim,
    ImportKind,
    ImportRun,
    ImportState,
    RowOutcome,
    count_all,
)
from consentry.domain.listed_numbers import DayOrder
from consentry.ports import Scope

IMPORT_BYTES_MAX: Final = 64 * 1024 * 1024
"""Some two million rows; a longer list is brought in by the command line, or in pieces."""

_CSV: Final = b"text/csv"
_NO_BLOCK: Final = 1 << 40

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
_Flag = Literal["true", "false"]


class ImportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the list is, and how it is read.

    `source` names where it comes from. Of opt-outs: `brand` left out is every brand, and
    `by_person` false says that the company decided it. Of consents: `program`; they count when the
    handset confirms them, unless `texted_according_to` names who vouches that each row's text came
    from that handset to the program's own number. A row whose text is an opt-out counts as one,
    for the program's brand, whoever vouches. `mapping` is JSON: `{"number": "Phone"}`.
    """

    source: _Name
    kind: ImportKind = ImportKind.OPT_OUTS
    brand: _Name | UnsetType = UNSET
    program: _Name | UnsetType = UNSET
    by_person: _Flag = "true"
    texted_according_to: _Name | UnsetType = UNSET
    mapping: _Name | UnsetType = UNSET
    dates: DayOrder | UnsetType = UNSET
    dry_run: _Flag = "false"


class TriedImport(msgspec.Struct, frozen=True):
    """What a list would do: nothing is written. Columns are counted from 1."""

    sha256: str
    rows: int
    counts: dict[str, int]
    columns: dict[str, int]


class ImportView(msgspec.Struct, frozen=True):
    """An import, and how far it has come: `rows` were decided.

    `cut_off`: nobody goes on with it. The same list, sent again with the same query, does.
    """

    id: str
    state: ImportState
    kind: ImportKind
    source: str
    sha256: str
    brand: str | None
    program: str | None
    by_person: bool
    texted_according_to: str | None
    rows: int
    counts: dict[str, int]
    started_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class RowView(msgspec.Struct, frozen=True):
    """What became of a row, by its number in the list; whose it is the list and the ledger say."""

    row: int
    outcome: RowOutcome
    reason: str | None


def view_import(run: ImportRun, now: datetime) -> ImportView:
    """Show an import."""
    aim = run.aim
    return ImportView(
        id=run.id,
        state=run.state_at(now),
        kind=aim.kind,
        source=aim.source,
        sha256=aim.digest,
        brand=aim.brand,
        program=aim.program,
        by_person=aim.by_person,
        texted_according_to=aim.texted,
        rows=run.position,
        counts=count_all(run.counts),
        started_at=run.started_at,
        changed_at=run.changed_at,
        finished_at=run.finished_at,
    )


async def bring_in_list(call: Call[None, ImportQuery]) -> Answer:
    """Bring a list in, or only say what it would do; who sends it again goes on with it."""
    query = call.query
    aim = _read_aim(call)
    with _spooled() as file:
        rows = await _receive(call, file)
        region = call.services.default_region
        columns = await asyncio.to_thread(_find_columns, rows, query, region)
        reading = ListReading(columns, region, None if query.dates is UNSET else query.dates)
        aim = msgspec.structs.replace(aim, digest=rows.digest)
        if query.dry_run == "true":
            counts = await try_import(call.services.store, aim, lambda: read_blocks(rows, reading))
            places = {column.value: place + 1 for column, place in columns.places().items()}
            return Answer(TriedImport(rows.digest, sum(counts.values()), counts, places))
        order = ImportOrder(aim, call.actor, _key_of(call, key_of(aim, reading)))
        return await _carry_out(call, order, read_blocks(rows, reading))


def _read_aim(call: Call[None, ImportQuery]) -> ImportAim:
    query = call.query
    is_consents = query.kind is ImportKind.CONSENTS
    if is_consents != (query.program is not UNSET):
        raise Problem("invalid_parameter", "program goes with kind consents, and only with it.")
    if is_consents and query.brand is not UNSET:
        raise Problem("invalid_parameter", "brand is for opt-outs: consents name a program.")
    if not is_consents and query.texted_according_to is not UNSET:
        raise Problem("invalid_parameter", "texted_according_to is for consents.")
    return ImportAim(
        kind=query.kind,
        source=query.source,
        digest="",
        by="nobody" if call.key is None else call.key.id,
        brand=None if query.brand is UNSET else query.brand,
        by_person=query.by_person == "true",
        program=None if query.program is UNSET else query.program,
        texted=None if query.texted_according_to is UNSET else query.texted_according_to,
    )


def _key_of(call: Call[None, ImportQuery], key: str) -> str:
    """Name the import; with an Idempotency-Key it is one import, also when it is finished."""
    given = read_idempotency_key(call, "list")
    if given is None:
        return key
    written = f"{owner_of(call)} {given} {key}"
    return "once:" + hashlib.sha256(written.encode()).hexdigest()


async def _carry_out(
    call: Call[None, ImportQuery], order: ImportOrder, blocks: Iterator[list[ListedRow]]
) -> Answer:
    services = call.services
    in_flight: list[str] = []

    def tell(_block: int, decided: Sequence[Decided]) -> None:
        in_flight.extend(message for one in decided for message in one.in_flight)

    is_once = order.key.startswith("once:")
    run = await begin_import(services.store, services.ids, order, is_once=is_once)
    if run.finished_at is None:
        run = await carry_on(services.store, run, blocks, tell=tell)
    if in_flight:
        await services.delivery.wait_quiet(tuple(in_flight))
    return Answer(view_import(run, services.clock.now()), status=201)


@contextmanager
def _spooled() -> Iterator[BinaryIO]:
    with tempfile.NamedTemporaryFile(prefix="consentry-import-") as file:
        yield file  # type: ignore[misc]


async def _receive(call: Call[None, ImportQuery], file: BinaryIO) -> TextList:
    """Take the body piece by piece into a file; raises `Problem` where it is too long."""
    media_type = read_media_type(call.http)
    if media_type not in (_CSV, JSON_LINES):
        raise Problem(
            "unsupported_media_type",
            f"A list is sent as {_CSV.decode()} or {JSON_LINES.decode()}. Say which it is.",
        )
    size = 0
    async for piece in read_chunks(call.receive):
        size += len(piece)
        if size > IMPORT_BYTES_MAX:
            raise Problem(
                "body_too_large",
                f"The list has more than {IMPORT_BYTES_MAX} bytes. Send it in pieces, or bring it "
                "in by `consentry import`.",
            )
        file.write(piece)
    file.flush()
    path = Path(file.name)
    # Beside the event loop: reading and hashing so much takes a while.
    is_json = media_type == JSON_LINES
    return await asyncio.to_thread(TextList, lambda: path.open("rb"), is_json=is_json)


def _find_columns(rows: TextList, query: ImportQuery, region: str | None) -> Columns:
    try:
        mapping = _read_mapping(query.mapping) if query.mapping is not UNSET else None
        columns, _ = find_columns(rows, region=region, mapping=mapping)
    except UnknownColumn as error:
        raise Problem("invalid_parameter", str(error)) from None
    return columns


def _read_mapping(text: str) -> dict[Column, str]:
    try:
        mapping = msgspec.json.decode(text, type=dict[Column, str | int])
    except msgspec.DecodeError as error:
        names = ", ".join(Column)
        raise Problem(
            "invalid_parameter",
            f'mapping is no JSON of columns ({error}). Write {{"number": "Phone"}}; columns: '
            f"{names}.",
        ) from None
    return {column: str(place) for column, place in mapping.items()}


async def list_imports(call: Call[None, PageQuery]) -> Answer:
    """List imports, those that began last first."""
    query, services = call.query, call.services
    found = await services.store.read_imports(page_after(query))
    after = next_cursor(found, query, lambda run: run.id)
    now = services.clock.now()
    return Answer(Listing([view_import(run, now) for run in found[: query.limit]], after))


async def read_import(call: Call[None, None]) -> Answer:
    """Show an import."""
    return Answer(view_import(await _find(call), call.services.clock.now()))


async def _find(call: Call[None, object]) -> ImportRun:
    run = await call.services.store.read_import(id_in_path(call))
    if run is None:
        raise Problem("not_found", f"There is no import {call.path['id']!a}. List the imports.")
    return run


async def list_import_rows(call: Call[None, PageQuery]) -> Answer:
    """List what became of the rows, in the order of the list."""
    query = call.query
    run = await _find(call)
    block, row = _read_cursor(None if query.cursor is UNSET else query.cursor)
    rows: list[DecidedRow] = []
    while len(rows) <= query.limit:
        found = await read_decided(call.services.store, run, block)
        if not found:
            break
        left = [one for one in found if one.row > row]
        wanted = query.limit - len(rows)
        if len(left) > wanted:
            rows += left[:wanted]
            return Answer(Listing(_view_rows(rows), f"{block}_{rows[-1].row}"))
        rows += left
        block, row = block + 1, 0
    return Answer(Listing(_view_rows(rows)))


def _view_rows(rows: list[DecidedRow]) -> list[RowView]:
    return [RowView(one.row, one.outcome, one.why) for one in rows]


def _read_cursor(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, -1
    block, _, row = cursor.partition("_")
    if not (block.isdecimal() and row.isdecimal() and len(cursor) <= 24 and cursor.isascii()):
        # Behind what is no place of this list there is nothing.
        return _NO_BLOCK, 0
    return min(int(block), _NO_BLOCK), int(row)


_EXAMPLE: Final = {
    "id": "imp_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "state": "finished",
    "kind": "opt_outs",
    "source": "Old system",
    "sha256": "903b73a91657fa465d1280176c4ff2bb3b7bf3ffff949f0762fb205d2759ea8d",
    "brand": None,
    "program": None,
    "by_person": True,
    "texted_according_to": None,
    "rows": 4,
    "counts": count_all({"recorded": 2, "stands": 1, "unreadable": 1}),
    "started_at": "2026-05-01T12:00:00Z",
    "changed_at": "2026-05-01T12:00:01Z",
    "finished_at": "2026-05-01T12:00:01Z",
}

OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/v1/imports",
        tag=Tag.LISTS,
        summary="Bring a list in",
        description="The body is the list: CSV of any usual delimiter and encoding, or lines of "
        "JSON (`number`, `date`, `reason`, `text`). Columns are guessed, or told by `mapping`. A "
        "revocation is never overwritten, and the same list again changes nothing. A row of "
        "consents whose `text` is an opt-out counts as one, whoever vouches. Where it was "
        "cut off, the same request goes on. 200 is what `dry_run` would do, exactly.",
        handler=bring_in_list,
        scope=Scope.CONSENT,
        query=ImportQuery,
        streamed_types=("text/csv", "application/x-ndjson"),
        headers={
            "Idempotency-Key": "Makes a retry of a finished import safe: the same key and list get "
            "that import again."
        },
        answers={200: TriedImport, 201: ImportView},
        answer_example=None,
        errors=(
            "unknown_brand",
            "unknown_program",
            "import_moved_on",
            "idempotency_key_invalid",
            "body_too_large",
            "unsupported_media_type",
        ),
    ),
    Operation(
        method="GET",
        path="/v1/imports",
        tag=Tag.LISTS,
        summary="Imports, newest first",
        handler=list_imports,
        scope=Scope.READ,
        query=PageQuery,
        answers={200: Listing[ImportView]},
        answer_example={"items": [_EXAMPLE], "next": None},
    ),
    Operation(
        method="GET",
        path="/v1/imports/{id}",
        tag=Tag.LISTS,
        summary="One import",
        handler=read_import,
        scope=Scope.READ,
        answers={200: ImportView},
        answer_example=_EXAMPLE,
        errors=("not_found",),
    ),
    Operation(
        method="GET",
        path="/v1/imports/{id}/rows",
        tag=Tag.LISTS,
        summary="What became of an import's rows",
        description="By their numbers in the list, in its order.",
        handler=list_import_rows,
        scope=Scope.READ,
        query=PageQuery,
        answers={200: Listing[RowView]},
        errors=("not_found",),
    ),
)
