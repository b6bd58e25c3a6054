"""What of a registration follows from what is set up, and nothing else."""

from xml.etree import ElementTree as ET

import msgspec
import pytest

from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.opt_in_picture import draw_form, draw_text, wrap
from consentry.domain.reading import SenderKind
from consentry.domain.registration import PacketKind, list_texts
from consentry.domain.registration_values import Answers, Known, build_values, find_undescribed
from consentry.domain.templates import Template
from consentry.domain.wording_lint import WordingKind
from memory_store import START

pytestmark = pytest.mark.unit

SENDER = Sender("+14155550100", SenderKind.LONG_CODE, "acme", "twilio")
BRAND = Brand("acme", "Acme", contact="help@acme.example")
PROGRAM = Program(
    "promo",
    "acme",
    Purpose.MARKETING,
    "Offers",
    description="what is cheaper this week",
    terms_url="https://acme.example/terms",
    privacy_url="https://acme.example/privacy",
)
NEWS = Program("news", "acme", Purpose.INFORMATIONAL, "Order news")
KNOWN = Known(
    sender=SENDER,
    brand=BRAND,
    programs=(),
    calls=(),
    templates=(),
    answers=Answers("in", "out", "help", ("JOIN",), ("STOP",), ("HELP",)),
    shown="+1 415 555 0100",
)


def call(medium: CallMedium, keyword: str | None = None) -> CallToAction:
    wording = Wording("Offers", keyword=keyword)
    text = "I agree to offers\nfrom Acme."
    return CallToAction("offers", 1, "promo", medium, "en", wording, text, "<p>", "", START)


def template(body: str, kind: WordingKind = WordingKind.MARKETING) -> Template:
    return Template(f"tpl {body}", "acme", "x", kind, body, START, START)


def known(**changes: object) -> Known:
    return msgspec.structs.replace(KNOWN, **changes)


def test_a_conversation_alone_is_described_by_its_number() -> None:
    """People text first; the words beside the number are those of the contact page."""
    values = build_values(PacketKind.TEN_DLC, KNOWN)
    assert values["Description"] == (
        "Acme answers people who text +1 415 555 0100 first, about their questions."
    )
    flow = str(values["MessageFlow"])
    assert flow.startswith("People text +1 415 555 0100 first;")
    assert "By texting this number you agree that Acme may answer" in flow
    assert (values["MessageSamples"], values["HasEmbeddedLinks"]) == ((), None)
    assert values["OptOutKeywords"] == ("STOP",)
    assert build_values(PacketKind.TOLL_FREE, KNOWN)["OptInType"] == "VIA_TEXT"


def test_programs_are_described_in_the_companys_own_words() -> None:
    """With what they are about, where that is set, and with the pages of the first one with any."""
    values = build_values(PacketKind.TOLL_FREE, known(programs=(NEWS, PROGRAM)))
    assert str(values["UseCaseSummary"]).endswith(
        "Acme sends informational texts to people who agreed to Order news. "
        "Acme sends marketing texts to people who agreed to Offers: what is cheaper this week."
    )
    assert values["TermsAndConditionsUrl"] == "https://acme.example/terms"
    assert values["PrivacyPolicyUrl"] == "https://acme.example/privacy"
    assert "https://acme.example/terms" in str(values["AdditionalInformation"])


@pytest.mark.parametrize(
    ("medium", "keyword", "public_url", "told"),
    [
        (
            CallMedium.WEB,
            None,
            "https://sms.example",
            ("On https://sms.example/opt-in/offers ", "WEB_FORM"),
        ),
        (CallMedium.WEB, None, None, ("On a web page people type in", "WEB_FORM")),
        (CallMedium.KEYWORD, "DEALS", None, ("People text DEALS to +1 415 555 0100", "VIA_TEXT")),
        (CallMedium.KEYWORD, None, None, ("People text a word to", "VIA_TEXT")),
        (CallMedium.PAPER, None, None, ("On a paper form", "PAPER_FORM")),
        (CallMedium.VERBAL, None, None, ("after an agent has read to them", "VERBAL")),
    ],
)
def test_each_call_to_action_is_told_as_people_meet_it(
    medium: CallMedium, keyword: str | None, public_url: str | None, told: tuple[str, str]
) -> None:
    """With what they are shown, word for word, and that the handset must confirm."""
    values = build_values(
        PacketKind.TOLL_FREE, known(calls=(call(medium, keyword),), public_url=public_url)
    )
    assert list_texts(values["OptInKeywords"])[0] == (keyword or "JOIN")
    flow, (said, opt_in_type) = str(values["AdditionalInformation"]), told
    assert said in flow
    assert '"I agree to offers from Acme." They are texted more only after' in flow
    assert values["OptInType"] == opt_in_type


def test_a_program_that_nobody_is_asked_for_is_found() -> None:
    """How people agree to it would be missing in the flow; one with a call to action is fine."""
    both = known(programs=(PROGRAM, NEWS), calls=(call(CallMedium.WEB),))
    (finding,) = find_undescribed(both)
    assert "How people agree to Order news is not described." in finding.says
    assert find_undescribed(KNOWN) == ()


def test_samples_are_the_companys_wordings_at_most_five() -> None:
    """Filled in, with brackets for what its programs fill in; answers and deleted ones are none."""
    gone = msgspec.structs.replace(template("gone"), deleted_at=START)
    answer = template("help", WordingKind.HELP_REPLY)
    order = template("{brand}: order {order} left, see a.example/track", WordingKind.INFORMATIONAL)
    values = build_values(PacketKind.TEN_DLC, known(templates=(gone, answer, order)))
    assert values["MessageSamples"] == ("Acme: order [order] left, see a.example/track",)
    assert (values["HasEmbeddedLinks"], values["HasEmbeddedPhone"]) == (True, False)
    many = known(templates=tuple(template(f"call +1 415 555 01{n}0") for n in range(7)))
    values = build_values(PacketKind.TEN_DLC, many)
    assert len(values["MessageSamples"] or ()) == 5  # type: ignore[arg-type]
    assert (values["HasEmbeddedLinks"], values["HasEmbeddedPhone"]) == (False, True)
    free = build_values(PacketKind.TOLL_FREE, many)
    assert free["ProductionMessageSample"] == "call +1 415 555 0100"


def test_a_name_that_nobody_can_text_has_no_first_text() -> None:
    """An alphanumeric sender stands beside no number."""
    name = Sender("Acme", SenderKind.ALPHANUMERIC, "acme", "twilio")
    assert build_values(PacketKind.TEN_DLC, known(sender=name))["MessageFlow"] == ""


def test_the_picture_is_an_image_with_every_word_in_it() -> None:
    """It is well-formed, the box is empty, and markup in a wording stays text."""
    text = "I agree to <b>offers</b> & news " * 12
    drawn = draw_form("Offers", text, field="Mobile number", button="Sign up")
    tree = ET.fromstring(drawn)  # noqa: S314 - we drew it
    words = " ".join(node.text or "" for node in tree.iter() if node.tag.endswith("text"))
    assert " ".join(text.split()) in words
    assert "Mobile number" in words
    assert "Sign up" in words
    beside = ET.fromstring(draw_text("Text Acme", text))  # noqa: S314 - we drew it
    assert int(beside.get("height") or 0) > 104


def test_lines_break_between_words() -> None:
    """No line is longer than it may be but for a word that is."""
    assert wrap("") == [""]
    assert wrap("aa bb cc", 5) == ["aa bb", "cc"]
    assert wrap("a " + "x" * 9 + " b", 5) == ["a", "x" * 9, "b"]
