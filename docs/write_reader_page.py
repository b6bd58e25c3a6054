"""Writes docs/reader: the labelled texts as one CSV file, and how the legal reader reads them.

Run it as `python docs/write_reader_page.py`; a test fails where a file is not what it would write.
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from consentry.domain.keywords import NOTHING, read_legal
from consentry.domain.labelled_texts import LabelledText, render_labelled_texts
from consentry.domain.reader_evaluation import (
    Confusion,
    Evaluation,
    Judged,
    Share,
    evaluate,
    sum_languages,
)
from consentry.domain.reading import LegalMeaning, Tier

READER = Path(__file__).parent / "reader"
_DATA = Path(__file__).parents[1] / "tests/domain/data"
PARTS = {
    "rules": (
        "texts.toml",
        "revealed.toml",
        "revealed_2.toml",
        "other_languages.toml",
        "english.toml",
    ),
    "kept_aside": ("kept_aside.toml",),
    "kept_aside_2": ("kept_aside_2.toml",),
    "kept_aside_3": ("kept_aside_3.toml",),
}
_NOTE = "<!-- Written by docs/write_reader_page.py; change that, not this page. -->\n\n"
_TIERS = {"keyword": "a lone keyword", "phrase": "free text"}


def read_parts() -> Iterator[LabelledText]:
    """Read all parts of the set."""
    for part, names in PARTS.items():
        for name in names:
            for row in _read_file(_DATA / name):
                yield msgspec.structs.replace(row, part=part)


def _read_file(path: Path) -> Iterator[LabelledText]:
    for meaning, tiers in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for tier, languages in tiers.items():
            for language, texts in languages.items():
                for text in texts:
                    yield LabelledText(text, LegalMeaning(meaning), language, Tier(tier))


def _render_page(labelled: Sequence[LabelledText]) -> str:
    results = {}
    for part in PARTS:
        rows = [Judged(row, read_legal(row.text)) for row in labelled if row.part == part]
        results[part] = evaluate(rows)
    languages = {row.language for row in labelled}
    return (
        _INTRODUCTION.format(texts=len(labelled), languages=len(languages), edition=NOTHING.version)
        + "\n## Kept aside\n\nThese are not looked at while rules are written.\n\n"
        + _render_part(results["kept_aside"])
        + _SECOND_SET
        + _render_part(results["kept_aside_2"])
        + _THIRD_SET
        + _render_part(results["kept_aside_3"])
        + "\n## Used while writing rules\n\nThese show what is kept working; they say nothing of "
        "texts that nobody has thought of.\n\n" + _render_part(results["rules"])
    )


def _render_part(result: Evaluation) -> str:
    none = result.ambiguous[LegalMeaning.NONE]
    total = sum(result.ambiguous.values())
    return (
        f"{result.texts:,} texts.\n\n"
        + _table(
            ("opt-outs and wrong numbers", "recall", "", "precision", ""),
            (
                (_TIERS[tier], *_tell(figures.recall), *_tell(figures.precision))
                for tier, figures in result.tiers.items()
            ),
        )
        + f"\nOf {total:,} ambiguous texts {none:,} are read as none, so that nothing pauses.\n"
        + "\n### Expected and read\n\n"
        + _table(
            ("expected", "tier", *_read_columns()),
            ((r.expected, r.tier, *_counts(r)) for r in sum_languages(result.confusion)),
        )
        + "\n### By language, over both tiers\n\n"
        + _table(
            ("language", "recall", "", "precision", ""),
            (
                (language, *_tell(figures.recall), *_tell(figures.precision))
                for language, figures in result.languages.items()
            ),
        )
        + "\n### By tier and language\n\n"
        + _table(
            ("expected", "tier", "language", *_read_columns()),
            ((r.expected, r.tier, r.language, *_counts(r)) for r in result.confusion),
        )
    )


def _tell(share: Share) -> tuple[str, str]:
    return share.percent, f"{share.count:,} of {share.of:,}"


def _read_columns() -> tuple[str, ...]:
    return tuple(f"read {meaning}" for meaning in LegalMeaning)


def _counts(row: Confusion) -> tuple[str, ...]:
    return tuple(f"{row.read[meaning] or ''}" for meaning in LegalMeaning)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


_INTRODUCTION = """# How well free text is read

The legal reader says what a person means by a text: `opt_out`, `wrong_number` (also where somebody
has died), `ambiguous` or `none`. [labelled-texts.csv](labelled-texts.csv) has {texts:,} texts of
our own in {languages} languages, each with what a reasonable person understands by it. These are
the figures of reader {edition}.

What counts:

- **recall**: of the texts that mean an opt-out or a wrong number, how many are read as one of
  these. Either stops the texts, so one taken for the other is no miss here; the tables show it.
- **precision**: of the texts that are read as one of these, how many mean it. For a tier: those
  that this tier spoke on.
- **ambiguous** texts pause what is no direct reply and go to a person. Read as an opt-out they
  stop texts that perhaps were wanted; read as none, nothing pauses.

## How the texts are labelled

By the rules of the product: what a reasonable person would understand, with nothing known but the
text. Where two readings are reasonable and one is an opt-out, the label is `opt_out` if a
reasonable person would take it so, else `ambiguous`. A lone word that ends texts by law, such as
CANCEL, is an opt-out whatever appointment is pending. That a relative died, with no more said, is
ambiguous: it may be about the customer, or why an appointment is moved. `tier` is `keyword` for a
lone word, however written, and `phrase` for free text.

The set is in four parts. `rules` was at hand while rules were written. `kept_aside` was written
with the first part in sight, so that no text comes twice, but not the rules; and it is not looked
at while rules are written. It tells how the reader does on texts that it was not written for. It
was four times as large: twice a half of it, chosen by a hash of each text, was looked at to see
what kinds of sayings were missing, and is in `rules` since. `kept_aside_2`, of another hand, was
twice as large and was halved in the same way. So the same two hands wrote what is kept aside now
and what rules were written after; texts of yet another hand will be read less well. For that there
is `kept_aside_3`, which is whole. If you write rules, look at the counts of what is kept aside and
not at its texts.

More than half of `rules` was written by the writers of the rows and kept where it is read as they
meant it, so that it stays so: that nearly all of `rules` is read well is no figure of merit.

## On your own texts

```sh
consentry reader evaluate docs/reader/labelled-texts.csv --part kept_aside
```

measures the reader on any CSV file with the columns `text` and `expected`; how is [told
here](../howto/free-text.md).

## Limits

- The texts are made up, not taken from traffic: shares of kinds and slips are a guess, and figures
  on your own texts will differ. Measure them.
- No native speaker has checked the languages. English is by far the largest; a language with 30
  opt-outs says little about the next percent.
- Each text was labelled once, with no second opinion. What is ambiguous to one is plain to another.
- Texts are read alone. Whether an ambiguous text counts depends on the conversation, which this
  does not measure.
"""

_SECOND_SET = """
## Kept aside: a second set

A second set, by another writer, who knew no rule and of the other parts only lone keywords. What
was in another part already was replaced. So the plainest sayings are missing here, which customers
send most often, and what is left is harder than traffic. Before a half of it was looked at, all of
it was measured with reader 2026-11-30.5, which no text of it had been seen for: recall of free text
85.1 %, precision 97.7 %. Of kept_aside, the part of that day, it was 90.8 % and 94.3 %.

"""

_THIRD_SET = """
## Kept aside: a third set

A third set, by a third writer, measured once, with the reader as it was then; nobody wrote a rule
after it. Its writer knew no rule, and of the other parts only lone keywords. A third of what came
to mind first was in another part already. It was not replaced but written with another mark or a
word more, so that the plainest sayings are in it, which customers send most often.
Measured with reader 2026-11-30.6: of free text that was in no other part 303 of 315 are read, that
is 96.2 %; of what was written with another mark or a word more 154 of 156.

"""


def render() -> dict[str, str]:
    """Render every file by its name."""
    labelled = list(read_parts())
    return {
        "labelled-texts.csv": render_labelled_texts(labelled),
        "README.md": _NOTE + _render_page(labelled),
    }


if __name__ == "__main__":
    for name, text in render().items():
        (READER / name).write_text(text, encoding="utf-8", newline="")
        sys.stdout.write(f"wrote {name}\n")
