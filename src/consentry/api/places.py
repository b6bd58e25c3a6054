"""Where a recipient is: what somebody set, and what follows from it."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from consentry.actions.set_place import SetPlace
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK, phone_in_path
from consentry.domain.rules.places import Whereabouts, find_whereabouts
from consentry.domain.rules.zones import read_zone
from consentry.domain.standing import Place
from consentry.ports import Scope

_Zone = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=64,
        pattern=NOT_BLANK,
        description="A time zone by its IANA name, such as America/Denver.",
    ),
]
_PostalCode = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=16,
        pattern=NOT_BLANK,
        description="Of the United States, Canada or France.",
    ),
]


class PlaceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a recipient is; both left out lets the number tell again."""

    zone: _Zone | None = None
    postal_code: _PostalCode | None = None
    reason: Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00]*$")] = ""


class PlaceView(msgspec.Struct, frozen=True):
    """What was set (`zone`, `postal_code`, since when, by which entry) and what follows.

    `whereabouts`: every jurisdiction and zone that counts. `local_times`: what time it is there,
    with each zone's offset.
    """

    phone: str
    zone: str | None
    postal_code: str | None
    since: datetime | None
    entry: str | None
    whereabouts: Whereabouts
    local_times: list[datetime]


def _view(phone: str, place: Place | None, now: datetime) -> PlaceView:
    kept = place or Place()
    whereabouts = find_whereabouts(phone, place)
    times = {now.astimezone(read_zone(zone)).isoformat() for zone in whereabouts.zones}
    return PlaceView(
        phone=phone,
        zone=kept.zone,
        postal_code=kept.postal_code,
        since=kept.since,
        entry=kept.entry,
        whereabouts=whereabouts,
        local_times=[datetime.fromisoformat(time) for time in sorted(times)],
    )


async def show_place(call: Call[None, None]) -> Answer:
    """Show where a recipient is."""
    phone = phone_in_path(call).normalized
    standing = await call.services.store.read_standing(phone)
    return Answer(_view(phone, standing.place, call.services.clock.now()))


async def set_place(call: Call[PlaceRequest, None]) -> Answer:
    """Set where a recipient is; the entry in the ledger says who did, and why."""
    phone, asked = phone_in_path(call).normalized, call.body
    command = SetPlace(
        phone, call.actor, zone=asked.zone, postal_code=asked.postal_code, reason=asked.reason
    )
    place = await call.services.store.submit(command)
    return Answer(_view(phone, place, call.services.clock.now()))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/recipients/{phone}/place",
        tag=Tag.RECIPIENTS,
        summary="Where a recipient is",
        handler=show_place,
        scope=Scope.READ,
        answers={200: PlaceView},
        errors=("invalid_number",),
    ),
    Operation(
        method="PUT",
        path="/v1/recipients/{phone}/place",
        tag=Tag.RECIPIENTS,
        summary="Set where a recipient is",
        description="Hours for marketing are those of this place. A zone comes before a postal "
        "code, and that before the number's prefix; the jurisdiction is told by postal code, else "
        "by prefix.",
        handler=set_place,
        scope=Scope.CUSTOMERS,
        body=PlaceRequest,
        answers={200: PlaceView},
        errors=("invalid_number", "invalid_place"),
        example={"zone": "America/Denver", "reason": "moved, told by phone"},
    ),
)
