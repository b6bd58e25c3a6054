"""Which number sends: the one named, or one of the messaging service named."""

import re
from datetime import UTC, datetime
from typing import Final, NoReturn

from consentry.domain.directory import Directory, Sender
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.standing import Standing
from consentry.twilio_door.calls import Call
from consentry.wire.twilio_create import CreateMessage
from consentry.wire.twilio_errors import refuse

_SENDER_SHAPE: Final = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11}")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def choose_sender(
    call: Call, create: CreateMessage, directory: Directory, standing: Standing
) -> Sender:
    """Choose the sender; raises TwilioRefusedError where there is none to choose."""
    service = create.messaging_service_sid
    members = None if service is None else _list_members(call, service, directory)
    if create.from_number is not None:
        return _find_named(call, create.from_number, directory, members)
    enabled = [sender for sender in members or () if sender.enabled]
    if not enabled:
        raise refuse(21703, service or "")
    # The one that the person wrote to last; of those that they never wrote to, the first.
    return max(enabled, key=lambda sender: _last_heard(standing, sender))


def _last_heard(standing: Standing, sender: Sender) -> datetime:
    return standing.thread(sender.number).last_inbound_at or _NEVER


def _list_members(call: Call, service: str, directory: Directory) -> list[Sender]:
    senders = call.list_senders(directory)
    members = [sender for sender in senders if sender.messaging_service_sid == service]
    if not members:
        raise refuse(21701, service[:100])
    return members


def _find_named(
    call: Call, number: str, directory: Directory, members: list[Sender] | None
) -> Sender:
    sender = directory.senders.get(number) or directory.senders.get(
        _normalize(number, call.services.default_region)
    )
    if sender is None or not call.may_use(sender):
        _refuse_sender(number)
    if members is not None and sender not in members:
        _refuse_sender(number)
    return sender


def _normalize(number: str, region: str | None) -> str:
    try:
        return normalize_phone(number, region=None if number.startswith("+") else region)
    except InvalidNumber:
        return number


def _refuse_sender(number: str) -> NoReturn:
    raise refuse(21606 if _SENDER_SHAPE.fullmatch(number) else 21212, number[:100])
