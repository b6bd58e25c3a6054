"""Recall, precision and confusion: counted by hand on a few texts, and reached on the set."""

import tomllib
import unicodedata
from pathlib import Path

import pytest

from consentry.domain.keywords import read_legal
from consentry.domain.labelled_texts import LabelledText
from consentry.domain.reader_evaluation import (
    UNLABELLED,
    Confusion,
    Figures,
    Judged,
    Share,
    evaluate,
    find_missed_goals,
    sum_languages,
)
from consentry.domain.reading import LegalMeaning, LegalReading, Tier

pytestmark = pytest.mark.unit
DATA = Path(__file__).parent / "data"
OPT_OUT, WRONG, AMBIGUOUS, NONE = LegalMeaning
RULES = ("texts.toml", "revealed.toml", "revealed_2.toml", "other_languages.toml", "english.toml")
KEYWORD, PHRASE = Tier.KEYWORD, Tier.PHRASE


def judged(
    expected: LegalMeaning,
    tier: Tier | None,
    read: LegalMeaning,
    *,
    by: Tier = PHRASE,
    language: str = "en",
) -> Judged:
    """Make a text with this label that was read so."""
    said = LegalReading(read, Tier.NONE if read is NONE else by, None, "1")
    return Judged(LabelledText("x", expected, language, tier), said)


def judge_set(name: str) -> list[Judged]:
    """Read a half of the set."""
    meanings = tomllib.loads((DATA / name).read_text(encoding="utf-8"))
    return [
        Judged(LabelledText(text, LegalMeaning(m), language, Tier(tier)), read_legal(text))
        for m, tiers in meanings.items()
        for tier, languages in tiers.items()
        for language, texts in languages.items()
        for text in texts
    ]


ROWS = [
    judged(OPT_OUT, KEYWORD, OPT_OUT, by=KEYWORD),
    judged(OPT_OUT, PHRASE, OPT_OUT),
    judged(OPT_OUT, PHRASE, WRONG),
    judged(WRONG, PHRASE, NONE, language="es"),
    judged(OPT_OUT, PHRASE, AMBIGUOUS, language="es"),
    judged(AMBIGUOUS, PHRASE, AMBIGUOUS),
    judged(AMBIGUOUS, PHRASE, NONE),
    judged(AMBIGUOUS, PHRASE, OPT_OUT),
    judged(NONE, Tier.NONE, OPT_OUT, by=KEYWORD),
    judged(NONE, Tier.NONE, NONE),
]


def test_recall_is_over_labels_and_precision_over_what_was_read() -> None:
    """Opt-out and wrong number count as one; ambiguous is neither a hit nor asked for."""
    result = evaluate(ROWS)
    assert result.texts == 10
    assert result.tiers == {
        "keyword": Figures(Share(1, 1), Share(1, 2)),
        "phrase": Figures(Share(2, 4), Share(2, 3)),
    }
    assert result.languages == {
        "en": Figures(Share(3, 3), Share(3, 5)),
        "es": Figures(Share(0, 2), Share(0, 0)),
    }
    assert result.ambiguous == {OPT_OUT: 1, WRONG: 0, AMBIGUOUS: 1, NONE: 1}
    assert [row.is_misread for row in ROWS].count(True) == 6


def test_the_confusion_table_has_a_row_for_each_label_tier_and_language() -> None:
    """Its sums over languages have one for each label and tier, in the same order."""
    result = evaluate(ROWS)
    assert [(row.expected, row.tier, row.language) for row in result.confusion] == [
        (OPT_OUT, "keyword", "en"),
        (OPT_OUT, "phrase", "en"),
        (OPT_OUT, "phrase", "es"),
        (WRONG, "phrase", "es"),
        (AMBIGUOUS, "phrase", "en"),
        (NONE, "none", "en"),
    ]
    summed = sum_languages(result.confusion)
    counts = {OPT_OUT: 1, WRONG: 1, AMBIGUOUS: 1, NONE: 0}
    assert summed[1] == Confusion(OPT_OUT, "phrase", "all", counts)
    assert sum(sum(row.read.values()) for row in summed) == len(ROWS)


def test_labels_without_a_tier_are_a_tier_of_their_own() -> None:
    """Their precision is over whichever tier spoke on them."""
    result = evaluate([judged(OPT_OUT, None, OPT_OUT), judged(NONE, None, OPT_OUT, by=KEYWORD)])
    assert result.tiers[UNLABELLED] == Figures(Share(1, 1), Share(1, 2))
    assert result.confusion[0].tier == UNLABELLED


def test_a_goal_is_missed_below_it_and_by_no_tier_without_texts() -> None:
    """Reaching it exactly is reaching it."""
    result = evaluate(ROWS)
    assert find_missed_goals(result, recall=None, precision=None) == []
    assert find_missed_goals(result, recall=0.5, precision=0.5) == []
    assert find_missed_goals(result, recall=0.51, precision=0.6) == [
        "precision of keyword is 0.5000, the goal is 0.6",
        "recall of phrase is 0.5000, the goal is 0.51",
    ]
    assert find_missed_goals(evaluate([]), recall=1, precision=1) == []


def test_a_percentage_is_never_rounded_up() -> None:
    """Only all is 100.0 %; of nothing there is none."""
    assert Share(1999, 2000).percent == "99.9 %"
    assert Share(2000, 2000).percent == "100.0 %"
    assert Share(0, 0).percent == "-"
    assert Share(0, 0).value is None


def test_goals_are_reached_on_the_texts_that_rules_are_written_for() -> None:
    """Keywords: all. Free text: recall 99 %, precision 97 %. No ambiguous text is read as none."""
    result = evaluate([row for name in RULES for row in judge_set(name)])
    assert result.tiers["keyword"].recall.value == 1
    assert (result.tiers["phrase"].recall.value or 0) >= 0.99
    assert all((figures.precision.value or 0) >= 0.97 for figures in result.tiers.values())
    assert result.ambiguous[NONE] == 0


@pytest.mark.parametrize(
    ("name", "recall", "precision", "passed_over"),
    [
        ("kept_aside.toml", 0.93, 0.96, 0.10),
        ("kept_aside_2.toml", 0.90, 0.97, 0.17),
        ("kept_aside_3.toml", 0.96, 0.97, 0.05),
    ],
)
def test_what_is_reached_on_texts_kept_aside_stays_reached(
    name: str, recall: float, precision: float, passed_over: float
) -> None:
    """Floors a little below what was measured; they are not the goals, which are 99 and 97 %."""
    result = evaluate(judge_set(name))
    free = result.tiers["phrase"]
    assert (result.tiers["keyword"].recall.value or 0) >= 0.97
    assert (free.recall.value or 0) >= recall
    assert (free.precision.value or 0) >= precision
    assert result.ambiguous[NONE] / sum(result.ambiguous.values()) <= passed_over


def test_what_is_kept_aside_is_large_and_is_another() -> None:
    """At least 900 texts, 20 a language, none in the other part however written, none twice."""
    aside = [row for n in ("", "_2", "_3") for row in judge_set(f"kept_aside{n}.toml")]
    known = {fold(row.labelled.text) for name in RULES for row in judge_set(name)}
    folded = [fold(row.labelled.text) for row in aside]
    assert len(folded) >= 900
    assert len(set(folded)) == len(folded)
    assert known.isdisjoint(folded)
    languages = [row.labelled.language for row in aside]
    assert len(set(languages)) == 16
    assert min(map(languages.count, set(languages))) >= 20


def fold(text: str) -> str:
    """Write a text so that case, widths and spaces make no other of it."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
