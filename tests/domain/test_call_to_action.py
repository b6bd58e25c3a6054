"""Calls to action: what is made of their parts, and what each must show."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_world import DIRECTORY, NEWS, PROMO, SENDERS, SHORT
from consentry.domain.call_to_action_check import (
    Shown,
    check_call,
    check_shown,
    good_for,
    missing_checks,
)
from consentry.domain.call_to_action_form import Asking, find_asking, write_disclosure, write_html
from consentry.domain.call_to_action_words import LANGUAGES, TABLE, words_of
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Directory, Program
from consentry.domain.entries import Evidence, Medium
from consentry.domain.intake import missing_evidence
from consentry.domain.reading import SenderKind
from consentry.domain.standing import ConsentLevel

pytestmark = pytest.mark.unit

WORDING = Wording("Deals by text", keyword="JOIN", terms="https://a.example/t?a=1&b=2")


def asking(program: Program = PROMO, language: str = "en") -> Asking:
    """Ask for a program in a language."""
    words = words_of(language)
    assert words is not None
    return find_asking(DIRECTORY, program, words)


def shown(
    medium: CallMedium = CallMedium.WEB,
    wording: Wording = WORDING,
    asked: Asking | None = None,
) -> Shown:
    """Show a wording."""
    asked = asked or asking()
    html = write_html(asked, medium, wording, call="cta_1", locale="en")
    return Shown(medium, write_disclosure(asked, medium, wording), html)


def failed(judged: Shown, program: Program = PROMO, language: str = "en") -> set[str]:
    """Name the checks that are not met."""
    checks = check_shown(judged, asking(program, language))
    return {check.id for check in checks if not check.is_met}


class Reader(HTMLParser):
    """Reads HTML strictly: every element that opens closes in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.inputs: list[dict[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what opens."""
        if tag == "input":
            self.inputs.append(dict(attrs))
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the one that opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather the text."""
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("medium", CallMedium)
def test_what_is_made_of_parts_passes_every_check(medium: CallMedium, language: str) -> None:
    """Each medium, each language; only what is spoken is not in writing."""
    asked = asking(language=language)
    judged = shown(medium, asked=asked)
    spoken = {"in_writing"} if medium is CallMedium.VERBAL else set()
    assert failed(judged, language=language) == spoken
    assert "{" not in judged.text + judged.html


def test_what_passes_is_enough_for_express_written_consent() -> None:
    """The checklist asks for no less than a grant does."""
    judged = shown()
    evidence = Evidence(Medium.WEB, call_to_action=judged.text)
    level = ConsentLevel.EXPRESS_WRITTEN
    brand = DIRECTORY.brands["acme"]
    assert missing_evidence(level, evidence, PROMO, brand, senders=SENDERS) == ()
    assert good_for(check_shown(judged, asking())) is level


@pytest.mark.parametrize(
    ("gone", "check"),
    [
        ("Acme", "names_seller"),
        ("Deals", "names_program"),
        ("not a condition of purchase", "says_no_condition"),
        ("automated", "says_automated"),
        ("marketing", "says_marketing"),
        ("rates", "says_rates"),
        ("HELP", "tells_help"),
        ("STOP", "tells_stop"),
    ],
)
def test_a_wording_of_ones_own_must_tell_everything(gone: str, check: str) -> None:
    """Whatever is left out of a wording that told all of it is named."""
    text = shown().text.replace(gone, "…").replace(gone.lower(), "…")
    assert failed(shown(wording=msgspec.structs.replace(WORDING, text=text))) == {check}


def test_a_number_that_texts_must_be_named() -> None:
    """One of the program's numbers, however it is written."""
    bare = "Acme Deals: automated marketing texts. Not a condition of purchase. Msg & data rates "
    bare += "may apply. HELP for help, STOP to stop."
    for number, misses in (("", True), ("(415) 555-0100", False), ("+1 415 555 9999", True)):
        wording = msgspec.structs.replace(WORDING, text=f"{bare} {number}")
        assert ("names_number" in failed(shown(wording=wording))) is misses


def test_a_disclosure_stands_apart_and_nothing_is_ticked() -> None:
    """One paragraph, not a page of text; a ticked box is found."""
    text = shown().text
    for broken in (f"{text}\nAnd more", text + " x" * 500):
        wording = msgspec.structs.replace(WORDING, text=broken)
        assert failed(shown(wording=wording)) == {"stands_apart"}
    ticked = msgspec.structs.replace(shown(), html='<input type="checkbox" CHECKED>')
    assert failed(ticked) == {"nothing_ticked"}


def test_an_informational_program_needs_less_and_gives_less() -> None:
    """No word of marketing is needed; the consent is express, not express written."""
    judged = shown(asked=asking(NEWS))
    checks = check_shown(judged, asking(NEWS))
    assert missing_checks(checks) == ()
    assert good_for(checks) is ConsentLevel.EXPRESS
    assert {check.id for check in missing_checks(check_shown(judged, asking()))} >= {
        "says_marketing",
        "says_automated",
    }


def test_a_stored_version_is_judged_by_the_names_of_today() -> None:
    """A brand with another name is not named any more; a program or language gone is an error."""
    judged = shown()
    at = datetime(2026, 11, 30, tzinfo=UTC)
    call = CallToAction(
        "cta_1", 3, "promo", CallMedium.WEB, "en", WORDING, judged.text, judged.html, "", at
    )
    assert call.version_id == "cta_1/3"
    assert missing_checks(check_call(call, DIRECTORY)) == ()
    renamed = msgspec.structs.replace(DIRECTORY.brands["acme"], name="Newco")
    directory = msgspec.structs.replace(DIRECTORY, brands={"acme": renamed})
    assert [check.id for check in missing_checks(check_call(call, directory))] == ["names_seller"]
    for broken, where in ((call, Directory()), (_in_latin(call), DIRECTORY)):
        with pytest.raises(LookupError):
            check_call(broken, where)


def _in_latin(call: CallToAction) -> CallToAction:
    return msgspec.structs.replace(call, locale="la")


def test_numbers_that_can_be_answered_are_named() -> None:
    """Those that are switched on, as people write them; a name only where there is nothing else."""
    off = msgspec.structs.replace(SHORT, enabled=False)
    named = msgspec.structs.replace(SHORT, number="ACME", kind=SenderKind.ALPHANUMERIC)
    words = asking().words
    for senders, numbers in (
        ((SENDERS[0], off, named), "+1\xa0415\xa0555\xa00100"),
        ((SENDERS[0], SHORT), "+1\xa0415\xa0555\xa00100 or 55555"),
        ((named,), "ACME"),
        ((), ""),
    ):
        directory = msgspec.structs.replace(DIRECTORY, senders={s.number: s for s in senders})
        asked = find_asking(directory, PROMO, words)
        assert asked.numbers == numbers
        check = next(c for c in check_shown(shown(), asked) if c.id == "names_number")
        assert (numbers or "none is set up yet") in check.says


def test_each_medium_shows_what_its_person_needs() -> None:
    """A form on the web, lines to fill in on paper, words alone elsewhere; links where given."""
    web = shown().html
    assert '<input id="cta_1-agree" name="agree" type="checkbox" value="yes" required>' in web
    assert '<a href="https://a.example/t?a=1&amp;b=2">Terms</a>' in web
    assert "What happens next: Acme" in web
    paper = shown(CallMedium.PAPER).html
    assert "Signature: ___" in paper
    assert "<input" not in paper
    for medium in (CallMedium.KEYWORD, CallMedium.VERBAL):
        assert "<input" not in shown(medium).html
    assert "By texting JOIN to" in shown(CallMedium.KEYWORD).text
    without = msgspec.structs.replace(WORDING, terms=None)
    assert "<a " not in shown(wording=without).html
    once = msgspec.structs.replace(PROMO, recurring=False)
    assert "send me recurring marketing texts (Deals)," in shown().text
    assert "send me marketing texts (Deals)," in shown(asked=asking(once)).text
    ended = msgspec.structs.replace(WORDING, frequency="4 msgs a month")
    assert " 4 msgs a month. " in shown(wording=ended).text


@given(st.text(), st.text(min_size=1), st.sampled_from(CallMedium))
@settings(max_examples=50)
@pytest.mark.property
def test_html_is_valid_whatever_is_filled_in(heading: str, text: str, medium: CallMedium) -> None:
    """Every element closes, nothing is ticked, and what was written is shown as it was written."""
    heading, text = (part.replace("\r", " ").replace("\0", " ") for part in (heading, text))
    reader = Reader()
    reader.feed(shown(medium, Wording(heading, text=f"x{text}x", keyword="JOIN")).html)
    assert reader.open == []
    assert all("checked" not in given for given in reader.inputs)
    assert heading in reader.text
    assert f"x{text}x".strip() in reader.text


def test_every_row_has_its_source_and_its_check() -> None:
    """The data name where each requirement comes from; each is judged."""
    judged = {check.id: check.source for check in check_shown(shown(), asking())}
    assert judged == {row.id: row.source for row in TABLE.checks}
    assert all(judged.values())
    assert words_of("es-MX") is words_of("es")
    assert words_of("la") is None
