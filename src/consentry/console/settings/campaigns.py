"""Keyword campaigns: words that people text to ask for a program."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.keep_keywords import RemoveKeyword, SaveKeyword
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import KEYWORDS, go_saved, show
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.campaign_keywords import WORD_CHARACTERS_MAX
from consentry.domain.directory import Directory
from consentry.domain.reading import SenderKind
from consentry.ports import Rejected

_BLANK: Final = {"word": "", "sender": "", "program": "", "call_to_action": ""}
_FIELDS: Final = {
    "keyword_invalid": "word",
    "sender_not_set_up": "sender",
    "unknown_program": "program",
    "unknown_call_to_action": "call_to_action",
}


class Campaign(msgspec.Struct, frozen=True):
    """A word as the list shows it; `call` is the id of what tells people to text it."""

    word: str
    sender: str
    program: str
    program_id: str
    call: str


async def list_campaigns(visit: Visit) -> list[Campaign]:
    """List the words at the senders that this agent works for, by sender and word."""
    directory = await visit.services.store.read_directory()
    numbers = {sender.number for sender in await visit.senders()}
    seen = [keyword for keyword in directory.keywords.values() if keyword.sender in numbers]
    seen.sort(key=lambda keyword: (keyword.sender, keyword.word))
    return [
        Campaign(
            keyword.word,
            keyword.sender,
            _name_program(keyword.program, directory),
            keyword.program,
            keyword.call_to_action or "",
        )
        for keyword in seen
    ]


def _name_program(program_id: str, directory: Directory) -> str:
    program = directory.program(program_id)
    return program_id if program is None else program.name


async def new_keyword(visit: Visit) -> Response:
    """Show the form for a new word."""
    return await _show_form(visit, fill(_BLANK))


async def add_keyword(visit: Visit) -> Response:
    """Have a word at a sender of this agent's ask for a program."""
    filled = read_form(visit, _BLANK)
    values = filled.values
    if values["sender"] not in {sender.number for sender in await visit.senders()}:
        filled = filled.refused(sender="Choose the number that the word is texted to.")
    if not values["program"]:
        filled = filled.refused(program="Choose what to ask for.")
    if not filled.is_fine:
        return await _show_form(visit, filled)
    call = values["call_to_action"] or None
    command = SaveKeyword(values["word"], values["sender"], values["program"], call, visit.actor)
    try:
        await visit.services.store.submit(command)
    except Rejected as error:
        return await _show_form(visit, filled.rejected(error, _FIELDS))
    return go_saved(visit, KEYWORDS.path)


async def _show_form(visit: Visit, filled: Filled) -> Response:
    directory = await visit.services.store.read_directory()
    senders = [s for s in await visit.senders() if s.kind is not SenderKind.ALPHANUMERIC]
    brands = {sender.brand for sender in senders}
    programs = [p for p in directory.programs.values() if p.brand in brands]
    calls = [
        call
        for call in directory.calls_to_action.values()
        if call.program in {p.id for p in programs}
    ]
    return await show(
        visit,
        KEYWORDS,
        "keyword.html",
        status=200 if filled.is_fine else 422,
        form=filled,
        senders=[("", "Choose"), *((s.number, show_number(s.number)) for s in senders)],
        programs=[("", "Choose"), *((p.id, f"{p.name} ({p.purpose})") for p in programs)],
        calls=[
            ("", "None; the program is no marketing"),
            *((c.id, f"{c.wording.heading} ({c.id})") for c in calls),
        ],
        longest=WORD_CHARACTERS_MAX,
    )


async def remove_keyword(visit: Visit) -> Response:
    """Take a word away from a sender of this agent's."""
    sender = visit.field("sender")
    if sender not in {known.number for known in await visit.senders()}:
        return visit.missing("keyword")
    try:
        await visit.services.store.submit(
            RemoveKeyword(visit.field("word"), sender, by=visit.actor)
        )
    except Rejected:
        return visit.missing("keyword")
    return go_saved(visit, KEYWORDS.path)


PAGES: Final = (
    Page(path="/settings/new-keyword", view=new_keyword, permission=Permission.CHANGE_SETTINGS),
    Page(
        path="/settings/new-keyword",
        view=add_keyword,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
    ),
    Page(
        path="/settings/remove-keyword",
        view=remove_keyword,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
    ),
)
