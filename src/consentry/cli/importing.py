"""Bringing in a list of people who signed up on paper or elsewhere: consent import."""

import asyncio
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from consentry.actions.import_consents import (
    ConsentList,
    ImportConsent,
    Row,
    count_rows,
    find_counting,
    read_asked,
    sort_lines,
)
from consentry.actions.import_opt_outs import (
    ReadLine,
    count_lines,
    hash_list,
    normalize_list,
)
from consentry.actions.record_audit import RecordImport
from consentry.cli.consents import CLI_ACTOR
from consentry.cli.database import with_store
from consentry.cli.expiring import consent_app
from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.clock import SystemIds
from consentry.domain.listed_numbers import ListedNumber
from consentry.ports import Store
from consentry.settings import Settings

_AT_ONCE = 100
_Told = tuple[ReadLine, Row, str]
_WORDS = {
    Row.ASKED: "asked",
    Row.KNOWN: "asked or active already",
    Row.WITHDREW: "withdrew, so not asked",
    Row.HELD: "cannot be asked now",
    Row.REPEATED: "twice in the list",
    Row.UNREADABLE: "not a number",
}


def register() -> None:
    """Add the command to those about consents."""
    consent_app.command("import")(import_consents)


def import_consents(
    file: Annotated[Path, typer.Argument(help="CSV with a header: number, date, note.")],
    *,
    program: Annotated[str, typer.Option(help="The program's id.")],
    call_to_action: Annotated[
        str | None, typer.Option(help="The id of what they signed; marketing needs one.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be; write nothing.")
    ] = False,
    as_json: JSONFlag = False,
) -> None:
    """Have everybody on a list asked, once, within the hours where they are.

    A running server sends the questions at its senders' pace. Who withdrew is not asked, and
    bringing the same list in again asks nobody twice.

    Example: consentry consent import signed.csv --program updates --dry-run
    """
    try:
        text = normalize_list(file.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", code=2)

    async def bring_in(store: Store, settings: Settings) -> tuple[ConsentList, list[_Told]]:
        source = ConsentList(
            id=SystemIds().new("imp"),
            name=file.name,
            digest=hash_list(text),
            by="the command line",
            program=program,
            call_to_action=call_to_action,
        )
        told = await _bring_in(store, text, source, region=settings.default_region, dry=dry_run)
        asked = sum(1 for _, row, _ in told if row is Row.ASKED)
        if not dry_run:
            part = f"from {source.name}, for {program}, SHA-256 {source.digest}, {source.id}"
            await store.submit(RecordImport("consents", part, asked, CLI_ACTOR))
        return source, told

    source, told = with_store(bring_in)
    if as_json:
        counts = count_rows(row for _, row, _ in told)
        print_json({"import": None if dry_run else source.id, "dry_run": dry_run, **counts})
    else:
        _print(told, dry=dry_run)


def _print(told: list[_Told], *, dry: bool) -> None:
    """Say what becomes of the rows, and of which lines nothing does."""
    if dry:
        sys.stdout.write("Nothing is written. This list would do:\n")
    counts = count_rows(row for _, row, _ in told)
    rows = [(_WORDS[row], f"{counts[row.value]:,}") for row in Row]
    print_table(("what becomes of it", "rows"), rows, empty="")
    for line, row, note in told:
        if row in (Row.UNREADABLE, Row.HELD, Row.WITHDREW):
            sys.stdout.write(f"line {line.line}: {note or _WORDS[row]}\n")


async def _bring_in(
    store: Store, text: str, source: ConsentList, *, region: str | None, dry: bool
) -> list[_Told]:
    # Imported where it is used: drawing a bar takes longer to load than most commands run.
    from consentry.cli.progress import Steps  # noqa: PLC0415

    told: list[_Told] = []
    lines = sort_lines(read_asked(text, find_counting(text, region=region), region=region))
    steps = Steps(count_lines(text))
    with steps.shown():
        while part := list(islice(lines, _AT_ONCE)):
            told += await asyncio.gather(
                *(_bring_in_line(store, line, row, source, dry=dry) for line, row in part)
            )
    return told


async def _bring_in_line(
    store: Store, line: ReadLine, row: Row | None, source: ConsentList, *, dry: bool
) -> _Told:
    if row is not None or not isinstance(line, ListedNumber):
        return line, row or Row.UNREADABLE, getattr(line, "why", "")
    imported = await store.submit(ImportConsent(line, source, is_dry=dry), is_patient=True)
    return line, imported.row, imported.note
