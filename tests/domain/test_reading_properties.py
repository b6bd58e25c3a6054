"""Properties of both readers: nothing raises, no opt-out is lost, no opt-in is won."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.domain.folding import clean, split_words
from consentry.domain.keywords import is_our_opt_in, read_carrier, read_legal
from consentry.domain.phrase_rules import load_grammar
from consentry.domain.phrases import load_choice
from consentry.domain.reading import CarrierWord, LegalMeaning, SenderKind, Tier
from consentry.domain.sentences import read_sentences, words_present

pytestmark = pytest.mark.property

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PER_SE = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT"]
OPT_IN = ["START", "UNSTOP", "YES"]
PUNCTUATION = st.text(" \t\n.,!?;:'\"()[]{}*_-\u2013\u2014…«»“”¡¿/\\|~🛑😡👎❤️", max_size=6)
INVISIBLE = st.sampled_from(
    ["", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u202a"]
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)
LABELLED = tomllib.loads((Path(__file__).parent / "data" / "texts.toml").read_text("utf-8"))
LABELLED_TEXTS = st.sampled_from(
    [
        text
        for tiers in LABELLED.values()
        for sets in tiers.values()
        for s in sets.values()
        for text in s
    ]
)
WORDS = "stop don't never text texting me my number please wrong this is not Maria reply to end no"
WORDY = st.lists(st.sampled_from([*WORDS.split(), ",", ".", "?", "\n", '"', "别", "退订", "не"]))


@st.composite
def decorated(draw: st.DrawFn, words: list[str]) -> str:
    """Draw a word with other case, invisible characters inside, and punctuation around it."""
    word = draw(st.sampled_from(words))
    cased = "".join(draw(st.sampled_from([c.lower(), c.upper()])) for c in word)
    woven = "".join(c + draw(INVISIBLE) for c in cased)
    return draw(PUNCTUATION) + woven + draw(PUNCTUATION)


@given(decorated(PER_SE))
def test_decoration_never_hides_a_keyword(text: str) -> None:
    """Punctuation, emoji, spaces, case and zero-width characters lose no per-se opt-out."""
    reading = read_legal(text)
    assert (reading.meaning, reading.tier) == (LegalMeaning.OPT_OUT, Tier.KEYWORD)


@given(
    st.sampled_from(["please ", "Pls ", "ok, ", "hi. ", "Sorry - ", ""]),
    st.sampled_from(["stop", "STOPALL", "Unsubscribe", "opt-out", "stpo", "stoooop"]),
    st.sampled_from([" please", " now!", ", thank you", ". Thanks", " already", ""]),
)
def test_politeness_does_not_hide_a_plain_wish(before: str, word: str, after: str) -> None:
    """A word that only ever means stop survives politeness on both sides."""
    assert read_legal(before + word + after).meaning is LegalMeaning.OPT_OUT


@given(ANY_TEXT | WORDY.map(" ".join))
def test_any_text_has_a_reading(text: str) -> None:
    """Both readers are total, and a rule is named exactly where something was read."""
    legal = read_legal(text)
    assert (legal.rule is None) == (legal.meaning is LegalMeaning.NONE)
    assert (legal.tier is Tier.NONE) == (legal.meaning is LegalMeaning.NONE)
    for kind in SenderKind:
        carrier = read_carrier(text, carrier="twilio", kind=kind, at=NOW)
        assert (carrier.rule is None) == (carrier.word is CarrierWord.NONE)
        assert carrier.answers == (carrier.word is not CarrierWord.NONE)


@given(decorated(OPT_IN) | ANY_TEXT)
def test_opting_in_is_never_widened(text: str) -> None:
    """Only the bare word lifts, and on toll-free YES does not; the legal reader lifts nothing."""
    bare = text.strip(" \t\r\n\v\f").upper() if text.isascii() else text
    for kind in SenderKind:
        reading = read_carrier(text, carrier="twilio", kind=kind, at=NOW)
        if reading.word is CarrierWord.OPT_IN:
            assert bare in OPT_IN
            assert not (kind is SenderKind.TOLL_FREE and bare == "YES")
    assert is_our_opt_in(text) == (bare in OPT_IN)


@given(decorated(OPT_IN))
def test_an_opt_in_word_is_never_an_opt_out(text: str) -> None:
    """START, UNSTOP and YES, however decorated, are no opt-out to the legal reader."""
    assert read_legal(text).meaning is not LegalMeaning.OPT_OUT


@given(st.sampled_from(PER_SE[:8]), st.sampled_from([SenderKind.LONG_CODE, SenderKind.TOLL_FREE]))
def test_what_the_carrier_blocks_the_law_knows_too(word: str, kind: SenderKind) -> None:
    """The legal reader is never narrower than the carrier."""
    assert read_carrier(word, carrier="twilio", kind=kind, at=NOW).word is CarrierWord.OPT_OUT
    assert read_legal(word).meaning is LegalMeaning.OPT_OUT


@given(WORDY.map(" ".join), st.sampled_from(["stop texting me", "unsubscribe me", "remove me"]))
def test_an_opt_out_sentence_survives_what_comes_before(text: str, wish: str) -> None:
    """A plain request as a sentence of its own opts out, whatever was said before it."""
    assert read_legal(f"{text}\n. {wish}").meaning is LegalMeaning.OPT_OUT


@given(st.lists(LABELLED_TEXTS, min_size=1, max_size=3).map(" ".join))
@pytest.mark.no_cover
def test_no_rule_is_passed_over(text: str) -> None:
    """Choosing rules by the words of a text never leaves one out that would have matched."""
    cleaned = clean(text)
    words = split_words(cleaned)
    present = words_present(words)
    grammar, chosen = load_grammar(), load_choice().choose(present)
    for rule in {
        rule.id: rule for rules in grammar.rules_by_key.values() for rule in rules
    }.values():
        if rule.beside and rule.beside.isdisjoint(present):
            continue
        if any(rule.spans(sentence) for sentence in read_sentences(cleaned)):
            assert not grammar.triggers.isdisjoint(words), rule.id
            assert rule in chosen, rule.id
