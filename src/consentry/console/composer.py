"""The composer: a text goes out, or a note is kept. The gate decides, never the page."""

import hashlib
from typing import Final

from starlette.responses import Response

from consentry.actions.add_note import AddNote
from consentry.actions.outgoing import Draft
from consentry.actions.send_message import Idempotency, SendMessage
from consentry.console.composer_ways import read_ways
from consentry.console.customer_page import NOTE, SMS, open_composer, render_page
from consentry.console.customer_seen import Seen, with_customer
from consentry.console.pages import Page, Visit
from consentry.domain.agents import Permission
from consentry.domain.gate import Door
from consentry.domain.reasons import REASONS
from consentry.ports import Rejected

_ONCE_CHARACTERS_MAX: Final = 64


async def send(visit: Visit, seen: Seen) -> Response:
    """Send a text as an agent; the gate decides, and its refusal is shown as it is."""
    body = _read_text(visit)
    sender, _, recipient = visit.field("way").rpartition(" ")
    if seen.find_sender(sender) is None or seen.find_phone(recipient) is None:
        error = "Choose the number to send from and to."
        return await _answer(visit, seen, SMS, typed=body, error=error, status=400)
    draft = Draft(
        recipient=recipient, sender=sender, body=body, actor=visit.actor, door=Door.CONSOLE
    )
    sent = await visit.services.store.submit(SendMessage(draft, _read_once(visit, draft)))
    if sent.message is None:
        reason = sent.decision.reason
        status = 403 if reason is None else REASONS[reason].status
        error = sent.decision.detail
        return await _answer(visit, seen, SMS, typed=body, error=error, status=status)
    visit.services.delivery.wake()
    return await _answer(visit, seen, SMS)


def _read_text(visit: Visit) -> str:
    """Read what was typed; forms send the end of a line as two characters, a text has one."""
    return visit.field("body").replace("\r\n", "\n")


def _read_once(visit: Visit, draft: Draft) -> Idempotency | None:
    """Let a form that is posted twice send once; with another text it is another form."""
    once = visit.field("once")[:_ONCE_CHARACTERS_MAX]
    if not once:
        return None
    words = f"{draft.recipient}\n{draft.sender}\n{draft.body}"
    digest = hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
    return Idempotency(owner=visit.agent.id, key=f"{once}:{digest[:32]}", fingerprint=digest)


async def add_note(visit: Visit, seen: Seen) -> Response:
    """Keep a note for colleagues, under the customer's main number."""
    text, main = _read_text(visit), seen.main
    if main is None:
        error = "Add a phone first: a note is kept with a number."
        return await _answer(visit, seen, NOTE, typed=text, error=error, status=422)
    try:
        await visit.services.store.submit(AddNote(main.number, text, visit.actor))
    except Rejected as error:
        return await _answer(visit, seen, NOTE, typed=text, error=str(error), status=error.status)
    return await _answer(visit, seen, NOTE)


async def _answer(
    visit: Visit,
    seen: Seen,
    mode: str,
    *,
    typed: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    """Answer with an empty composer where it was taken, else with what was typed and why not.

    A script gets the composer alone and looks at the rest anew; without one the page is loaded.
    """
    if not (error or visit.is_fragment):
        return visit.go(f"{seen.address}?compose=note" if mode == NOTE else _back(visit, seen))
    composer = open_composer(visit, mode=mode, typed=typed, error=error)
    if not visit.is_fragment:
        return await render_page(visit, seen, composer=composer, status=status)
    response = visit.render(
        "parts/composer.html",
        status=status,
        seen=seen,
        composer=composer,
        ways=await read_ways(visit, seen),
    )
    # Whatever came of it is in the ledger now, and so in the parts that show it.
    response.headers["HX-Trigger"] = "changed" if error else '{"changed": null, "taken": null}'
    return response


def _back(visit: Visit, seen: Seen) -> str:
    """Lead back to the conversation that the text was sent in."""
    sender = visit.field("way").rpartition(" ")[0]
    return f"{seen.address}?sender={sender.replace('+', '%2B')}"


PAGES: Final = (
    Page(
        path="/customers/{id}/messages",
        view=with_customer(send),
        permission=Permission.SEND,
        method="POST",
    ),
    Page(
        path="/customers/{id}/notes",
        view=with_customer(add_note),
        permission=Permission.EDIT_CUSTOMERS,
        method="POST",
    ),
)
