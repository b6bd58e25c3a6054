"""The phones on the card: added, changed, removed, made Main, tagged for texts."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.keep_customers import RemovePhone, SavePhone
from consentry.actions.record_consent import Statement, TagPhone
from consentry.actions.set_place import SetPlace
from consentry.console.customer_page import CardForm, render_page
from consentry.console.customer_seen import Seen, SeenPhone, with_customer
from consentry.console.pages import Page, Visit
from consentry.domain.agents import Permission
from consentry.domain.customers import CustomerPhone, PhoneType
from consentry.domain.phone import InvalidNumber, parse_phone
from consentry.domain.rules.places import InvalidPlace, read_place
from consentry.ports import Rejected

_PHONES_MAX: Final = 20
_EXTENSION_DIGITS_MAX: Final = 12
_GONE: Final = "This phone is not on the profile any more."


async def save_phone(visit: Visit, seen: Seen) -> Response:
    """Add a phone, or change the one that the form was opened for."""
    replaces = visit.field("replaces")
    known = seen.find_phone(replaces)
    if replaces and known is None:
        return await _refuse(visit, seen, _GONE, 404)
    phone, errors = _read_phone(visit, known)
    if phone is not None and replaces == "":
        errors |= _check_new(phone, seen)
    if phone is None or errors:
        return await _show_again(visit, seen, errors)
    command = SavePhone(seen.customer.id, phone, visit.actor, replaces or None)
    try:
        await visit.services.store.submit(command)
    except Rejected as error:
        return await _show_again(visit, seen, {"number": str(error)}, error.status)
    return visit.go(f"{seen.address}#card")


def _check_new(phone: CustomerPhone, seen: Seen) -> dict[str, str]:
    if seen.find_phone(phone.normalized) is not None:
        return {"number": f"{phone.normalized} is on this profile already. Change that one."}
    if len(seen.phones) >= _PHONES_MAX:
        return {"number": f"A profile holds {_PHONES_MAX} phones. Remove one first."}
    return {}


def _read_phone(
    visit: Visit, known: SeenPhone | None
) -> tuple[CustomerPhone | None, dict[str, str]]:
    typed = visit.field("number")
    try:
        parsed = parse_phone(typed, region=visit.services.default_region)
    except InvalidNumber as error:
        return None, {"number": str(error)}
    extension = visit.field("extension").strip() or parsed.extension
    if extension and not (extension.isascii() and extension.isdigit()):
        return None, {"extension": "An extension is digits alone, for example 12."}
    if extension and len(extension) > _EXTENSION_DIGITS_MAX:
        return None, {"extension": f"An extension has at most {_EXTENSION_DIGITS_MAX} digits."}
    try:
        kind = PhoneType(visit.field("type"))
    except ValueError:
        return None, {"type": "Choose Mobile, Home, Office or Other."}
    same = known is not None and known.number == parsed.normalized
    phone = CustomerPhone(
        original=known.phone.original if known is not None and same else typed,
        normalized=parsed.normalized,
        region_code=parsed.region_code,
        extension=extension,
        type=kind,
        primary=visit.field("main") == "yes",
    )
    return phone, {}


async def _show_again(
    visit: Visit, seen: Seen, errors: dict[str, str], status: int = 422
) -> Response:
    replaces = visit.field("replaces")
    names = ("number", "extension", "type", "main")
    form = CardForm(
        what="phone" if replaces else "add",
        phone=replaces,
        values={name: visit.field(name) for name in names},
        errors=errors,
    )
    return await render_page(visit, seen, form=form, status=status)


async def make_main(visit: Visit, seen: Seen) -> Response:
    """Make a phone the main one; it takes the mark from the one before."""
    phone = seen.find_phone(visit.field("phone"))
    if phone is None:
        return await _refuse(visit, seen, _GONE, 404)
    main = msgspec.structs.replace(phone.phone, primary=True)
    await visit.services.store.submit(SavePhone(seen.customer.id, main, visit.actor))
    return visit.go(f"{seen.address}#card")


async def remove_phone(visit: Visit, seen: Seen) -> Response:
    """Take a phone off the profile; what stands for its number stays."""
    command = RemovePhone(seen.customer.id, visit.field("phone"), visit.actor)
    try:
        await visit.services.store.submit(command)
    except Rejected as error:
        return await _refuse(visit, seen, _GONE, error.status)
    return visit.go(f"{seen.address}#card")


async def tag_phone(visit: Visit, seen: Seen) -> Response:
    """Set the SMS tag by hand or take it off; on a forbidden number it is refused."""
    phone = seen.find_phone(visit.field("phone"))
    if phone is None:
        return await _refuse(visit, seen, _GONE, 404)
    reason = f"Set by hand on the profile {seen.customer.id}"
    statement = Statement(phone.number, visit.actor, reason, by_person=False)
    try:
        await visit.services.store.submit(TagPhone(statement, visit.field("sms") == "on"))
    except Rejected as error:
        return await _refuse(visit, seen, str(error), error.status)
    return visit.go(f"{seen.address}#card")


async def place_phone(visit: Visit, seen: Seen) -> Response:
    """Set the time zone and the postal code of a phone; both empty lets the number tell again."""
    phone = seen.find_phone(visit.field("phone"))
    if phone is None:
        return await _refuse(visit, seen, _GONE, 404)
    zone, postal_code = visit.field("time_zone").strip(), visit.field("postal_code").strip()
    errors = _check_place(phone.number, zone, postal_code)
    if errors:
        typed = {"time_zone": zone, "postal_code": postal_code}
        form = CardForm(what="place", phone=phone.number, values=typed, errors=errors)
        return await render_page(visit, seen, form=form, status=422)
    reason = f"Set by hand on the profile {seen.customer.id}"
    command = SetPlace(phone.number, visit.actor, zone or None, postal_code or None, reason)
    await visit.services.store.submit(command)
    return visit.go(f"{seen.address}#card")


def _check_place(number: str, zone: str, postal_code: str) -> dict[str, str]:
    """Say at each field what is wrong with it."""
    asked = {
        "time_zone": {"zone": zone or None, "postal_code": None},
        "postal_code": {"zone": None, "postal_code": postal_code or None},
    }
    errors = {}
    for name, part in asked.items():
        try:
            read_place(number, **part)
        except InvalidPlace as error:
            errors[name] = str(error)
    return errors


async def _refuse(visit: Visit, seen: Seen, error: str, status: int) -> Response:
    """Say beside the phone why nothing was done, or on top where the phone is gone."""
    number = visit.field("phone")
    place = "phone" if seen.find_phone(number) is not None else "card"
    form = CardForm(what="told", phone=number, errors={place: error})
    return await render_page(visit, seen, form=form, status=status)


_EDIT: Final = Permission.EDIT_CUSTOMERS
_PATH: Final = "/customers/{id}/phones"

PAGES: Final = (
    Page(path=_PATH, view=with_customer(save_phone), permission=_EDIT, method="POST"),
    Page(path=f"{_PATH}/main", view=with_customer(make_main), permission=_EDIT, method="POST"),
    Page(path=f"{_PATH}/remove", view=with_customer(remove_phone), permission=_EDIT, method="POST"),
    Page(path=f"{_PATH}/place", view=with_customer(place_phone), permission=_EDIT, method="POST"),
    Page(
        path=f"{_PATH}/tag",
        view=with_customer(tag_phone),
        permission=Permission.RECORD_CONSENT,
        method="POST",
    ),
)
