"""Our own answers: short, compliant from the start, and the company's to word."""

import msgspec
import pytest

from consent_world import LONG
from consentry.domain.directory import Brand, Replies
from consentry.domain.gate import MessageKind
from consentry.domain.replies import INITIAL_REPLY_CHARACTERS_MAX, OPT_OUT_BRIEF, render_reply
from consentry.wire.gsm7 import Encoding, count_segments

pytestmark = pytest.mark.unit

BRAND = Brand("acme", "Acme Tools", contact="help@acme.example")
OF_PROGRAMS = (MessageKind.OPT_IN_REQUEST, MessageKind.PROGRAM_CONFIRMATION)
OURS = [kind for kind in MessageKind if kind not in (MessageKind.MESSAGE, *OF_PROGRAMS)]


@pytest.mark.parametrize("kind", OURS)
def test_defaults_name_the_brand_in_one_segment(kind: MessageKind) -> None:
    """Each default is one GSM-7 segment that says who texts."""
    text = render_reply(kind, LONG, BRAND)
    assert "Acme Tools" in text
    assert "{" not in text
    size = count_segments(text)
    assert (size.encoding, size.segments) == (Encoding.GSM7, 1)
    assert len(text) <= INITIAL_REPLY_CHARACTERS_MAX


@pytest.mark.parametrize(
    "kind", [MessageKind.INITIAL_REPLY, MessageKind.OPT_IN_CONFIRMATION, MessageKind.HELP_REPLY]
)
def test_defaults_say_how_to_opt_out(kind: MessageKind) -> None:
    """Whoever may be texted is told how to stop it."""
    assert "STOP" in render_reply(kind, LONG, BRAND)


def test_the_initial_reply_says_that_the_message_was_received() -> None:
    """The first answer: received, and how to opt out, at most 300 characters."""
    text = render_reply(MessageKind.INITIAL_REPLY, LONG, BRAND)
    assert "got your message" in text
    assert "Reply STOP to opt out" in text
    assert INITIAL_REPLY_CHARACTERS_MAX == 300


def test_the_confirmation_sells_nothing() -> None:
    """The answer to an opt-out says that it is done, and no more (47 CFR 64.1200(a)(12))."""
    text = render_reply(MessageKind.OPT_OUT_CONFIRMATION, LONG, BRAND)
    assert text == "Acme Tools: you are opted out and will get no further messages."
    assert text.endswith(OPT_OUT_BRIEF.removeprefix("You "))
    assert count_segments(OPT_OUT_BRIEF).segments == 1


def test_help_names_the_contact_where_there_is_one() -> None:
    """HELP answers with the brand, the contact and how to stop."""
    assert "help@acme.example" in render_reply(MessageKind.HELP_REPLY, LONG, BRAND)
    plain = render_reply(MessageKind.HELP_REPLY, LONG, Brand("x", "X"))
    assert plain == "X: Reply STOP to opt out. Msg & data rates may apply."


@pytest.mark.parametrize("kind", [MessageKind.MESSAGE, *OF_PROGRAMS])
def test_what_needs_more_than_a_brand_has_no_wording_here(kind: MessageKind) -> None:
    """A text somebody wrote is its own; what a program says needs the program."""
    assert render_reply(kind, LONG, BRAND) == ""


@pytest.mark.parametrize("kind", OURS)
def test_the_wording_is_the_companys(kind: MessageKind) -> None:
    """Each answer can be worded per sender; the brand's name is filled in."""
    own = Replies(
        initial="Hi from {brand}. STOP ends.",
        opt_out="Hi from {brand}. STOP ends.",
        opt_in="Hi from {brand}. STOP ends.",
        help="Hi from {brand}. STOP ends.",
    )
    sender = msgspec.structs.replace(LONG, replies=own)
    assert render_reply(kind, sender, BRAND) == "Hi from Acme Tools. STOP ends."
    blank = msgspec.structs.replace(LONG, replies=Replies("", "", "", ""))
    assert render_reply(kind, blank, BRAND) == render_reply(kind, LONG, BRAND)


def test_a_long_brand_name_never_makes_the_initial_reply_too_long() -> None:
    """Our default cuts the name; the company's wording gives way to the default."""
    long_name = Brand("acme", "A" * 200)
    text = render_reply(MessageKind.INITIAL_REPLY, LONG, long_name)
    assert len(text) <= INITIAL_REPLY_CHARACTERS_MAX
    assert "STOP" in text
    own = msgspec.structs.replace(LONG, replies=Replies(initial="{brand} {brand} STOP ends."))
    assert render_reply(MessageKind.INITIAL_REPLY, own, long_name) == text
    confirmation = render_reply(MessageKind.OPT_OUT_CONFIRMATION, LONG, long_name)
    assert count_segments(confirmation).segments == 1


def test_a_plain_message_has_no_wording_of_ours() -> None:
    """What somebody wrote is not ours to word."""
    assert render_reply(MessageKind.MESSAGE, LONG, BRAND) == ""
