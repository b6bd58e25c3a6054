"""Lists to take along: CSV that a spreadsheet cannot mistake for a formula, streamed, audited."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
from starlette.responses import StreamingResponse

from consentry.actions.export_lists import Taken, record_slices
from consentry.console.pages import Visit
from consentry.console.rendering import PRIVATE
from consentry.wire.written_rows import Row, write_csv

__all__ = ["Export", "Row", "send_export"]


class Export(msgspec.Struct, frozen=True):
    """What is taken along: the file's name, its columns, and how the audit names it.

    `what` is the list, `part` says in words which part of it.
    """

    name: str
    columns: tuple[str, ...]
    what: str
    part: str


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
    """Write slices as CSV behind their header."""
    taken = Taken(export.what, export.part, visit.actor)
    yield write_csv([export.columns])
    async with aclosing(record_slices(visit.services.store, taken, slices)) as recorded:
        async for rows in recorded:
            yield write_csv(rows)
