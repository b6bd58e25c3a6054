"""A number that texts us belongs on a customer's profile."""

from typing import Final

import msgspec

from consentry.domain.customers import Customer, CustomerPhone, PhoneType
from consentry.domain.phone import InvalidNumber, parse_phone
from consentry.ports import Change, Facts, Needs

_NO_REGION: Final = "001"


class FileNumber(msgspec.Struct, frozen=True):
    """File a number on a new profile, unless a customer has it already."""

    recipient: str

    def needs(self) -> Needs:
        """Ask who has the number."""
        return Needs(recipients=(self.recipient,), profiles=True)

    def decide(self, facts: Facts) -> tuple[str, Change]:
        """Give the id of the profile that has it."""
        known = facts.profile_of(self.recipient)
        if known is not None:
            return known, Change()
        made = build_profile(self.recipient, facts)
        return made.id, Change(records=(made,))


def build_profile(recipient: str, facts: Facts) -> Customer:
    """Make a profile of a number that nobody has yet; its name is not known."""
    return Customer(
        id=facts.ids.new("cus"),
        name="",
        created_at=facts.now,
        updated_at=facts.now,
        phones=(_file_phone(recipient),),
    )


def _file_phone(recipient: str) -> CustomerPhone:
    """Read the number for a profile; what is no phone number (a short code) is filed as it is."""
    try:
        phone = parse_phone(recipient)
    except InvalidNumber:
        return CustomerPhone(
            original=recipient,
            normalized=recipient,
            region_code=_NO_REGION,
            type=PhoneType.OTHER,
            primary=True,
        )
    return CustomerPhone(
        original=phone.original,
        normalized=phone.normalized,
        region_code=phone.region_code,
        primary=True,
    )
