"""The legal reader on labelled sentences, and the grammar that its phrase tier is made of."""

import tomllib
from pathlib import Path

import pytest

from consentry.domain.folding import clean, split_sentences, split_words
from consentry.domain.keywords import read_legal
from consentry.domain.phrase_grammar import (
    Joints,
    Sentence,
    Step,
    group_phrases,
    parse_pattern,
)
from consentry.domain.phrase_rules import LANGUAGES, Guard, PhraseFile, load_grammar
from consentry.domain.quotes import drop_quoted_lines, drop_signature, is_reaction
from consentry.domain.reading import LegalMeaning
from consentry.domain.reading_data import read_rows
from consentry.domain.slips import is_nearly_unsubscribe, one_edit

pytestmark = pytest.mark.unit

LABELLED: dict[str, dict[str, dict[str, list[str]]]] = tomllib.loads(
    (Path(__file__).parent / "data" / "texts.toml").read_text(encoding="utf-8")
)
GROUPS = [
    (meaning, tier, language)
    for meaning, tiers in LABELLED.items()
    for tier, languages in tiers.items()
    for language in languages
]
JOINTS = Joints(frozenset({",", "and"}), frozenset({"please", "thanks"}))


@pytest.mark.parametrize(("meaning", "tier", "language"), GROUPS)
def test_labelled_texts_are_read_as_labelled(meaning: str, tier: str, language: str) -> None:
    """Every sentence of the set gets its meaning, from its tier."""
    misread = {}
    for text in LABELLED[meaning][tier][language]:
        reading = read_legal(text)
        if (reading.meaning, reading.tier) != (meaning, tier):
            misread[text] = reading
    assert misread == {}


def test_the_labelled_set_is_large_and_covers_every_language() -> None:
    """At least 1,500 sentences; each language has opt-outs, wrong numbers and plain texts."""
    assert sum(len(LABELLED[m][t][language]) for m, t, language in GROUPS) >= 1_500
    languages = {name.partition("_")[0] for name in LANGUAGES}
    for meaning in ("wrong_number", "ambiguous", "none"):
        for tier in LABELLED[meaning].values():
            assert set(tier) == languages
    for tier in LABELLED["opt_out"].values():
        assert set(tier) == languages


@pytest.mark.parametrize(
    "text",
    [
        *("Start", "START!", "unstop", "yes", "Yes!!", "HELP", "help.", "Info", "i n f o"),
        "starttt",
        *("help\n\nSent from my iPhone", "unstop please", "please start", "start texting me again"),
    ],
)  # fmt: skip
def test_help_and_opt_in_words_are_never_opt_outs(text: str) -> None:
    """HELP, INFO, START, UNSTOP and YES mean nothing to the legal reader, however decorated."""
    assert read_legal(text).meaning is LegalMeaning.NONE


def test_a_word_that_opts_out_is_no_name_to_sign_with() -> None:
    """A line that begins with a dash is a signature, unless it is an opt-out keyword."""
    for text in ("Hello\n-stop", "thanks, bye\n- STOP", "ok\n--\nUnsubscribe"):
        assert read_legal(text).meaning is LegalMeaning.OPT_OUT
    for text in ("Hello\n- Maria", "Hello\n- no", "Hello\n-- \nJohn\nSent from my iPhone"):
        assert read_legal(text).meaning is LegalMeaning.NONE


def test_one_slip_from_stop_or_unsubscribe_is_an_opt_out() -> None:
    """Any text one edit away opts out, unless it is a word of its own."""
    own = {
        slip
        for meant in ("stop", "unsubscribe")
        for slip in one_edit(meant)
        if read_legal(slip).meaning is not LegalMeaning.OPT_OUT
    }
    assert own == {
        *("shop", "step", "top", "stow", "atop", "stoop", "slop", "swop", "stomp", "strop", "sop"),
        "stops",
    }
    assert read_legal("stops").meaning is LegalMeaning.AMBIGUOUS


def test_unsubscribe_is_known_by_two_slips() -> None:
    """People misspell the long word freely; its opposites stay what they are."""
    assert all(map(is_nearly_unsubscribe, ["unsubsribed", "unsuscibe", "unsbuscrieb"]))
    for other in ("subscribe", "resubscribe", "understand", "unscrupulous", "unsub", "undescribed"):
        assert not is_nearly_unsubscribe(other)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rows_of_a_language_are_in_order(language: str) -> None:
    """Rule names are unique, every class and guard is used, and the source is named."""
    rows = read_rows(f"phrases_{language}.json", PhraseFile)
    names = [row.id for row in rows.rules]
    assert len(names) == len(set(names))
    patterns = " ".join(row.pattern for row in rows.rules)
    assert [name for name in rows.classes if f"<{name}>" not in patterns] == []
    assert {row.guard for row in rows.rules if row.guard} == set(rows.guards)
    assert rows.source
    assert rows.checked_on


def test_rule_names_are_unique_over_all_languages() -> None:
    """A rule's name in the ledger leads to one row."""
    grammar = load_grammar()
    rules = {rule.id: rule for rules in grammar.rules_by_key.values() for rule in rules}
    rows = [
        row for name in LANGUAGES for row in read_rows(f"phrases_{name}.json", PhraseFile).rules
    ]
    assert len(rules) == len(rows)


def spans(pattern: str, text: str, names: frozenset[int] = frozenset()) -> set[tuple[int, int]]:
    classes = {"who_else": group_phrases([("my", "wife"), ("me",)])}
    sentence = Sentence(tuple(text.split()), names)
    return set(parse_pattern(pattern, classes).find(sentence, JOINTS))


def test_words_classes_and_names_may_be_choices_of_one_step() -> None:
    """`a|<class>|<who>` is any of them, and a name found so needs no word of the pattern."""
    assert spans("text him|<who_else>", "text him") == {(0, 2)}
    assert spans("text him|<who_else>", "text my wife") == {(0, 3)}
    sentence = Sentence(("maria", "died"), frozenset({0}))
    named = parse_pattern("he|<who> died", {})
    assert list(named.find(sentence, JOINTS)) == [(0, 2)]
    assert list(named.required()) == [[("died",)]]
    assert list(named.find(Sentence(("it", "died"), frozenset()), JOINTS)) == []


def test_the_end_of_a_clause_may_be_one_of_the_choices() -> None:
    """`a|$` is the word or nothing more in the clause."""
    assert spans("stop now|$", "stop and go") == {(0, 1)}
    assert spans("stop now|$", "stop now") == {(0, 2)}
    assert spans("stop now|$", "stop the car") == set()


def test_common_misspellings_are_read_as_the_word_that_was_meant() -> None:
    """One slip in a telling word is mended, but what is a word of its own stays."""
    for text in ("stop messgaing me", "wrong nunber", "remvoe me frm ur list"):
        assert read_legal(text).meaning in {LegalMeaning.OPT_OUT, LegalMeaning.WRONG_NUMBER}
    for text in ("stop by, the contract is ready", "the remote is wrong", "sorry, testing"):
        assert read_legal(text).meaning is LegalMeaning.NONE


def test_words_and_alternatives_match_in_order() -> None:
    """A pattern matches its words in sequence, anywhere in a sentence."""
    assert spans("stop|quit texting", "now quit texting") == {(1, 3)}
    assert spans("stop texting", "texting stop") == set()
    assert spans("stop texting", "stop") == set()


def test_classes_hold_phrases_of_several_words() -> None:
    """A class stands for any of its phrases."""
    assert spans("text <who_else>", "text my wife") == {(0, 3)}
    assert spans("text <who_else>", "text my dog") == set()


def test_steps_may_be_missing_or_repeat() -> None:
    """`?` is at most once, `*` up to four times, `+` at least once."""
    assert spans("stop all? texts", "stop texts") == {(0, 2)}
    assert spans("stop all? texts", "stop all all texts") == set()
    assert spans("stop all* texts", "stop all all texts") == {(0, 4)}
    assert spans("stop all* texts", "stop all all all all all texts") == set()
    assert spans("stop all+ texts", "stop texts") == set()


def test_a_gap_does_not_cross_a_comma() -> None:
    """`..2` stands for up to two words of one clause."""
    assert spans("leave ..2 alone", "leave me the alone") == {(0, 4)}
    assert spans("leave ..2 alone", "leave it , alone") == set()
    assert spans("leave ..2", "leave") == {(0, 1)}


def test_clause_edges_skip_politeness() -> None:
    """`^` and `$` hold beside punctuation, joining words and politeness, and nowhere else."""
    assert spans("^ stop $", "please stop thanks") == {(1, 2)}
    assert spans("^ stop $", "hello , stop and go") == {(2, 3)}
    assert spans("^ stop", "bus stop") == set()
    assert spans("stop $", "stop there") == set()


def test_names_match_where_the_sentence_marks_them() -> None:
    """`<who>` takes a word that looks like a name; it may come first or be missing."""
    assert spans("<who> died", "maria died", frozenset({0})) == {(0, 2)}
    assert spans("<who> died", "it died") == set()
    assert spans("<who>? died", "died") == {(0, 1)}


def test_a_pattern_of_optional_steps_starts_with_any_of_them() -> None:
    """The words a match can begin with are those of every step up to the first required one."""
    assert spans("now? stop? texting", "stop texting") == {(0, 2), (1, 2)}
    assert spans("now? stop?", "stop") == {(0, 0), (0, 1)}


def test_an_unknown_class_stops_the_start() -> None:
    """A row that names a class nobody defined is an error, not a rule that never matches."""
    with pytest.raises(KeyError, match="nobody"):
        parse_pattern("stop <nobody>", {})


def test_patterns_share_the_steps_they_have_in_common() -> None:
    """A step that is written alike is compiled once."""
    known: dict[str, Step] = {}
    first = parse_pattern("stop|quit texting", {}, known)
    second = parse_pattern("please stop|quit", {}, known)
    assert first.steps[0] is second.steps[1]
    assert set(known) == {"stop|quit", "texting", "please"}


def test_what_stands_beside_may_be_in_another_sentence() -> None:
    """Alone, "no more" is unclear; where the text speaks of texts, it is a wish to end them."""
    assert read_legal("Please no more.").meaning is LegalMeaning.AMBIGUOUS
    assert read_legal("I pay per text. Please no more.").meaning is LegalMeaning.OPT_OUT
    assert read_legal("That was tasty. No more thanks").meaning is not LegalMeaning.OPT_OUT


def test_guards_look_before_after_and_near() -> None:
    """A guard undoes a match by what stands directly around it or shortly before it."""
    guard = Guard(
        frozenset({("dont",), ("no", "need", "to")}),
        frozenset({("and", "driving")}),
        frozenset({"he"}),
        frozenset({"you"}),
        3,
    )
    assert guard.allows(("stop", "texting"), 0, 2)
    assert not guard.allows(("dont", "stop", "texting"), 1, 3)
    assert not guard.allows(("no", "need", "to", "stop"), 3, 4)
    assert not guard.allows(("stop", "texting", "and", "driving"), 0, 2)
    assert not guard.allows(("he", "must", "stop"), 2, 3)
    assert guard.allows(("he", "asks", "you", "stop"), 3, 4)
    assert guard.allows(("he", "said", "it", "again", "stop"), 4, 5)


def test_signatures_are_cut_and_other_lines_are_not() -> None:
    """What a phone adds goes, on its own line or at the end; a second sentence stays."""
    assert drop_signature("stop\n\nSent from my iPhone") == "stop\n\n"
    assert drop_signature("stop Sent from my Galaxy") == "stop"
    assert drop_signature("stop\n- Maria Lopez") == "stop\n"
    assert drop_signature("\n-stop") == "\n-stop"
    assert drop_signature("...\n- end\n- Ann") == "...\n- end\n"
    assert drop_signature("a\nb\nvon meinem iPhone gesendet") == "a\nb\n"
    for whole in ("Sent from my iPhone", "stop\nby the shop", "stop\n- this is a longer line here"):
        assert drop_signature(whole) == whole


def test_quoted_lines_are_dropped() -> None:
    """Lines that begin with > repeat somebody else."""
    assert drop_quoted_lines("> Reply STOP\nyes\n >> hm") == "yes"
    assert drop_quoted_lines("stop") == "stop"


def test_reactions_are_told_from_quoting_people() -> None:
    """A reaction begins as phones write it and ends with the quoted text."""
    assert is_reaction("Liked “Reply STOP to end”")
    assert is_reaction('❤️ to "Reply STOP"')
    assert is_reaction("A aimé « Répondez STOP »")
    for said in ('I said "stop"', "Liked it, now stop texting me", '"stop" to you', "I liked “it”"):
        assert not is_reaction(said)


def test_words_and_sentences_agree_on_decoration() -> None:
    """Case, accents, width, apostrophes, hyphens and stars make no difference to a word."""
    assert split_words(clean("Don\u2019t—STOP_it, Àrrêt! \uff33\uff34op opt-out f***")) == [
        *("dont", "stop", "it", "arret", "stop", "optout", "f")
    ]
    assert split_words(clean("别发了")) == ["别", "发", "了"]
    assert split_words(clean("wrong # stop--now #stop")) == [
        "wrong",
        "number",
        "stop",
        "now",
        "stop",
    ]
    assert split_sentences(clean("Hi, S.T.O.P now! (Ok) 别发")) == [
        ["Hi", ",", "stop", "now"],
        ["Ok", ",", "别", "发"],
    ]
