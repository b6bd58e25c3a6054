"""The opt-in language for a contact page: complete, valid and harmless whatever is filled in."""

from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_world import LONG
from consentry.domain.contact_snippet import (
    FREQUENCY_DEFAULT,
    LinkRefused,
    Offer,
    Snippet,
    build_snippet,
    read_link,
    to_html,
    to_text,
)
from consentry.domain.directory import Brand
from consentry.domain.reading import SenderKind

pytestmark = pytest.mark.unit

BRAND = Brand("acme", "Acme", contact="help@acme.example")
SHOWN = "+1 415 555 0100"
FULL = Offer(terms="https://acme.example/terms", privacy="https://acme.example/privacy?a=1&b=2")


class Reader(HTMLParser):
    """Reads HTML strictly: every element that opens closes in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def build(offer: Offer = FULL, brand: Brand = BRAND) -> Snippet:
    snippet = build_snippet(LONG, brand, offer, shown=SHOWN)
    assert snippet is not None
    return snippet


def test_it_says_all_that_must_be_said() -> None:
    """Who texts, from which number, what about, how often, the costs, help, stop and the links."""
    text = to_text(build(Offer(about="your order", frequency="Up to 3 messages a week")))
    for said in (
        "Acme may answer you by text message",
        SHOWN,
        "about your order",
        "Up to 3 messages a week.",
        "Msg & data rates may apply.",
        "Reply HELP for help, or contact help@acme.example.",
        "Reply STOP to opt out at any time",
        "no further messages",
    ):
        assert said in text
    assert "https://acme.example/terms" in to_text(build())


def test_what_is_left_out_leaves_no_hole() -> None:
    """Without contact and links the sentences are whole, and there is no empty paragraph."""
    text = to_text(build(Offer(), Brand("acme", "Acme")))
    assert "Reply HELP for help. Reply STOP" in text
    assert FREQUENCY_DEFAULT in text
    assert "Terms" not in text
    assert text.endswith("from this number.\n")
    only_privacy = to_text(build(Offer(privacy="https://acme.example/p")))
    assert only_privacy.endswith("\n\nPrivacy policy: https://acme.example/p\n")


def test_a_name_cannot_be_texted() -> None:
    """An alphanumeric sender has no contact-page text: nobody can text it."""
    name = msgspec.structs.replace(LONG, number="ACME", kind=SenderKind.ALPHANUMERIC)
    assert build_snippet(name, BRAND, FULL, shown="ACME") is None


def test_the_html_opens_the_persons_messages() -> None:
    """The number is an `sms:` link, and both pages are linked; nothing else is in the HTML."""
    reader = read(to_html(build()))
    links = [values["href"] for tag, values in reader.elements if tag == "a"]
    assert links == [f"sms:{LONG.number}", FULL.terms, FULL.privacy]
    assert {tag for tag, _ in reader.elements} == {"section", "h2", "p", "a"}


@given(
    about=st.text(max_size=80),
    frequency=st.text(max_size=80),
    name=st.text(max_size=80),
    contact=st.none() | st.text(max_size=80),
)
def test_whatever_is_filled_in_is_text_and_stays_text(
    about: str, frequency: str, name: str, contact: str | None
) -> None:
    """No field can bring in an element, an attribute or a script; people read what was typed."""
    offer = Offer(about=about, frequency=frequency, terms=FULL.terms)
    reader = read(to_html(build(offer, Brand("b", name, contact))))
    assert [tag for tag, _ in reader.elements] == ["section", "h2", *"p", "a", *"pp", "p", "a"]
    assert {key for _, values in reader.elements for key in values} == {"class", "lang", "href"}
    # HTML reads every kind of line end as one, and takes away what is no character.
    plain = [t for t in (about, frequency, name) if t.isprintable()]
    assert all(text in reader.text for text in plain)


def test_an_address_cannot_leave_its_attribute() -> None:
    """A quote within an address ends nothing."""
    hostile = 'https://acme.example/"onclick="alert(1)'
    reader = read(to_html(build(Offer(terms=hostile))))
    assert {key for _, values in reader.elements for key in values} == {"class", "lang", "href"}
    assert hostile in [values.get("href") for _, values in reader.elements]


@pytest.mark.parametrize("text", ["", "  "])
def test_no_address_is_none(text: str) -> None:
    """An empty field is no link."""
    assert read_link(text) is None


def test_an_address_is_taken_as_it_is() -> None:
    """White space around it is dropped."""
    assert read_link(" https://acme.example/terms#sms ") == "https://acme.example/terms#sms"


@pytest.mark.parametrize(
    "text",
    [
        *("acme.example/terms", "javascript:alert(1)", "ftp://acme.example", "https://"),
        *("https://[", "https://acme.example/a b", "https://acme.example/\x00", "data:text/html,x"),
        "https://acme.example/" + "x" * 500,
    ],
)
def test_what_is_no_web_address_is_refused(text: str) -> None:
    """Only http and https addresses can stand on a page, and the message says how to write one."""
    with pytest.raises(LinkRefused, match=r"https://example\.org/terms"):
        read_link(text)
