"""How well the legal reader reads labelled texts: recall, precision, and who is taken for what."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from consentry.domain.labelled_texts import LabelledText
from consentry.domain.reading import LegalMeaning, LegalReading, Tier

ENDS_TEXTS: Final = frozenset({LegalMeaning.OPT_OUT, LegalMeaning.WRONG_NUMBER})
"""What stops texts. Which of both it is matters less than that they stop, so they count as one."""

UNLABELLED: Final = "unlabelled"


class Judged(msgspec.Struct, frozen=True, gc=False):
    """A labelled text and what the reader made of it."""

    labelled: LabelledText
    reading: LegalReading

    @property
    def is_misread(self) -> bool:
        """Whether the reader says something else than the label."""
        return self.labelled.expected is not self.reading.meaning


class Share(msgspec.Struct, frozen=True, gc=False):
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def percent(self) -> str:
        """In words; cut, never rounded up: 100.0 % means all."""
        return f"{self.count * 1000 // self.of / 10:.1f} %" if self.of else "-"


class Confusion(msgspec.Struct, frozen=True):
    """Texts with one label in one language, and how often each meaning was read in them."""

    expected: LegalMeaning
    tier: str
    language: str
    read: dict[LegalMeaning, int]


class Figures(msgspec.Struct, frozen=True):
    """`recall`: of what ends texts, how much is read so. `precision`: of what is read so, how much
    is. `precision` is over the tier that spoke, `recall` over the tier of the label.
    """

    recall: Share
    precision: Share


class Evaluation(msgspec.Struct, frozen=True):
    """What came out over a file.

    `tiers`: keyword, phrase (free text), and `unlabelled` where labels name no tier. `languages`:
    over all tiers. `ambiguous`: what the ambiguous texts were read as; of those read as none,
    nothing pauses.
    """

    texts: int
    tiers: dict[str, Figures]
    languages: dict[str, Figures]
    ambiguous: dict[LegalMeaning, int]
    confusion: tuple[Confusion, ...]


def evaluate(judged: Sequence[Judged]) -> Evaluation:
    """Count what was read against what was expected."""
    languages = sorted({row.labelled.language for row in judged})
    by_language = {
        language: [row for row in judged if row.labelled.language == language]
        for language in languages
    }
    return Evaluation(
        texts=len(judged),
        tiers=_count_tiers(judged),
        languages={name: _count(rows, rows) for name, rows in by_language.items()},
        ambiguous=_count_meanings(
            row for row in judged if row.labelled.expected is LegalMeaning.AMBIGUOUS
        ),
        confusion=confuse(judged),
    )


def _count_tiers(judged: Sequence[Judged]) -> dict[str, Figures]:
    figures = {}
    for tier in (Tier.KEYWORD, Tier.PHRASE):
        labelled = [row for row in judged if row.labelled.tier is tier]
        figures[str(tier)] = _count(labelled, [r for r in judged if r.reading.tier is tier])
    unlabelled = [row for row in judged if row.labelled.tier is None]
    if unlabelled:
        figures[UNLABELLED] = _count(unlabelled, unlabelled)
    return figures


def _count(labelled: Iterable[Judged], read: Iterable[Judged]) -> Figures:
    wanted = [_is_read_so(row) for row in labelled if row.labelled.expected in ENDS_TEXTS]
    taken = [row.labelled.expected in ENDS_TEXTS for row in read if _is_read_so(row)]
    return Figures(Share(sum(wanted), len(wanted)), Share(sum(taken), len(taken)))


def _is_read_so(row: Judged) -> bool:
    return row.reading.meaning in ENDS_TEXTS


def _count_meanings(judged: Iterable[Judged]) -> dict[LegalMeaning, int]:
    counted = Counter(row.reading.meaning for row in judged)
    return {meaning: counted[meaning] for meaning in LegalMeaning}


def confuse(judged: Iterable[Judged]) -> tuple[Confusion, ...]:
    """Make the confusion table: a row for each label, tier and language, in the order of these."""
    grouped: dict[tuple[LegalMeaning, str, str], list[Judged]] = {}
    for row in judged:
        label = row.labelled
        tier = str(label.tier) if label.tier else UNLABELLED
        grouped.setdefault((label.expected, tier, label.language), []).append(row)
    order = {meaning: place for place, meaning in enumerate(LegalMeaning)}
    return tuple(
        Confusion(*key, _count_meanings(rows))
        for key, rows in sorted(grouped.items(), key=lambda kv: (order[kv[0][0]], *kv[0][1:]))
    )


def sum_languages(confusion: Iterable[Confusion]) -> tuple[Confusion, ...]:
    """Add the languages of each label and tier together; their language is `all`."""
    sums: dict[tuple[LegalMeaning, str], Counter[LegalMeaning]] = {}
    for row in confusion:
        sums.setdefault((row.expected, row.tier), Counter()).update(row.read)
    return tuple(Confusion(*key, "all", dict(read)) for key, read in sums.items())


def find_missed_goals(
    evaluation: Evaluation, *, recall: float | None, precision: float | None
) -> list[str]:
    """Say which goal (between 0 and 1) which tier misses; a tier without texts misses none."""
    missed = []
    for tier, figures in evaluation.tiers.items():
        for name, share, goal in (
            ("recall", figures.recall, recall),
            ("precision", figures.precision, precision),
        ):
            value = share.value
            if goal is not None and value is not None and value < goal:
                missed.append(f"{name} of {tier} is {value:.4f}, the goal is {goal:g}")
    return missed
