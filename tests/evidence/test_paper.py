"""evidence.pdf: letters of many scripts as text, what the font has not by its number."""

import hashlib
import io
import random
import unicodedata
from datetime import UTC, datetime

import pypdf
import pytest

from consentry.evidence.document import Cell, Document, Part, Section, spell_seconds
from consentry.evidence.drawing import draw_page, draw_paper, find_unwritten
from consentry.evidence.letters import known_letters

pytestmark = pytest.mark.unit

MADE_AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SCRIPTS = {
    "Latin": "Größe, coração, zażółć, ŞĞİ",
    "Vietnamese": "Xin chào, tôi muốn hủy đăng ký",
    "Greek": "Καλημέρα",
    "Cyrillic": "Привет, Київ",
    "Arabic": "مرحبا بالعالم",
    "Hebrew": "שלום",
}
STRANGE = (
    "\x00\x01\x1b[0m",
    "\r\n\u2028x\u2029",
    "\u202egnirts",
    "e\u0301\u0302\u0303",
    "\ufeff\u200d\ufffd",
    "👨‍👩‍👧 🇺🇸",
    "#let x = 1 $a$ *b* _c_ `d` @e <f> \\ // /* [",
    "a\tb\n\n\nc",
)


def document(*texts: str) -> Document:
    """Make a document with these texts in a table."""
    rows = tuple((Cell(text, (text[:5],), "quote"), Cell(text, kind="strong")) for text in texts)
    part = Part("Part", quote=texts[0], columns=(1, 1), head=("a", "b"), rows=rows)
    return Document("Evidence", "Lead.", "Subject", "made", (Section("s", "All", (), (part,)),))


def read_pdf(paper: bytes) -> pypdf.PdfReader:
    """Read a PDF."""
    return pypdf.PdfReader(io.BytesIO(paper))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (-1, "0 ms"),
        (0.25, "250 ms"),
        (2.5, "2.5 s"),
        (61, "1 min 1 s"),
        (3720, "1 h 2 min"),
        (90_000, "1 day 1 h"),
        (180_000, "2 days 2 h"),
    ],
)
def test_how_long_something_took_is_written(seconds: float, written: str) -> None:
    """In the two units that tell most; a clock that was turned back makes nothing negative."""
    assert spell_seconds(seconds) == written


def test_words_of_many_scripts_can_be_read_back() -> None:
    """As text and not as pictures; the same content at the same time is the same file."""
    told = document(*SCRIPTS.values())
    paper = draw_paper(told, MADE_AT, "consentry.local/ledger")
    read = read_pdf(paper)
    text = "".join(page.extract_text() for page in read.pages)
    shown = unicodedata.normalize("NFKC", text)
    for script in ("Latin", "Vietnamese", "Greek", "Cyrillic"):
        assert all(word in shown for word in SCRIPTS[script].split()), script
    for script in ("Arabic", "Hebrew"):
        assert set(SCRIPTS[script]) <= set(shown), script
    assert read.metadata is not None
    assert (read.metadata.title, read.metadata.author) == ("Evidence", "consentry.local/ledger")
    root = read.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert b"<pdfaid:part>2</pdfaid:part>" in paper
    assert find_unwritten(told) == ()
    again = draw_paper(told, MADE_AT, "consentry.local/ledger")
    assert hashlib.sha256(again).digest() == hashlib.sha256(paper).digest()


def test_no_letter_stops_the_paper_and_none_is_dropped() -> None:
    """All letters of the font, random ones, signs of direction: drawn, or shown by their number."""
    known = sorted(known_letters())
    dice = random.Random(11)
    texts = ["".join(map(chr, known[at : at + 60])) for at in range(0, len(known), 60)]
    for _ in range(60):
        letters = (chr(dice.randrange(0x110000)) for _ in range(12))
        texts.append("".join(letters).encode("utf-8", "replace").decode())
    told = document("谢谢", *texts, *STRANGE)
    unwritten = find_unwritten(told)
    assert {"U+8C22", "U+202E", "U+0000", "U+200D"} <= set(unwritten)
    shown = "".join(page.extract_text() for page in read_pdf(draw_paper(told, MADE_AT, "x")).pages)
    assert "[U+8C22]" in shown
    assert "[U+202E]" in shown
    page = draw_page(told).decode()
    assert "谢谢" in page
    assert "<f>" not in page
