"""Lists to take along: CSV that a spreadsheet cannot mistake for a formula, streamed, audited."""

import csv
import io
from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.responses import StreamingResponse

from consentry.actions.record_audit import RecordExport
from consentry.console.pages import Visit
from consentry.console.rendering import PRIVATE
from consentry.wire.delimited import harmless

Row = Sequence[str]


class Export(msgspec.Struct, frozen=True):
    """What is taken along: the file's name, its columns, and how the audit names it.

    `what` is the list, `part` says in words which part of it.
    """

    name: str
    columns: tuple[str, ...]
    what: str
    part: str


def write_rows(rows: Sequence[Row]) -> bytes:
    """Write rows as CSV (RFC 4180, UTF-8)."""
    text = io.StringIO()
    csv.writer(text).writerows([[harmless(cell) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8", "replace")


def send_export(
    visit: Visit, export: Export, slices: AsyncIterator[list[Row]]
) -> StreamingResponse:
    """Send a list slice by slice; the audit says who took how many rows of it."""
    return StreamingResponse(
        _stream(visit, export, slices),
        media_type="text/csv; charset=utf-8",
        headers={
            **PRIVATE,
            "Content-Disposition": f'attachment; filename="{export.name}"',
        },
    )


async def _stream(
    visit: Visit, export: Export, slices: AsyncIterator[list[Row]]
) -> AsyncIterator[bytes]:
    """Hold the last slice back until the export is on record; record what a broken one took."""
    held, held_rows, sent = write_rows([export.columns]), 0, 0
    store = visit.services.store
    whole = False
    try:
        async for rows in slices:
            sent += held_rows
            yield held
            held, held_rows = write_rows(rows), len(rows)
        await store.submit(RecordExport(export.what, export.part, sent + held_rows, visit.actor))
        whole = True
        yield held
    finally:
        if not whole:
            part = f"{export.part}, broken off" if export.part else "broken off"
            store.post(RecordExport(export.what, part, sent, visit.actor))
