"""Profiles: a customer and their phones. Consent is never here, it belongs to the number."""

from datetime import datetime
from enum import StrEnum

import msgspec


class PhoneType(StrEnum):
    """What kind of phone the customer said it is."""

    MOBILE = "mobile"
    HOME = "home"
    OFFICE = "office"
    OTHER = "other"


class CustomerPhone(msgspec.Struct, frozen=True, gc=False):
    """A phone on a profile; `primary` is shown as Main."""

    original: str
    normalized: str
    region_code: str
    extension: str | None = None
    type: PhoneType = PhoneType.MOBILE
    primary: bool = False


class Customer(msgspec.Struct, frozen=True, gc=False):
    """A profile with phones; at most one phone is primary."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    emails: tuple[str, ...] = ()
    phones: tuple[CustomerPhone, ...] = ()
    note: str = ""
    merged_into: str | None = None
