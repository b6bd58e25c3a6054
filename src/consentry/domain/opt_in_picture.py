"""A drawing of what people see before they agree, as SVG: for reviewers who ask for a picture."""

from html import escape
from typing import Final

_WIDTH: Final = 720
_MARGIN: Final = 40
_LINE: Final = 26
_LINE_CHARACTERS: Final = 76


def wrap(text: str, most: int = _LINE_CHARACTERS) -> list[str]:
    """Break a text into lines between words; a word that is longer has a line of its own."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= most or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def draw_form(heading: str, text: str, *, field: str, button: str) -> str:
    """Draw a form: a field for the number, an empty box beside the text, a button."""
    lines = wrap(text, _LINE_CHARACTERS - 4)
    top = 180
    drawn = [
        _write(heading, _MARGIN, 60, size=26),
        _write(field, _MARGIN, 104),
        _frame(_MARGIN, 116, 320, 36),
        _frame(_MARGIN, top, 20, 20),
        *_write_lines(lines, _MARGIN + 34, top + 16),
    ]
    below = top + len(lines) * _LINE + 14
    drawn += [_frame(_MARGIN, below, 200, 40), _write(button, _MARGIN + 20, below + 26)]
    return _draw(drawn, below + 80)


def draw_text(heading: str, text: str) -> str:
    """Draw words that stand beside a number."""
    lines = wrap(text)
    drawn = [_write(heading, _MARGIN, 60, size=26), *_write_lines(lines, _MARGIN, 104)]
    return _draw(drawn, 104 + len(lines) * _LINE + 20)


def _draw(drawn: list[str], height: int) -> str:
    body = "\n".join(f"  {one}" for one in drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" fill="#1a1a1a">\n'
        f'  <rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _frame(x: int, y: int, width: int, height: int) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="#ffffff" '
        'stroke="#444444"/>'
    )


def _write(text: str, x: int, y: int, *, size: int = 16) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}">{escape(text)}</text>'


def _write_lines(lines: list[str], x: int, y: int) -> list[str]:
    return [_write(line, x, y + at * _LINE) for at, line in enumerate(lines)]
