"""TwiML: what a webhook answers with, read as the texts that it asks to be sent.

Source: Twilio's "TwiML for Programmable Messaging". An empty answer and an empty `<Response/>` ask
for nothing, which is the only right answer to a keyword that the carrier answers itself.
"""

from collections.abc import Iterator, Mapping
from xml.parsers import expat
from xml.sax.saxutils import escape

import msgspec

EMPTY_RESPONSE = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
DEPTH_MAX = 8
_MESSAGE_TAGS = frozenset({"Message", "Sms"})


class TwimlError(ValueError):
    """An answer that is not TwiML; str() says why."""


class AskedText(msgspec.Struct, frozen=True):
    """One text that an answer asks to be sent.

    `to` and `from_number` are there where it names other numbers than those of the text that it
    answers; `callback_url` is where its program wants its status.
    """

    body: str
    media: tuple[str, ...] = ()
    to: str | None = None
    from_number: str | None = None
    callback_url: str | None = None


class _Reader:
    """Collects each Message: its text, whether it stands in it or in its Body, and its Media."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.media: list[list[str]] = []
        self.named: list[Mapping[str, str]] = []
        self.path: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self.path and name != "Response":
            raise TwimlError(f"the outermost element must be Response, not {name}")
        if len(self.path) >= DEPTH_MAX:
            raise TwimlError("elements are nested too deeply")
        self.path.append(name)
        if self._in_message() and len(self.path) == 2:
            self.texts.append("")
            self.media.append([])
            self.named.append(attributes)
        if self._in_message() and self.path[2:] == ["Media"]:
            self.media[-1].append("")

    def end(self, _name: str) -> None:
        self.path.pop()

    def data(self, text: str) -> None:
        if self._in_message() and self.path[2:] in ([], ["Body"]):
            self.texts[-1] += text
        if self._in_message() and self.path[2:] == ["Media"]:
            self.media[-1][-1] += text

    def _in_message(self) -> bool:
        return len(self.path) > 1 and self.path[1] in _MESSAGE_TAGS

    def list_asked(self) -> Iterator[AskedText]:
        """List what was collected, but what would be empty."""
        for text, media, named in zip(self.texts, self.media, self.named, strict=True):
            urls = tuple(url.strip() for url in media if url.strip())
            if text.strip() or urls:
                yield AskedText(
                    text.strip(),
                    urls,
                    named.get("to") or None,
                    named.get("from") or None,
                    named.get("statusCallback") or named.get("action") or None,
                )


def parse_twiml(body: bytes) -> tuple[str, ...]:
    """Read the words that an answer asks to send; raises TwimlError where it is not TwiML."""
    return tuple(asked.body for asked in parse_asked_texts(body) if asked.body)


def parse_asked_texts(body: bytes) -> tuple[AskedText, ...]:
    """Read all that an answer asks to send; raises TwimlError where it is not TwiML."""
    if not body.strip():
        return ()
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except TwimlError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:
        # The last two are an encoding that nobody knows, and one that expat cannot read.
        raise TwimlError(f"not well-formed XML: {error}") from error
    return tuple(reader.list_asked())


def render_twiml(*texts: str) -> bytes:
    """Write an answer that asks for these texts; none asks for nothing."""
    if not texts:
        return EMPTY_RESPONSE
    messages = "".join(f"<Message>{escape(text)}</Message>" for text in texts)
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{messages}</Response>'.encode()


def _refuse_doctype(*_declaration: object) -> None:
    # Entities are declared there, and with them a small answer can grow without bound.
    raise TwimlError("a document type declaration is not allowed")
