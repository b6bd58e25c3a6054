"""The phones of a profile, one by one: nobody has to send the whole list to change one."""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.keep_customers import RemovePhone, SavePhone
from consentry.actions.record_consent import Statement, TagPhone
from consentry.api.customer_views import CustomerView, Extension, NewPhone, build_phone
from consentry.api.customers import find_customer, show_customer
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import id_in_path, phone_in_path
from consentry.api.problems import Problem
from consentry.domain.customers import Customer, CustomerPhone, PhoneType
from consentry.domain.standing import SMSPreference
from consentry.ports import Scope


class PhoneChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a phone; what is left out stays. `sms_preference`: on or off."""

    type: PhoneType | UnsetType = UNSET
    primary: bool | UnsetType = UNSET
    extension: Extension | UnsetType | None = UNSET
    sms_preference: Literal["on", "off"] | UnsetType = UNSET


def _find_phone(customer: Customer, normalized: str) -> CustomerPhone:
    for phone in customer.phones:
        if phone.normalized == normalized:
            return phone
    raise Problem(
        "not_found", f"Customer {customer.id} has no phone {normalized}. Add it, or name another."
    )


async def add_phone(call: Call[NewPhone, None]) -> Answer:
    """Put a phone on a profile; one that is there already is not added twice."""
    services = call.services
    phone = build_phone(call.body, services.default_region)
    customer = await services.store.submit(SavePhone(id_in_path(call), phone, call.actor))
    return await show_customer(services, customer, status=201)


async def change_phone(call: Call[PhoneChange, None]) -> Answer:
    """Change one phone of a profile; the tag is refused while an opt-out stands."""
    services, asked = call.services, call.body
    normalized = phone_in_path(call).normalized
    customer = await find_customer(call)
    known = _find_phone(customer, normalized)
    if asked.sms_preference is not UNSET:
        await _tag(call, normalized, on=asked.sms_preference == "on")
    changed = msgspec.structs.replace(
        known,
        type=known.type if asked.type is UNSET else asked.type,
        primary=known.primary if asked.primary is UNSET else asked.primary,
        extension=known.extension if asked.extension is UNSET else asked.extension,
    )
    if changed != known:
        customer = await services.store.submit(SavePhone(customer.id, changed, call.actor))
    return await show_customer(services, customer)


async def _tag(call: Call[PhoneChange, None], normalized: str, *, on: bool) -> None:
    standing = await call.services.store.read_standing(normalized)
    wanted = SMSPreference.ON if on else SMSPreference.OFF
    if standing.sms_preference is wanted:
        return
    reason = f"Set on the profile {call.path['id']}"
    statement = Statement(normalized, call.actor, reason, by_person=False)
    await call.services.store.submit(TagPhone(statement, on))


async def remove_phone(call: Call[None, None]) -> Answer:
    """Take a phone off a profile; its standing stays with the number."""
    command = RemovePhone(id_in_path(call), phone_in_path(call).normalized, call.actor)
    await call.services.store.submit(command)
    return Answer(status=204)


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/v1/customers/{id}/phones",
        tag=Tag.CUSTOMERS,
        summary="Put a phone on a profile",
        handler=add_phone,
        scope=Scope.CUSTOMERS,
        body=NewPhone,
        answers={201: CustomerView},
        errors=("invalid_number", "not_found", "merged"),
        example={"original": "+14155550143", "type": "office"},
    ),
    Operation(
        method="PATCH",
        path="/v1/customers/{id}/phones/{phone}",
        tag=Tag.CUSTOMERS,
        summary="Change one phone of a profile",
        description="`sms_preference` sets or removes the SMS tag of the number, on every profile "
        "that has it.",
        handler=change_phone,
        scope=Scope.CUSTOMERS,
        body=PhoneChange,
        answers={200: CustomerView},
        errors=("invalid_number", "not_found", "merged", "opted_out"),
        example={"type": "home", "primary": True},
    ),
    Operation(
        method="DELETE",
        path="/v1/customers/{id}/phones/{phone}",
        tag=Tag.CUSTOMERS,
        summary="Take a phone off a profile",
        handler=remove_phone,
        scope=Scope.CUSTOMERS,
        answers={204: None},
        errors=("invalid_number", "not_found", "merged"),
    ),
)
