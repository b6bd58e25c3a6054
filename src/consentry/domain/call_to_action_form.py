"""The disclosure of a call to action, and the HTML in which it is shown: made from its parts."""

import re
from html import escape
from typing import Final, assert_never

import msgspec

from consentry.domain.call_to_action_words import Words
from consentry.domain.calls_to_action import CallMedium, Wording
from consentry.domain.directory import Brand, Directory, Program, Purpose, Sender
from consentry.domain.phone import group_number
from consentry.domain.reading import SenderKind

PHONE_FIELD: Final = "phone"
NAME_FIELD: Final = "name"
AGREE_FIELD: Final = "agree"
_BLANK: Final = "_" * 30
_SAFE_ID: Final = re.compile(r"[^A-Za-z0-9_-]")


class Asking(msgspec.Struct, frozen=True):
    """In whose name, for what and from which numbers people are asked, in which words."""

    brand: Brand
    program: Program
    senders: tuple[Sender, ...]
    words: Words

    @property
    def is_marketing(self) -> bool:
        """Tell whether the program needs express written consent."""
        return self.program.purpose is Purpose.MARKETING

    @property
    def numbers(self) -> str:
        """The numbers that text, as people write them: `a, b or c`."""
        shown = [group_number(sender.number) for sender in self.senders]
        if len(shown) < 2:
            return "".join(shown)
        return f"{', '.join(shown[:-1])} {self.words.or_} {shown[-1]}"


def find_asking(directory: Directory, program: Program, words: Words) -> Asking:
    """Look up what a call to action of a program names: its brand, and who texts for it."""
    enabled = tuple(sender for sender in directory.senders_of(program) if sender.enabled)
    reachable = tuple(s for s in enabled if s.kind is not SenderKind.ALPHANUMERIC)
    return Asking(directory.brands[program.brand], program, reachable or enabled, words)


def write_disclosure(asking: Asking, medium: CallMedium, wording: Wording) -> str:
    """Write what a person agrees to, as one paragraph of plain text."""
    if wording.text is not None:
        return wording.text.strip()
    words = asking.words
    body = words.marketing if asking.is_marketing else words.informational
    filled = {
        "brand": asking.brand.name,
        "program": asking.program.name,
        "numbers": asking.numbers,
        "button": words.button,
        "keyword": wording.keyword or "",
        "recurring": words.recurring if asking.program.recurring else "",
    }
    opening = words.openings[medium].format_map(filled)
    said = body.format_map(filled | {"to": words.to[medium]})
    often = wording.frequency or asking.program.frequency or words.frequency
    return " ".join((f"{opening} {said}", _write_sentence(often), words.rights))


def _write_sentence(text: str) -> str:
    sentence = f"{text[:1].upper()}{text[1:]}"
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def write_html(
    asking: Asking, medium: CallMedium, wording: Wording, *, call: str, locale: str
) -> str:
    """Write all that is shown, as a piece of HTML for any page: no script, no style.

    On the web these are the fields of a form, whose box is not ticked; `call` keeps the ids of two
    forms on one page apart.
    """
    text = escape(write_disclosure(asking, medium, wording))
    lines = [f"<h2>{escape(wording.heading)}</h2>"]
    match medium:
        case CallMedium.WEB:
            lines += _write_fields(asking, text, field_id(call))
        case CallMedium.PAPER:
            lines += _write_blanks(asking.words, text)
        case CallMedium.KEYWORD | CallMedium.VERBAL:
            lines.append(f"<p>{text}</p>")
        case never:
            assert_never(never)
    lines += _write_links(asking, wording)
    if medium is CallMedium.WEB:
        lines.append(f'<p><button type="submit">{escape(asking.words.button)}</button></p>')
        after = asking.words.next.format(brand=asking.brand.name)
        lines.append(f"<p>{escape(after)}</p>")
    body = "\n".join(f"  {line}" for line in lines)
    return f'<section class="consentry-opt-in" lang="{escape(locale)}">\n{body}\n</section>\n'


def field_id(call: str) -> str:
    """What the ids of a form's elements begin with."""
    return _SAFE_ID.sub("-", call)


def _write_blanks(words: Words, text: str) -> list[str]:
    before, after = ((words.phone, words.name), (words.signature, words.date))
    blanks = [[f"<p>{escape(name)}: {_BLANK}</p>" for name in names] for names in (before, after)]
    return [*blanks[0], f"<p>{text}</p>", *blanks[1]]


def _write_fields(asking: Asking, text: str, call: str) -> list[str]:
    words = asking.words
    phone, name = 'maxlength="40" required', 'maxlength="200"'
    return [
        f'<p><label for="{call}-phone">{escape(words.phone)}</label>',
        f'<input id="{call}-phone" name="{PHONE_FIELD}" type="tel" autocomplete="tel" {phone}></p>',
        f'<p><label for="{call}-name">{escape(words.name)}</label>',
        f'<input id="{call}-name" name="{NAME_FIELD}" type="text" autocomplete="name" {name}></p>',
        f'<p><input id="{call}-agree" name="{AGREE_FIELD}" type="checkbox" value="yes" required>',
        f'<label for="{call}-agree">{text}</label></p>',
    ]


def _write_links(asking: Asking, wording: Wording) -> list[str]:
    words, program = asking.words, asking.program
    named = (
        (words.terms, wording.terms or program.terms_url),
        (words.privacy, wording.privacy or program.privacy_url),
    )
    links = [f'<a href="{escape(link)}">{escape(name)}</a>' for name, link in named if link]
    return [f"<p>{' · '.join(links)}</p>"] if links else []
