"""Calls to action: each change of what people are shown is a new version, and the old ones stay."""

import hashlib
import re
from typing import Final

import msgspec

from consentry.actions.record_audit import SYSTEM, audit_setting
from consentry.domain.call_to_action_check import Check, Shown, check_shown, missing_checks
from consentry.domain.call_to_action_form import find_asking, write_disclosure, write_html
from consentry.domain.call_to_action_words import LANGUAGES, Words, words_of
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.campaign_keywords import campaign_word
from consentry.domain.contact_snippet import LinkRefused, read_link
from consentry.domain.directory import Directory, Program
from consentry.domain.entries import Actor
from consentry.domain.keyword_lint import find_fault
from consentry.ports import Change, Facts, Needs, Rejected

HEADING_CHARACTERS_MAX: Final = 100
SENTENCE_CHARACTERS_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 2000
KEYWORD_CHARACTERS_MAX: Final = 30
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


class Drawn(msgspec.Struct, frozen=True):
    """A call to action as it would be shown, and what its checklist says; nothing is kept."""

    text: str
    html: str
    checks: tuple[Check, ...]


class SaveCallToAction(msgspec.Struct, frozen=True):
    """Make a call to action, or a new version of one.

    `id` is empty for a new one, or one of your own. Of one that is there program and medium stay.
    """

    id: str
    program: str
    medium: CallMedium
    locale: str
    wording: Wording
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing: the directory is always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[CallToAction, Change]:
        """Decide; a wording that is the same makes no new version.

        Raises `Rejected` for what cannot be shown, or lacks what the program's consent needs.
        """
        call_id = self.id or facts.ids.new("cta")
        if _ID.fullmatch(call_id) is None:
            raise _invalid("An id is letters, digits, - and _, at most 64 of them.")
        known = facts.directory.calls_to_action.get(call_id)
        wording = read_wording(self.wording)
        drawn = draw(self, call_id, wording, facts.directory)
        _check_unmoved(self, known)
        _check_complete(drawn.checks)
        if known is not None and (known.wording, known.html) == (wording, drawn.html):
            return known, Change()
        call = CallToAction(
            id=call_id,
            version=1 if known is None else known.version + 1,
            program=self.program,
            medium=self.medium,
            locale=self.locale,
            wording=wording,
            text=drawn.text,
            html=drawn.html,
            sha256=hashlib.sha256(drawn.html.encode()).hexdigest(),
            created_at=facts.now,
            made_by=" ".join(filter(None, (self.by.kind.value, self.by.id))),
        )
        entries = audit_setting(
            f"call to action {wording.heading}",
            known,
            call,
            facts=facts,
            by=self.by,
            hidden=("html", "created_at", "made_by"),
        )
        return call, Change(entries=entries, records=(call,))


def draw(asked: SaveCallToAction, call_id: str, wording: Wording, directory: Directory) -> Drawn:
    """Draw a call to action as it would be shown; raises `Rejected` where it cannot be."""
    program = _find_program(asked.program, directory)
    asking = find_asking(directory, program, _find_words(asked.locale))
    if asked.medium is CallMedium.KEYWORD and wording.keyword is None:
        raise _invalid("Name the keyword that people text, for example JOIN.")
    if wording.keyword is not None and not campaign_word(wording.keyword):
        raise _invalid("A keyword is one word of letters and digits, for example JOIN.")
    fault = None if wording.keyword is None else find_fault(campaign_word(wording.keyword))
    if fault is not None:
        raise _invalid(f"Nobody can be told to text {wording.keyword!a}: {fault}.")
    text = write_disclosure(asking, asked.medium, wording)
    html = write_html(asking, asked.medium, wording, call=call_id, locale=asked.locale)
    return Drawn(text, html, check_shown(Shown(asked.medium, text, html), asking))


def read_wording(wording: Wording) -> Wording:
    """Strip a wording and drop what is empty; raises `Rejected` for what cannot be shown."""
    heading = wording.heading.strip()
    if not 0 < len(heading) <= HEADING_CHARACTERS_MAX:
        raise _invalid(f"A heading has 1 to {HEADING_CHARACTERS_MAX} characters.")
    limits = (
        ("frequency", wording.frequency, SENTENCE_CHARACTERS_MAX),
        ("text", wording.text, TEXT_CHARACTERS_MAX),
        ("keyword", wording.keyword, KEYWORD_CHARACTERS_MAX),
    )
    kept: dict[str, str | None] = {}
    for name, given, most in limits:
        kept[name] = (given or "").strip() or None
        if len(kept[name] or "") > most:
            raise _invalid(f"{name} has at most {most} characters.")
    try:
        links = {name: read_link(getattr(wording, name) or "") for name in ("terms", "privacy")}
    except LinkRefused as error:
        raise _invalid(str(error)) from None
    written = Wording(heading, **kept, **links)
    if any("\0" in (getattr(written, name) or "") for name in written.__struct_fields__):
        raise _invalid("A NUL character cannot be shown. Leave it out.")
    return written


def _invalid(message: str) -> Rejected:
    return Rejected("wording_invalid", message, status=422)


def _find_words(locale: str) -> Words:
    words = words_of(locale)
    if words is None or _LOCALE.fullmatch(locale) is None:
        raise _invalid(
            f"There are no words for the locale {locale!a}. Take a language of "
            f"{', '.join(LANGUAGES)}, with a region if you like: es-MX."
        )
    return words


def _find_program(program_id: str, directory: Directory) -> Program:
    program = directory.program(program_id)
    if program is None:
        raise Rejected(
            "unknown_program", f"There is no program {program_id!a}. Add it first.", status=404
        )
    if program.is_conversation:
        raise Rejected(
            "conversation_is_built_in",
            "Who texts a number opts in to its conversation by that alone. Take the contact-page "
            "snippet for it, and a program for a call to action.",
            status=422,
        )
    return program


def _check_unmoved(asked: SaveCallToAction, known: CallToAction | None) -> None:
    """Refuse to ask for something else under a name that people have consented under."""
    if known is None or (known.program, known.medium) == (asked.program, asked.medium):
        return
    raise Rejected(
        "already_exists",
        f"Call to action {known.id} asks for {known.program} over {known.medium}, and people "
        "consented to that. Add a new call to action instead.",
        status=409,
    )


def _check_complete(checks: tuple[Check, ...]) -> None:
    lacking = missing_checks(checks)
    if lacking:
        told = " ".join(f"Not so: {check.says}" for check in lacking)
        raise Rejected("call_to_action_incomplete", told, status=422)
