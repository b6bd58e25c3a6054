"""What commands print: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import msgspec
import typer

JSONFlag = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def fail(message: str, *, code: int) -> NoReturn:
    """Tell what happened on standard error and end with an exit code."""
    sys.stderr.write(f"consentry: {message}\n")
    raise SystemExit(code)


def tell(value: object, sentence: str, *, as_json: bool) -> None:
    """Print a value for programs or a sentence for people."""
    if as_json:
        print_json(value)
    else:
        sys.stdout.write(sentence + "\n")


def print_json(value: object) -> None:
    """Print one value as one line of JSON; characters that no terminal can show are escaped."""
    sys.stdout.write(json.dumps(msgspec.to_builtins(value)) + "\n")


def shows_link(*, as_json: bool) -> bool:
    """Tell whether a sign-in link goes to whom it is for: elsewhere the output is collected."""
    return as_json or sys.stdout.isatty()


def tell_address(url: str, console_link: str | None, *, as_json: bool) -> None:
    """Print where a server answers."""
    if as_json:
        print_json({"url": url, "console_link": console_link})
    else:
        way = console_link or "make a link with: consentry agent link EMAIL"
        sys.stdout.write(f"Consentry answers at {url}\nSign in (once): {way}\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print rows under their columns; where there are none, say what would be here."""
    if not rows:
        sys.stdout.write(empty + "\n")
        return
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
