"""A profile as the API shows it, and a phone as the API takes it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from consentry.api.parameters import PhoneText, read_phone
from consentry.domain.customers import Customer, CustomerPhone, PhoneType
from consentry.domain.standing import SMSPreference
from consentry.ports import Store

Extension = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}$")]


class NewPhone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone to put on a profile: `original` as it was written.

    `normalized`, `region_code` and `sms_preference` may stand here as they were read from a
    profile; they follow from the number and are not taken over.
    """

    original: PhoneText
    type: PhoneType = PhoneType.MOBILE
    primary: bool = False
    extension: Extension | None = None
    normalized: str | None = None
    region_code: str | None = None
    sms_preference: SMSPreference | None = None


class PhoneView(msgspec.Struct, frozen=True):
    """A phone of a profile. `primary` is shown as Main; `sms_preference` is the number's."""

    original: str
    normalized: str
    region_code: str
    extension: str | None
    type: PhoneType
    primary: bool
    sms_preference: SMSPreference


class CustomerView(msgspec.Struct, frozen=True):
    """A profile; `merged_into` names the one to use where this one was merged."""

    id: str
    name: str
    emails: tuple[str, ...]
    phones: list[PhoneView]
    note: str
    created_at: datetime
    updated_at: datetime
    merged_into: str | None


def build_phone(given: NewPhone, region: str | None) -> CustomerPhone:
    """Make a phone of what was given; raises `Problem` where it is no number."""
    phone = read_phone(given.original, region)
    return CustomerPhone(
        original=given.original,
        normalized=phone.normalized,
        region_code=phone.region_code,
        extension=given.extension or phone.extension,
        type=given.type,
        primary=given.primary,
    )


async def view_customers(store: Store, customers: Sequence[Customer]) -> list[CustomerView]:
    """Show profiles, their phones with the standing of each number, read in one go."""
    numbers = sorted({phone.normalized for c in customers for phone in c.phones})
    standings = await store.read_standings(numbers)
    preferences = {
        number: standing.sms_preference for number, standing in zip(numbers, standings, strict=True)
    }
    return [_view_customer(customer, preferences) for customer in customers]


def _view_customer(customer: Customer, preferences: dict[str, SMSPreference]) -> CustomerView:
    return CustomerView(
        id=customer.id,
        name=customer.name,
        emails=customer.emails,
        phones=[_view_phone(phone, preferences[phone.normalized]) for phone in customer.phones],
        note=customer.note,
        created_at=customer.created_at,
        updated_at=customer.updated_at,
        merged_into=customer.merged_into,
    )


def _view_phone(phone: CustomerPhone, preference: SMSPreference) -> PhoneView:
    return PhoneView(
        original=phone.original,
        normalized=phone.normalized,
        region_code=phone.region_code,
        extension=phone.extension,
        type=phone.type,
        primary=phone.primary,
        sms_preference=preference,
    )
