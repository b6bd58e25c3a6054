"""The readers as data and to try: which words count where, and what a text means."""

from typing import Annotated, Final

import msgspec

from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.domain.carrier_profiles import TABLE, Profile
from consentry.domain.keywords import read_carrier, read_legal
from consentry.domain.reading import (
    CarrierReading,
    CarrierWord,
    LegalMeaning,
    LegalReading,
    SenderKind,
    Tier,
)
from consentry.ports import Scope


class ReadRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to read as if it came to a sender of this kind at this carrier."""

    text: Annotated[str, msgspec.Meta(max_length=10_000)]
    kind: SenderKind = SenderKind.LONG_CODE
    carrier: Annotated[str, msgspec.Meta(max_length=64)] = "twilio"


class ReadAnswer(msgspec.Struct, frozen=True):
    """What each reader makes of a text: in short, and each reading in full."""

    text: str
    carrier: CarrierWord
    legal: LegalMeaning
    tier: Tier
    rule: str | None
    carrier_reading: CarrierReading
    legal_reading: LegalReading


async def list_keywords(call: Call[None, None]) -> Answer:
    """List the keyword profiles of the carriers."""
    del call
    return Answer(whole(list(TABLE.profiles)))


async def read_text(call: Call[ReadRequest, None]) -> Answer:
    """Read a text; nothing is stored."""
    asked = call.body
    now = call.services.clock.now()
    carrier = read_carrier(asked.text, carrier=asked.carrier, kind=asked.kind, at=now)
    legal = read_legal(asked.text)
    answer = ReadAnswer(
        text=asked.text,
        carrier=carrier.word,
        legal=legal.meaning,
        tier=legal.tier,
        rule=legal.rule or carrier.rule,
        carrier_reading=carrier,
        legal_reading=legal,
    )
    return Answer(answer)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/keywords",
        tag=Tag.READING,
        summary="Keywords by carrier, kind of sender and date",
        handler=list_keywords,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Listing[Profile]},
    ),
    Operation(
        method="POST",
        path="/v1/read",
        tag=Tag.READING,
        summary="What does this text mean?",
        description="Both readers: what the carrier did with it, and what the person meant.",
        handler=read_text,
        scope=Scope.READ,
        for_brands=True,
        body=ReadRequest,
        answers={200: ReadAnswer},
        example={"text": "Please stop texting me", "kind": "long_code"},
    ),
)
