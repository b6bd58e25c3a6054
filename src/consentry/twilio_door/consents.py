"""Twilio's bulk consents: programs tell here what people said elsewhere.

An opt-out is effective at once. An opt-in never lifts a person's own opt-out: such an item has an
error, whatever else is in the request.
"""

import asyncio
from typing import Final

from consentry.actions.record_consent import (
    ConsentRecorded,
    GrantConsent,
    RevokeConsent,
    Statement,
)
from consentry.domain.directory import Directory, Sender
from consentry.domain.entries import Evidence, Medium
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.reasons import OPTED_OUT_SENTENCE
from consentry.domain.standing import ConsentLevel, ConsentState
from consentry.ports import Rejected, Scope
from consentry.twilio_door.calls import Call
from consentry.twilio_door.exchange import Answer
from consentry.wire.twilio_consents import (
    ConsentItem,
    ConsentOutcome,
    ConsentSource,
    ConsentStatus,
    parse_consent_items,
    render_consent_outcomes,
)
from consentry.wire.twilio_errors import UNSUBSCRIBED_RECIPIENT_CODE, build_twilio_error

_MEDIA: Final = {
    ConsentSource.WEBSITE: Medium.WEB,
    ConsentSource.OFFLINE: Medium.PAPER,
    # Of a text that we did not see there is only another system's word.
    ConsentSource.OPT_IN_MESSAGE: Medium.IMPORT,
    ConsentSource.OPT_OUT_MESSAGE: Medium.IMPORT,
    ConsentSource.OTHERS: Medium.IMPORT,
}
_GIVEN: Final = frozenset({ConsentState.ACTIVE, ConsentState.PENDING})
"""A grant that is pending waits for the handset's first text, as every told one does."""


async def record_consents(call: Call) -> Answer:
    """Record up to 25 consents; each has an outcome of its own."""
    call.require(Scope.CONSENT)
    items = parse_consent_items(await call.read_form())
    directory = await call.services.store.read_directory()
    outcomes = await asyncio.gather(*(_record(call, item, directory) for item in items))
    return Answer(render_consent_outcomes(tuple(outcomes)), 201)


async def _record(
    call: Call, item: ConsentItem | ConsentOutcome, directory: Directory
) -> ConsentOutcome:
    """Record one consent with all the senders it names: a number, or those of a service."""
    if isinstance(item, ConsentOutcome):
        return item
    region = call.services.default_region
    recipient = _read_number(item.contact_id, region)
    if recipient is None:
        return _fail(item, 21211, item.contact_id)
    named = (item.sender_id, _read_number(item.sender_id, region))
    senders = [
        sender
        for sender in call.list_senders(directory)
        if sender.number in named or sender.messaging_service_sid == item.sender_id
    ]
    if not senders:
        return _fail(item, 21606, item.sender_id)
    told = await asyncio.gather(*(_tell(call, item, recipient, sender) for sender in senders))
    wrong = next((message for message in told if message is not None), None)
    if wrong is None:
        return ConsentOutcome(item.correlation_id)
    return ConsentOutcome(item.correlation_id, UNSUBSCRIBED_RECIPIENT_CODE, (wrong,))


async def _tell(call: Call, item: ConsentItem, recipient: str, sender: Sender) -> str | None:
    """Record it with one sender; return what stands against it, None where nothing does."""
    statement = Statement(
        recipient=recipient,
        actor=call.actor,
        reason=f"Told by a program: {item.status}, source {item.source}",
        evidence=Evidence(
            medium=_MEDIA[item.source], at=item.at, note=f"correlation id {item.correlation_id}"
        ),
    )
    command: GrantConsent | RevokeConsent
    if item.status is ConsentStatus.OPT_OUT:
        command = RevokeConsent(statement, sender.conversation)
    else:
        command = GrantConsent(statement, sender.conversation, ConsentLevel.EXPRESS)
    try:
        recorded = await call.services.store.submit(command)
    except Rejected as rejected:
        return str(rejected)
    # An opt-out is answered once nothing of the person's is under way any more.
    await call.services.delivery.wait_quiet(recorded.in_flight)
    return _objection(item, recorded)


def _objection(item: ConsentItem, recorded: ConsentRecorded) -> str | None:
    if item.status is ConsentStatus.OPT_OUT or recorded.state in _GIVEN:
        return None
    return recorded.note or OPTED_OUT_SENTENCE


def _read_number(text: str, region: str | None) -> str | None:
    try:
        return normalize_phone(text, region=None if text.startswith("+") else region)
    except InvalidNumber:
        return None


def _fail(item: ConsentItem, code: int, value: str) -> ConsentOutcome:
    return ConsentOutcome(
        item.correlation_id, code, (build_twilio_error(code, value[:100]).message,)
    )
