"""Commands about the legal reader: reader evaluate."""

import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.cli.rows_shown import RowsShown
from consentry.clock import SystemClock
from consentry.domain.keywords import NOTHING, read_legal
from consentry.domain.labelled_texts import LabelledText, LabelsUnreadable, parse_labelled_texts
from consentry.domain.reader_evaluation import (
    Confusion,
    Evaluation,
    Judged,
    evaluate,
    find_missed_goals,
    sum_languages,
)
from consentry.domain.reading import LegalMeaning

reader_app = typer.Typer(help="The reader of what people mean.", no_args_is_help=True)
_BAR_FROM = 50_000
"""Fewer texts are read within a second."""

_AT_ONCE = 2_000
_Goal = Annotated[
    float | None, typer.Option(min=0, max=1, help="End with 1 where a tier is below.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(reader_app, name="reader")
    reader_app.command("evaluate")(evaluate_reader)


@reader_app.callback()
def _group() -> None:
    """Keep `evaluate` a command of its own while it is the only one."""


def evaluate_reader(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="Columns text, expected; language, tier, part."),
    ],
    *,
    part: Annotated[str | None, typer.Option(help="Only the texts of this part.")] = None,
    recall: _Goal = None,
    precision: _Goal = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="List each text that is read otherwise.")
    ] = False,
    as_json: JSONFlag = False,
) -> None:
    """Measure the legal reader on texts that people have labelled.

    `expected` is opt_out, wrong_number, ambiguous or none; `tier` is keyword, phrase or none.

    Example: consentry reader evaluate texts.csv --recall 0.99 --precision 0.97
    """
    labelled = _choose_part(_read_file(file), part, file)
    judged, seconds = _read_all(labelled)
    result = evaluate(judged)
    misread = [row for row in judged if row.is_misread] if errors else []
    rate = round(len(judged) / seconds) if seconds else None
    if as_json:
        print_json(_to_json(result, rate, misread if errors else None))
    else:
        _tell(result, rate)
        _tell_misread(misread)
    missed = find_missed_goals(result, recall=recall, precision=precision)
    if missed:
        fail("; ".join(missed) + ".", code=1)


def _read_file(file: Path) -> list[LabelledText]:
    try:
        return parse_labelled_texts(file.read_bytes().decode("utf-8"))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", code=2)
    except UnicodeDecodeError as error:
        fail(f"{file} is not UTF-8 (byte {error.start}). Save it as CSV UTF-8.", code=2)
    except LabelsUnreadable as error:
        fail(
            f"{file} cannot be used:\n" + "\n".join(f"  {told}" for told in error.problems), code=2
        )


def _choose_part(rows: list[LabelledText], part: str | None, file: Path) -> list[LabelledText]:
    if not rows:
        fail(f"{file} has no texts below its header.", code=2)
    chosen = [row for row in rows if part in (None, row.part)]
    if not chosen:
        parts = ", ".join(sorted({row.part for row in rows} - {""})) or "none"
        fail(f"{file} has no part {part!r}; it has: {parts}.", code=2)
    return chosen


def _read_all(labelled: list[LabelledText]) -> tuple[list[Judged], float]:
    """Read every text; gives the seconds of processor time that reading took, too."""
    _read_slice(labelled[:_AT_ONCE])  # What is loaded at first texts is not the reader's speed.
    shown = RowsShown(SystemClock())
    if len(labelled) < _BAR_FROM:
        return _read_slice(labelled)
    judged: list[Judged] = []
    seconds = 0.0
    with shown.shown():
        shown.begin("reading texts", len(labelled))
        for start in range(0, len(labelled), _AT_ONCE):
            read, took = _read_slice(labelled[start : start + _AT_ONCE])
            judged += read
            seconds += took
            shown.advance(len(read))
    return judged, seconds


def _read_slice(labelled: list[LabelledText]) -> tuple[list[Judged], float]:
    texts = [row.text for row in labelled]
    began = time.process_time()
    readings = [read_legal(text) for text in texts]
    seconds = time.process_time() - began
    return [Judged(row, said) for row, said in zip(labelled, readings, strict=True)], seconds


def _to_json(
    result: Evaluation, rate: int | None, misread: list[Judged] | None
) -> dict[str, object]:
    told: dict[str, object] = {
        "reader": NOTHING.version,
        "texts_per_second_a_core": rate,
        **msgspec.to_builtins(result),
    }
    if misread is not None:
        told["errors"] = misread
    return told


def _tell(result: Evaluation, rate: int | None) -> None:
    speed = f", {rate:,} a second on one core" if rate else ""
    sys.stdout.write(f"{result.texts:,} texts{speed}. Reader {NOTHING.version}.\n\n")
    print_table(
        ("opt-outs and wrong numbers", "recall", "", "precision", ""),
        [
            (
                name,
                *(figures.recall.percent, f"{figures.recall.count:,} of {figures.recall.of:,}"),
                *(
                    figures.precision.percent,
                    f"{figures.precision.count:,} of {figures.precision.of:,}",
                ),
            )
            for name, figures in result.tiers.items()
        ],
        empty="",
    )
    by_language = result.confusion if len(result.languages) > 1 else ()
    go_on = result.ambiguous[LegalMeaning.NONE]
    total = sum(result.ambiguous.values())
    sys.stdout.write(
        f"\nOf {total:,} ambiguous texts {go_on:,} are read as none and pause nothing.\n\n"
    )
    print_table(
        ("expected", "tier", "language", *(f"read {meaning}" for meaning in LegalMeaning)),
        [_table_row(row) for row in (*sum_languages(result.confusion), *by_language)],
        empty="",
    )


def _table_row(row: Confusion) -> tuple[str, ...]:
    counts = (f"{row.read[meaning] or '.'}" for meaning in LegalMeaning)
    return (str(row.expected), row.tier, row.language or "-", *counts)


def _tell_misread(misread: list[Judged]) -> None:
    if misread:
        sys.stdout.write("\nRead otherwise:\n")
    for row in misread:
        label, reading = row.labelled, row.reading
        by = f" by {reading.rule}" if reading.rule else ""
        sys.stdout.write(
            f"line {label.line}: {label.text!r} is {label.expected}, read {reading.meaning}{by}\n"
        )
