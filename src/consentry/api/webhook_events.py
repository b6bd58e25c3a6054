"""What webhooks are told, for the OpenAPI document: each event with its shape and an example."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from consentry.domain.directory import Purpose
from consentry.domain.drift import DriftKind, Severity
from consentry.domain.entries import ActorKind
from consentry.domain.events import (
    DATA_OF,
    BlockData,
    ConsentData,
    Data,
    DriftData,
    MessageReceivedData,
    MessageStatusData,
    Obstacle,
    ReviewData,
    TestData,
)
from consentry.domain.messages import MessageStatus
from consentry.domain.reading import BlockLayer, CarrierWord, LegalMeaning
from consentry.domain.standing import BlockState, Cause, ConsentLevel, ConsentState
from consentry.domain.webhooks import EventType

Schema = dict[str, Any]

DATA_SHAPES: Final = tuple(dict.fromkeys(DATA_OF.values()))
"""The shapes of all events, each once."""

_AT: Final = datetime(2026, 11, 30, 10, tzinfo=UTC)
_ULID: Final = "01KAPZ5V0Q3M9X8ZC4T2N6R7HD"
_ENTRY: Final = f"ent_{_ULID}"
_MESSAGE: Final = f"msg_{_ULID}"
_BRAND: Final = f"brd_{_ULID}"
_PERSON: Final = "+14155550142"
_SENDER: Final = "+14155550100"
_CONSENT: Final = ConsentData(
    entry=_ENTRY,
    recipient=_PERSON,
    program=f"prg_{_ULID}",
    brand=_BRAND,
    purpose=Purpose.MARKETING,
    sender=_SENDER,
    state=ConsentState.ACTIVE,
    level=ConsentLevel.EXPRESS_WRITTEN,
    actor=ActorKind.PERSON,
)

EXAMPLES: Final[dict[EventType, Data]] = {
    EventType.CONSENT_GRANTED: _CONSENT,
    EventType.CONSENT_REVOKED: msgspec.structs.replace(_CONSENT, state=ConsentState.REVOKED),
    EventType.BLOCK_CHANGED: BlockData(
        entry=_ENTRY,
        recipient=_PERSON,
        kind=Obstacle.BLOCK,
        scope=_SENDER,
        layer=BlockLayer.PROVIDER,
        state=BlockState.BLOCKED,
        cause=Cause.KEYWORD,
        since=_AT,
        sender=_SENDER,
        brand=_BRAND,
    ),
    EventType.MESSAGE_RECEIVED: MessageReceivedData(
        message=_MESSAGE,
        recipient=_PERSON,
        sender=_SENDER,
        brand=_BRAND,
        received_at=_AT,
        carrier_word=CarrierWord.NONE,
        legal_meaning=LegalMeaning.NONE,
        text="When do you open?",
    ),
    EventType.MESSAGE_STATUS: MessageStatusData(
        message=_MESSAGE,
        recipient=_PERSON,
        sender=_SENDER,
        brand=_BRAND,
        status=MessageStatus.DELIVERED,
        error_code=None,
        error_text=None,
    ),
    EventType.REVIEW_NEEDED: ReviewData(
        review=f"rvw_{_ULID}",
        entry=_ENTRY,
        message=_MESSAGE,
        recipient=_PERSON,
        sender=_SENDER,
        brand=_BRAND,
    ),
    EventType.DRIFT_FOUND: DriftData(
        drift=f"drf_{_ULID}",
        kind=DriftKind.MISSED_OPT_OUT,
        severity=Severity.CRITICAL,
        recipient=_PERSON,
        sender=_SENDER,
        brand=_BRAND,
        carrier=f"car_{_ULID}",
        found_at=_AT,
    ),
    EventType.TEST: TestData(f"whk_{_ULID}"),
}

_SUMMARIES: Final = {
    EventType.CONSENT_GRANTED: "A consent was given",
    EventType.CONSENT_REVOKED: "A consent was withdrawn",
    EventType.BLOCK_CHANGED: "A number may not be texted any more, or may be again",
    EventType.MESSAGE_RECEIVED: "A text came in",
    EventType.MESSAGE_STATUS: "Where a text of ours is now",
    EventType.REVIEW_NEEDED: "A text may be an opt-out, and somebody has to read it",
    EventType.DRIFT_FOUND: "A carrier and the ledger differ",
    EventType.TEST: "Somebody tries this webhook out",
}
_HEADERS: Final = {
    "webhook-id": "The same for each try and for each webhook: what came before is left alone.",
    "webhook-timestamp": "When this try was made, in seconds since 1970.",
    "webhook-signature": "`v1,` and the HMAC-SHA256 in base64; several with spaces between them.",
}


def describe_webhooks(reference: str) -> dict[str, Schema]:
    """Describe each event as a request to its program; `reference` is where schemas stand."""
    return {str(event): {"post": _describe(event, reference)} for event in EventType}


def _describe(event: EventType, reference: str) -> Schema:
    schema: Schema = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": str(event)},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {"$ref": f"{reference}{DATA_OF[event].__name__}"},
        },
    }
    told = {"type": event, "timestamp": _AT, "data": EXAMPLES[event]}
    content = {"schema": schema, "example": msgspec.to_builtins(told)}
    return {
        "operationId": f"told_{event.replace('.', '_')}",
        "summary": _SUMMARIES[event],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "Taken. Anything else, and it is told again later."},
            "410": {"description": "It wants to be told nothing more, and is switched off."},
        },
    }
