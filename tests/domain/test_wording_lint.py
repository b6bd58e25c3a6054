"""The linter of our own answers: rules with sources, words to point at, and no false alarm."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_world import LONG
from consentry.domain.directory import Brand, Program, Purpose, Replies
from consentry.domain.double_opt_in import word_confirmation, word_request
from consentry.domain.gate import MessageKind
from consentry.domain.replies import fill_in, render_reply
from consentry.domain.wording_lint import (
    TABLE,
    Check,
    Finding,
    Level,
    Size,
    WordingKind,
    lint_wording,
    simplify,
)
from consentry.wire.gsm7 import count_segments, outside_gsm7

pytestmark = pytest.mark.unit

BRAND = Brand("acme", "Acme", contact="help@acme.example")
NO_CONTACT = Brand("acme", "Acme")
TODAY = date(2026, 11, 24)
INITIAL, HELP = WordingKind.INITIAL_REPLY, WordingKind.HELP_REPLY
OUT, IN = WordingKind.OPT_OUT_CONFIRMATION, WordingKind.OPT_IN_CONFIRMATION
ANSWERS = [INITIAL, OUT, IN, HELP]
GOOD = {
    INITIAL: "Thanks for texting {brand}. Reply STOP to opt out. Msg & data rates may apply.",
    OUT: "{brand}: you are opted out and will get no further messages.",
    IN: "{brand}: you are opted in. Reply HELP for help, STOP to opt out.",
    HELP: "{brand}: {contact}Reply STOP to opt out. Msg & data rates may apply.",
}


def lint(
    kind: WordingKind, text: str, brand: Brand = BRAND, today: date = TODAY
) -> tuple[Finding, ...]:
    filled = fill_in(text, brand)
    size = Size(count_segments(filled).segments, outside_gsm7(filled))
    return lint_wording(kind, text, brand, size=size, today=today)


def rules(kind: WordingKind, text: str, brand: Brand = BRAND) -> list[str]:
    return [finding.rule for finding in lint(kind, text, brand)]


def test_every_rule_says_what_to_do_and_where_it_is_from() -> None:
    """Each row has a source and a date, and each check is used by a row."""
    assert len({rule.id for rule in TABLE.rules}) == len(TABLE.rules)
    assert {rule.check for rule in TABLE.rules} == set(Check)
    for rule in TABLE.rules:
        assert len(rule.source) > 5
        assert rule.says.endswith((".", "?")), rule.id
        assert rule.kinds


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("brand", [BRAND, Brand("r", "Retalé", contact="+1 202 555 0100")])
def test_the_defaults_are_clean(kind: WordingKind, brand: Brand) -> None:
    """What we say ourselves passes our own linter."""
    text = render_reply(MessageKind(kind), msgspec.structs.replace(LONG, replies=Replies()), brand)
    assert lint(kind, text, brand) == ()


@pytest.mark.parametrize("kind", ANSWERS)
def test_good_wordings_are_clean(kind: WordingKind) -> None:
    """A wording with everything in it has no finding."""
    assert lint(kind, GOOD[kind]) == ()


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_brand_must_be_named(kind: WordingKind) -> None:
    """By its placeholder or by its name, in any case; nothing else counts."""
    assert rules(kind, GOOD[kind].replace("{brand}", "ACME")) == []
    assert rules(kind, GOOD[kind].replace("{brand}", "We")) == ["names_brand"]


@pytest.mark.parametrize("kind", [INITIAL, IN, HELP])
def test_it_must_tell_how_to_stop(kind: WordingKind) -> None:
    """The word must be in capitals, and one that really opts out when it is texted back."""
    assert "tells_how_to_stop" in rules(kind, GOOD[kind].replace("STOP", "PLEASE"))
    assert "tells_how_to_stop" in rules(kind, GOOD[kind].replace("STOP", "stop"))
    assert rules(kind, GOOD[kind].replace("STOP", "UNSUBSCRIBE")) == []


def test_a_name_is_no_word_to_text() -> None:
    """A company called STOP & SHOP, or one that sells deals, is not mistaken for what it says."""
    shop = Brand("s", "STOP & SHOP Deals", contact="x@example.org")
    assert "tells_how_to_stop" in rules(INITIAL, "{brand} got your message.", shop)
    assert rules(OUT, GOOD[OUT], shop) == []


@pytest.mark.parametrize(
    "contact",
    ["{contact}", "write to a@b.example. ", "call (415) 555-0100. ", "see acme.example/help. "],
)
def test_help_must_have_a_contact(contact: str) -> None:
    """The brand's own, or an address or number in the text."""
    assert rules(HELP, GOOD[HELP].replace("{contact}", contact)) == []


@pytest.mark.parametrize("contact", ["", "ask us. ", "we open at 9. ", "Mr. Smith knows. "])
def test_help_without_a_contact_is_an_error(contact: str) -> None:
    """A sentence without an address or a number is none."""
    assert rules(HELP, GOOD[HELP].replace("{contact}", contact)) == ["help_has_contact"]


def test_a_contact_that_the_brand_has_not_is_an_error() -> None:
    """{contact} of a brand without one would leave a hole."""
    assert rules(HELP, GOOD[HELP], NO_CONTACT) == ["contact_is_known"]


@pytest.mark.parametrize(
    "said",
    [
        *("You will not receive more texts.", "You won\u2019t get more.", "No more texts from us."),
        *("Sie erhalten keine weiteren Nachrichten.", "Vous ne recevrez plus rien."),
        *("No recibirás más mensajes.", "Вы больше не получите сообщений.", "您不会再收到短信。"),
    ],
)
def test_an_opt_out_says_that_nothing_follows(said: str) -> None:
    """In the words of the languages that we read."""
    assert "no_further_messages" not in rules(OUT, f"Acme: {said}")
    assert rules(OUT, "Acme: bye.") == ["no_further_messages"]


@pytest.mark.parametrize(
    ("sold", "found"),
    [
        *[("Come for our SALE", "SALE"), ("Get 10% off", "% off"), ("Was it a good deal", "deal")],
        *[("Are you sure", "Are you sure"), ("Unser Angebot", "Angebot")],
    ],
)
def test_an_opt_out_sells_nothing(sold: str, found: str) -> None:
    """Marketing in a confirmation is an error that names the words."""
    (finding,) = lint(OUT, f"{GOOD[OUT]} {sold}.")
    assert (finding.rule, finding.level) == ("no_marketing", Level.ERROR)
    assert f"“{found}”" in finding.says


@pytest.mark.parametrize("said", ["Call toll-free 1.", "The idealist.", "Wholesale ended."])
def test_parts_of_words_sell_nothing(said: str) -> None:
    """Words are compared whole."""
    assert rules(OUT, f"{GOOD[OUT]} {said}") == []


def test_an_opt_out_is_one_part() -> None:
    """160 characters of GSM-7 pass, one more does not; nor do 71 with a character outside."""
    full = GOOD[OUT] + " " * (160 - len(fill_in(GOOD[OUT], BRAND)))
    assert rules(OUT, full) == []
    (finding,) = lint(OUT, full + ".")
    assert finding.rule == "opt_out_one_part"
    assert "as 2 parts" in finding.says
    assert rules(OUT, (full[: 70 - 2] + "ж"))[-1:] == ["one_alphabet"]
    assert "opt_out_one_part" in rules(OUT, full[:90] + "ж")


def test_the_initial_reply_has_at_most_300_characters() -> None:
    """Counted with the name filled in: two parts are a warning, 301 characters an error."""
    long = GOOD[INITIAL] + "x" * (300 - len(fill_in(GOOD[INITIAL], BRAND)))
    assert [(f.rule, f.level) for f in lint(INITIAL, long)] == [("parts", Level.WARNING)]
    assert rules(INITIAL, long + "x") == ["initial_length", "parts"]
    assert "301 characters" in lint(INITIAL, long + "x")[0].says
    assert "at most 300" in lint(INITIAL, long + "x")[0].says


def test_no_answer_is_longer_than_a_text_can_be() -> None:
    """1,600 characters are the carrier's end."""
    assert rules(HELP, GOOD[HELP] + "x" * 1600)[0] == "length"


def test_what_is_not_filled_in_is_an_error() -> None:
    """A placeholder nobody knows would reach people as it is."""
    (finding,) = lint(HELP, GOOD[HELP] + " {name} {name} {phone}")
    assert finding.says.startswith("{name}, {phone} is not filled in")


@pytest.mark.parametrize("link", ["bit.ly/x", "https://t.co/abc", "http://TinyURL.com/y"])
def test_shared_shorteners_are_flagged(link: str) -> None:
    """They are filtered by carriers: a warning."""
    assert [f.level for f in lint(INITIAL, f"{GOOD[INITIAL]} {link}")] == [Level.WARNING]


def test_an_own_address_is_no_shortener() -> None:
    """at.com ends like t.co begins."""
    assert rules(INITIAL, f"{GOOD[INITIAL]} https://cat.com/x") == []
    assert rules(OUT, f"{GOOD[OUT]} https://acme.example") == ["opt_out_link"]


def test_characters_outside_gsm7_are_named_with_what_could_stand_for_them() -> None:
    """Curly quotes, invisible characters and spaces are named; a foreign letter stands alone."""
    finding = lint(IN, GOOD[IN] + " We\u2019re\u00a0here\u200b, żyć")[-1]
    assert finding.level is Level.WARNING
    assert finding.says.endswith(
        "160: \u2019 (write '), no-break space (write a space), "
        "zero width space (leave it out), ż, ć."
    )
    (finding,) = lint(IN, GOOD[IN] + "\x07")
    assert finding.says.endswith(": u+0007.")


def test_simplified_text_says_the_same_in_gsm7() -> None:
    """Only what looks finer is replaced; letters stay."""
    assert (
        simplify("\u201cWe\u2019re here\u201d \u2013 now\u2026\u200b") == '"We\'re here" - now...'
    )
    assert simplify("żyć é") == "żyć é"


@given(st.sampled_from(ANSWERS), st.text(max_size=400), st.text(max_size=60))
def test_any_text_is_judged(kind: WordingKind, text: str, name: str) -> None:
    """No text is an accident, and what is simplified needs no simplifying again."""
    brand = Brand("b", name, contact=None)
    for finding in lint(kind, text, brand):
        assert "{found}" not in finding.says.replace(text, "")
    assert simplify(simplify(text)) == simplify(text)


def test_rules_begin_on_their_day() -> None:
    """A rule that was not yet in force finds nothing."""
    before = lint(OUT, "Acme: bye.", today=date(2025, 4, 10))
    assert before == ()
    assert [f.rule for f in lint(OUT, "Acme: bye.", today=date(2025, 4, 11))] == [
        "no_further_messages"
    ]


# --- Requests, confirmations of programs, texts of a purpose ----------------------------------

REQUEST, CONFIRMED = WordingKind.OPT_IN_REQUEST, WordingKind.PROGRAM_CONFIRMATION
TALK, NEWS, SALE = (
    WordingKind.CONVERSATIONAL,
    WordingKind.INFORMATIONAL,
    WordingKind.MARKETING,
)
GOOD_MORE = {
    REQUEST: "{brand}: reply YES to get {program}. Reply STOP to opt out. "
    "Msg & data rates may apply.",
    CONFIRMED: "{brand}: you get {program}. {frequency} Reply HELP for help, STOP to opt out. "
    "Msg & data rates may apply.",
    TALK: "Your table is ready.",
    NEWS: "{brand}: your order {order} left today. Reply STOP to opt out.",
    SALE: "{brand}: 20% off on Friday. Reply STOP to opt out.",
}


@pytest.mark.parametrize("frequency", [None, "up to 4 msgs/month"])
def test_what_we_send_of_a_program_is_clean(frequency: str | None) -> None:
    """The request and the confirmation of a program pass our own linter as they are sent."""
    offers = Program("p", "acme", Purpose.MARKETING, "Offers", frequency=frequency)
    for kind, text in (
        (REQUEST, word_request(BRAND, offers)),
        (CONFIRMED, word_confirmation(BRAND, offers)),
    ):
        size = Size(count_segments(text).segments, outside_gsm7(text))
        assert lint_wording(kind, text, BRAND, size=size, today=TODAY, program="Offers") == ()


@pytest.mark.parametrize("kind", list(GOOD_MORE))
def test_good_wordings_of_programs_are_clean(kind: WordingKind) -> None:
    """A wording with everything in it has no finding."""
    assert rules(kind, GOOD_MORE[kind]) == []


@pytest.mark.parametrize(
    ("kind", "old", "new", "rule"),
    [
        (REQUEST, "{brand}", "We", "names_brand"),
        (REQUEST, "{program}", "texts", "names_program"),
        (REQUEST, "reply YES", "agree", "asks_for_yes"),
        (REQUEST, "STOP", "PLEASE", "tells_how_to_stop"),
        (REQUEST, "{program}", "{program} and 10% off", "request_sells_nothing"),
        (REQUEST, "data rates", "luck", "rates"),
        (REQUEST, "{program}", "{program} {link}", "known_program_placeholders"),
        (CONFIRMED, "{program}", "texts", "names_program"),
        (CONFIRMED, "HELP for help, ", "", "confirmation_names_help"),
        (CONFIRMED, "{frequency}", "", "confirmation_names_frequency"),
        (CONFIRMED, "data rates", "luck", "confirmation_names_rates"),
        (CONFIRMED, "STOP", "PLEASE", "tells_how_to_stop"),
        (NEWS, "STOP", "PLEASE", "informational_tells_how_to_stop"),
        (NEWS, "left today", "is 10% off", "informational_sells_nothing"),
        (SALE, "STOP", "PLEASE", "tells_how_to_stop"),
        (SALE, "Friday", "bit.ly/x", "no_short_link"),
        (SALE, "20% off on Friday", "HUGE SALE LAST CHANCE TODAY", "all_capitals"),
        (TALK, "Your", "“Your", "one_alphabet"),
    ],
)
def test_what_is_missing_or_too_much_is_found(
    kind: WordingKind, old: str, new: str, rule: str
) -> None:
    """One thing wrong gives one finding, which names it."""
    assert rules(kind, GOOD_MORE[kind].replace(old, new)) == [rule]


def test_a_program_may_be_named_as_it_is() -> None:
    """By its own name in any case, where it is known which program it is."""
    filled = fill_in(GOOD_MORE[REQUEST].replace("{program}", "weekly OFFERS"), BRAND)
    size = Size(count_segments(filled).segments, outside_gsm7(filled))
    for program, found in (("Weekly offers", 0), ("Reminders", 1), (None, 1)):
        findings = lint_wording(REQUEST, filled, BRAND, size=size, today=TODAY, program=program)
        assert len(findings) == found


def test_a_word_or_two_in_capitals_shout_nothing() -> None:
    """Nor do the words that people text back, short ones, or a script without capitals."""
    assert rules(SALE, f"{GOOD_MORE[SALE]} NASA EUROPE") == []
    assert rules(SALE, f"{GOOD_MORE[SALE]} HELP START UNSTOP JOIN ASAP A OK USA") == []
    assert "all_capitals" not in rules(
        TALK, "您不会再收到短信 больше не получите 您不会再收到 您不会再"
    )
