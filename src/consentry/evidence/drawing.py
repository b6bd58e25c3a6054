"""The document as a page (HTML) and as paper (PDF)."""

from datetime import datetime
from functools import cache

import jinja2

from consentry.evidence.document import Cell, Document, Part, Section
from consentry.evidence.letters import runs_right_to_left, spell_unknown
from consentry.evidence.typesetting import Paper, typeset


@cache
def _build_templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("consentry.evidence", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )


def draw_page(document: Document) -> bytes:
    """Draw the page; it needs nothing from anywhere."""
    page = _build_templates().get_template("evidence.html").render(document=document)
    # A lone half of a character (a broken text) has no UTF-8.
    return page.encode("utf-8", "replace")


def draw_paper(document: Document, made_at: datetime, author: str) -> bytes:
    """Draw the paper (PDF/A-2a, PDF/UA-1): the same document and time give the same bytes."""
    told = _Paper(set()).tell(document, author)
    return typeset(Paper(told, made_at.replace(microsecond=0)))


def find_unwritten(document: Document) -> tuple[str, ...]:
    """Tell the letters of a document that the font has not, without drawing it."""
    unknown: set[str] = set()
    _Paper(unknown).tell(document, "")
    return tuple(sorted(unknown))


class _Paper:
    """Writes a document as the template reads it, with the letters that the font has."""

    def __init__(self, unknown: set[str]) -> None:
        self._unknown = unknown

    def tell(self, document: Document, author: str) -> dict[str, object]:
        return {
            "title": self._spell(document.title),
            "lead": self._spell(document.lead),
            "subject": self._spell(document.subject),
            "made": self._spell(document.made),
            "author": self._spell(author),
            "sections": [self._section(section) for section in document.sections],
        }

    def _section(self, section: Section) -> dict[str, object]:
        return {
            "title": self._spell(section.title),
            "lines": [self._spell(line) for line in section.lines],
            "parts": [self._part(part) for part in section.parts],
        }

    def _part(self, part: Part) -> dict[str, object]:
        return {
            "title": self._spell(part.title),
            "lines": [self._spell(line) for line in part.lines],
            "quote": self._spell(part.quote),
            "rtl": runs_right_to_left(part.quote),
            "columns": part.columns,
            "head": part.head,
            "rows": [[self._cell(cell) for cell in row] for row in part.rows],
            "notes": [self._spell(line) for line in part.notes],
        }

    def _cell(self, cell: Cell) -> dict[str, object]:
        return {
            "t": self._spell(cell.text),
            "kind": cell.kind,
            "small": [self._spell(line) for line in cell.small],
            "rtl": cell.kind == "quote" and runs_right_to_left(cell.text),
        }

    def _spell(self, text: str) -> str:
        return spell_unknown(text, self._unknown)
