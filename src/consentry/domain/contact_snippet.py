"""The opt-in language for a contact page: what stands beside a number that people may text.

Whoever texts an advertised number opts in by it, so the page says beforehand what they agree to
(CTIA 5.1: who texts, about what, how often, what it costs, how to get help and how to stop).
"""

from html import escape
from typing import Final
from urllib.parse import urlsplit

import msgspec

from consentry.domain.directory import Brand, Sender
from consentry.domain.reading import SenderKind

ABOUT_DEFAULT: Final = "your question"
FREQUENCY_DEFAULT: Final = "The number of messages depends on your conversation with us."
TEXT_CHARACTERS_MAX: Final = 200
LINK_CHARACTERS_MAX: Final = 500


class Offer(msgspec.Struct, frozen=True):
    """What the company adds: what people text about, how often it answers, links to its pages."""

    about: str = ABOUT_DEFAULT
    frequency: str = FREQUENCY_DEFAULT
    terms: str | None = None
    privacy: str | None = None


class Part(msgspec.Struct, frozen=True):
    """A piece of a paragraph: text, or a link."""

    text: str
    link: str | None = None


class Snippet(msgspec.Struct, frozen=True):
    """A heading and paragraphs, from which the HTML, the plain text and the preview are made."""

    heading: str
    paragraphs: tuple[tuple[Part, ...], ...]


class LinkRefused(ValueError):
    """A link that cannot stand on a contact page; the message says what to write."""


def read_link(text: str) -> str | None:
    """Read the address of one of the company's pages; None where there is none.

    Raises `LinkRefused` for what is no address of the web.
    """
    link = text.strip()
    if not link:
        return None
    try:
        parts = urlsplit(link)
        works = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        works = False
    fits = len(link) <= LINK_CHARACTERS_MAX and link.isprintable() and " " not in link
    if not (works and fits):
        raise LinkRefused("This is no web address. Write it as https://example.org/terms.")
    return link


def build_snippet(sender: Sender, brand: Brand, offer: Offer, *, shown: str) -> Snippet | None:
    """Word the opt-in language of a sender; None for a name, which nobody can text.

    `shown` is the number as people write it.
    """
    if sender.kind is SenderKind.ALPHANUMERIC:
        return None
    number = Part(shown, f"sms:{sender.number}")
    contact = f", or contact {brand.contact}" if brand.contact else ""
    agreed = (
        f"By texting this number you agree that {brand.name} may answer you by text message, "
        f"about {offer.about}, at the number that you text from. {_end(offer.frequency)} "
        "Msg & data rates may apply. Carriers are not liable for delayed or undelivered "
        "messages."
    )
    rights = (
        f"Reply HELP for help{contact}. Reply STOP to opt out at any time: "
        "you then get no further messages from this number."
    )
    paragraphs: list[tuple[Part, ...]] = [
        (Part("Text us at "), number, Part(".")),
        (Part(agreed),),
        (Part(rights),),
    ]
    links = _links(offer)
    if links:
        paragraphs.append(links)
    return Snippet(f"Text {brand.name}", tuple(paragraphs))


def _end(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _links(offer: Offer) -> tuple[Part, ...]:
    named = (("Terms", offer.terms), ("Privacy policy", offer.privacy))
    parts: list[Part] = []
    for name, link in named:
        if link is not None:
            parts += [Part(" · ")] if parts else []
            parts.append(Part(name, link))
    return tuple(parts)


def to_html(snippet: Snippet) -> str:
    """Write it as a piece of HTML for any page: no script, no style, everything escaped."""
    lines = [f"  <p>{''.join(map(_to_html_part, p))}</p>" for p in snippet.paragraphs]
    heading = f"  <h2>{escape(snippet.heading)}</h2>"
    return "\n".join(['<section class="text-us" lang="en">', heading, *lines, "</section>"]) + "\n"


def _to_html_part(part: Part) -> str:
    if part.link is None:
        return escape(part.text)
    return f'<a href="{escape(part.link)}">{escape(part.text)}</a>'


def to_text(snippet: Snippet) -> str:
    """Write it as plain text, with the addresses of web pages in full."""
    paragraphs = ["".join(map(_to_text_part, p)) for p in snippet.paragraphs]
    return "\n\n".join([snippet.heading, *paragraphs]) + "\n"


def _to_text_part(part: Part) -> str:
    if part.link is None or part.link.startswith("sms:"):
        return part.text
    return f"{part.text}: {part.link}"
