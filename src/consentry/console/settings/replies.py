"""Replies: what we answer by ourselves, judged and shown on a phone while it is written."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.administer import SaveSender
from consentry.actions.if_unchanged import IfUnchanged
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.judging import ANSWERS, judge, play_phone, put_replies
from consentry.console.settings.sections import REPLIES, go_saved, may_change, show
from consentry.console.settings.sender_page import describe_kind, find_sender, sender_path
from consentry.console.settings.who_answers import Desk, sit_at
from consentry.domain.agents import Permission
from consentry.domain.directory import Sender
from consentry.domain.wording_lint import simplify
from consentry.ports import Rejected

REPLY_CHARACTERS_MAX: Final = 2000
_ERRORS: Final = "Nothing was saved: mend what is marked as an error below."


async def list_replies(visit: Visit) -> Response:
    """List the senders, and which of their answers are worded by the company."""
    directory = await visit.services.store.read_directory()
    rows = [(s, directory.brand_of(s), describe_kind(s.kind)) for s in await visit.senders()]
    return await show(
        visit, REPLIES, "replies_list.html", rows=rows, answers=ANSWERS, link_of=sender_path
    )


async def show_replies(visit: Visit) -> Response:
    """Show the wordings of a sender."""
    sender = await find_sender(visit)
    if sender is None:
        return visit.missing("sender")
    return await _show_form(visit, fill(_stored(sender)), sender)


async def look_at_replies(visit: Visit) -> Response:
    """Judge what is being written, without saving it; put simpler characters in where asked."""
    sender = await find_sender(visit)
    if sender is None:
        return visit.missing("sender")
    filled = read_form(visit, _stored(sender))
    simplified = visit.field("simplify")
    if simplified in filled.values:
        values = {**filled.values, simplified: simplify(filled.values[simplified])}
        filled = msgspec.structs.replace(filled, values=values)
    return await _show_form(visit, filled, sender)


async def save_replies(visit: Visit) -> Response:
    """Save the wordings; errors of the linter stand in the way, warnings do not."""
    known = await find_sender(visit)
    if known is None:
        return visit.missing("sender")
    filled = read_form(visit, _stored(known))
    sender = _put(known, filled)
    if any(judged.has_errors for judged in judge(await _desk(visit, sender))):
        filled = filled.refused(_ERRORS)
    if not filled.is_fine:
        return await _show_form(visit, filled, known)
    save = IfUnchanged(SaveSender(sender, visit.actor), known)
    try:
        await visit.services.store.submit(save)
    except Rejected as error:
        return await _show_form(visit, filled.refused(str(error)), known)
    return go_saved(visit, sender_path(REPLIES, known.number), changed=sender != known)


def _put(sender: Sender, filled: Filled) -> Sender:
    return msgspec.structs.replace(sender, replies=put_replies(filled.values))


async def _desk(visit: Visit, sender: Sender) -> Desk:
    accounts = {account.id: account.kind for account in await visit.services.store.read_carriers()}
    brand = (await visit.services.store.read_directory()).brand_of(sender)
    return sit_at(visit, sender, brand, accounts.get(sender.carrier, ""))


async def _show_form(visit: Visit, filled: Filled, sender: Sender) -> Response:
    """Show the page; while one types, only what is said about the wordings."""
    desk = await _desk(visit, _put(sender, filled))
    here = sender_path(REPLIES, sender.number)
    judged, talk = judge(desk), play_phone(desk)
    if visit.is_fragment:
        return visit.render(
            "settings/replies_said.html",
            judged=judged,
            talk=talk,
            desk=desk,
            here=here,
            may_change=may_change(visit, REPLIES),
        )
    return await show(
        visit,
        REPLIES,
        "replies.html",
        status=200 if filled.is_fine else 422,
        form=filled,
        sender=sender,
        desk=desk,
        judged=judged,
        talk=talk,
        here=here,
        kind=describe_kind(sender.kind),
        longest=REPLY_CHARACTERS_MAX,
    )


def _stored(sender: Sender) -> dict[str, str]:
    return {answer.field: getattr(sender.replies, answer.field) or "" for answer in ANSWERS}


PAGES: Final = (
    Page(path="/settings/replies", view=list_replies, permission=Permission.READ_SETTINGS),
    Page(
        path="/settings/replies/{number}",
        view=show_replies,
        permission=Permission.READ_SETTINGS,
        example={"number": "+12025550101"},
    ),
    Page(
        path="/settings/replies/{number}",
        view=save_replies,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"number": "+12025550101"},
    ),
    Page(
        path="/settings/replies/{number}/look",
        view=look_at_replies,
        permission=Permission.READ_SETTINGS,
        method="POST",
        example={"number": "+12025550101"},
    ),
)
