"""One message: fetched, redacted, canceled, deleted."""

from consentry.actions.cancel_message import CancelMessage
from consentry.actions.describe_message import describe_message, is_removed
from consentry.actions.remove_message import RemoveMessage
from consentry.domain.messages import Message, Removal
from consentry.ports import Rejected, Scope
from consentry.twilio_door.calls import Call
from consentry.twilio_door.exchange import Answer
from consentry.wire.twilio_errors import refuse
from consentry.wire.twilio_message import render_message
from consentry.wire.twilio_sids import build_message_sid, parse_message_sid


async def fetch_message(call: Call) -> Answer:
    """Show a message."""
    call.require(Scope.READ)
    return _show(call, await _find(call))


async def update_message(call: Call) -> Answer:
    """Redact a message (`Body=`), or take a waiting one back (`Status=canceled`)."""
    call.require(Scope.SEND)
    form, message = await call.read_form(), await _find(call)
    status, body = form.get("Status"), form.first.get("Body")
    if status is not None and body is not None:
        raise refuse(30400, "cancel and redact in two requests")
    if status is not None:
        if status != "canceled":
            raise refuse(30400, "Status may only be 'canceled'")
        return _show(call, await _cancel(call, message))
    if body is None:
        raise refuse(30400, "give Status=canceled, or an empty Body")
    if body:
        raise refuse(30400, "a body can only be emptied")
    return _show(call, await _remove(call, message, Removal.BODY))


async def delete_message(call: Call) -> Answer:
    """Take a message out of the door's sight."""
    call.require(Scope.SEND)
    await _remove(call, await _find(call), Removal.WHOLE)
    return Answer(status=204)


async def _find(call: Call) -> Message:
    return await find_message(call, call.rest)


async def find_message(call: Call, sid: str) -> Message:
    """Find a message by its sid; one of another account, or deleted, is not there."""
    store = call.services.store
    message_id = parse_message_sid(sid)
    message = None if message_id is None else await store.read_message(message_id)
    if message is None or is_removed(message):
        raise _not_found(call)
    if build_message_sid(message.id, media=len(message.media)) != sid:
        raise _not_found(call)
    directory = await store.read_directory()
    if not call.may_use(directory.senders.get(message.sender)):
        raise _not_found(call)
    return message


def _not_found(call: Call) -> Exception:
    return refuse(20404, ascii(call.http["path"])[1:-1])


async def _cancel(call: Call, message: Message) -> Message:
    try:
        return await call.services.store.submit(
            CancelMessage(message.id, message.recipient, call.actor)
        )
    except Rejected as rejected:
        raise refuse(30409) from rejected


async def _remove(call: Call, message: Message, removal: Removal) -> Message:
    try:
        return await call.services.store.submit(
            RemoveMessage(message.id, message.recipient, removal, call.actor)
        )
    except Rejected as rejected:
        raise refuse(20009) from rejected


def _show(call: Call, message: Message) -> Answer:
    return Answer(render_message(describe_message(message, call.account.sid)))
