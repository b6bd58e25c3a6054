"""QR codes: of the opt-in page, or of a text that is ready to be sent."""

import io
from urllib.parse import quote

from consentry.domain.calls_to_action import CallMedium, CallToAction
from consentry.domain.campaign_keywords import campaign_word
from consentry.domain.directory import Directory
from consentry.domain.reading import SenderKind


def find_target(call: CallToAction, directory: Directory, address: str) -> str:
    """Say what a code leads to: the page at `address`, or a text with the keyword in it.

    The text goes to the number that hears the keyword, else to the program's first number.
    """
    program, word = directory.program(call.program), call.wording.keyword
    if call.medium is not CallMedium.KEYWORD or program is None or word is None:
        return address
    hearing = {
        keyword.sender
        for keyword in directory.keywords.values()
        if keyword.program == program.id and keyword.word == campaign_word(word)
    }
    able = [
        sender.number
        for sender in directory.senders_of(program)
        if sender.enabled and sender.kind is not SenderKind.ALPHANUMERIC
    ]
    chosen = next((number for number in able if number in hearing), able[0] if able else None)
    return address if chosen is None else f"sms:{chosen}?body={quote(word)}"


def draw_svg(target: str) -> bytes:
    """Draw a code as SVG, dark on white whatever page it stands on."""
    return _draw(target, "svg")


def draw_png(target: str) -> bytes:
    """Draw a code as PNG, large enough to be printed."""
    return _draw(target, "png")


def _draw(target: str, kind: str) -> bytes:
    # Imported only where a code is drawn, so that a server starts without it.
    import segno  # noqa: PLC0415 - see above

    drawn = io.BytesIO()
    segno.make_qr(target, error="m").save(drawn, kind=kind, scale=10, border=4, light="white")
    return drawn.getvalue()
