"""Words that a campaign may not have, because they mean something already."""

import pytest

from consentry.domain.campaign_keywords import campaign_word
from consentry.domain.carrier_profiles import TABLE
from consentry.domain.keyword_lint import find_fault
from consentry.domain.lone_words import TABLE as LONE_WORDS

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("word", ["JOIN", "DEALS", "NEWS", "VIP2026", "PIZZA", "SHOP"])
def test_words_that_mean_nothing_else_are_free(word: str) -> None:
    """They can ask for a program."""
    assert find_fault(word) is None


def test_no_word_of_any_carrier_is_free() -> None:
    """Opt-out, opt-in or help, of whatever carrier and date."""
    texts = {text for p in TABLE.profiles for row in p.rows for text in row.texts}
    for text in texts:
        word = campaign_word(text.replace(" ", ""))
        assert word in ("", "JOIN") or find_fault(word) is not None, text


def test_no_opt_out_of_any_language_is_free() -> None:
    """As far as it can be typed as a campaign's word at all."""
    words = [word for rows in LONE_WORDS.opt_out for word in rows.words]
    assert len(words) > 100
    for text in words:
        word = campaign_word(text)
        assert word == "" or find_fault(word) is not None, text


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("", "letters"),
        ("J", "letters"),
        ("JOIN US", "letters"),
        ("J" * 31, "letters"),
        ("join", "letters"),
        ("1234", "number"),
        ("YES", "yes"),
        ("HELP", "help"),
        ("STPO", "opt-out"),
        ("NO", "unclear"),
        ("ENDLESS", "aws"),
    ],
)
def test_a_fault_says_what_it_is(word: str, says: str) -> None:
    """So that one can choose another."""
    fault = find_fault(word)
    assert fault is not None
    assert says in fault


@pytest.mark.parametrize(
    ("text", "word"),
    [(" join\n", "JOIN"), ("Join!", ""), ("jöin", ""), ("", ""), ("j" * 100, ""), ("A1", "A1")],
)
def test_a_text_is_compared_whole_and_in_any_case(text: str, word: str) -> None:
    """Only white space around it is dropped."""
    assert campaign_word(text) == word
