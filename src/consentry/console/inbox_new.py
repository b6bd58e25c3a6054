"""A new customer: their name and the number of their phone."""

from typing import Final

from starlette.responses import Response

from consentry.actions.keep_customers import CreateCustomer
from consentry.console.pages import Page, Visit
from consentry.console.visible import may_see
from consentry.domain.agents import Permission
from consentry.domain.customers import Customer, CustomerPhone
from consentry.domain.phone import InvalidNumber, Phone, parse_phone

NAME_CHARACTERS_MAX: Final = 200


async def ask(visit: Visit) -> Response:
    """Ask for the name and the number; what was searched for may be one of them."""
    searched = visit.query("search")
    is_number = any(c.isdigit() for c in searched)
    return _show(visit, name="" if is_number else searched, phone=searched if is_number else "")


def _show(
    visit: Visit,
    *,
    name: str,
    phone: str,
    name_error: str = "",
    phone_error: str = "",
    known: Customer | None = None,
) -> Response:
    return visit.render(
        "inbox_new.html",
        status=422 if name_error or phone_error else 200,
        name=name,
        phone=phone,
        name_error=name_error,
        phone_error=phone_error,
        known=known,
    )


async def create(visit: Visit) -> Response:
    """Make the profile, or say beside each field what is wrong with it."""
    name, typed = visit.field("name").strip(), visit.field("phone").strip()
    phone, phone_error = _read_phone(typed, visit.services.default_region)
    name_error = _check_name(name, typed)
    known = None
    if phone is not None and not phone_error:
        known, phone_error = await _find_holder(visit, phone)
    if name_error or phone_error:
        return _show(
            visit,
            name=name,
            phone=typed,
            name_error=name_error,
            phone_error=phone_error,
            known=known,
        )
    phones = () if phone is None else (_file(phone),)
    customer = await visit.services.store.submit(CreateCustomer(name, phones=phones))
    return visit.go(f"/console/customers/{customer.id}")


def _check_name(name: str, phone: str) -> str:
    if not name and not phone:
        return "Write the name, the phone number, or both."
    if len(name) > NAME_CHARACTERS_MAX:
        return f"The name has {len(name)} characters. Shorten it to {NAME_CHARACTERS_MAX}."
    return ""


def _read_phone(typed: str, region: str | None) -> tuple[Phone | None, str]:
    """Read the number, or say what is wrong with it; without one there is nothing to read."""
    if not typed:
        return None, ""
    try:
        return parse_phone(typed, region=region), ""
    except InvalidNumber as error:
        return None, str(error)


async def _find_holder(visit: Visit, phone: Phone) -> tuple[Customer | None, str]:
    """Look who has the number already: one profile for a person is enough."""
    store = visit.services.store
    for customer in await store.read_profiles(phone.normalized):
        numbers = [held.normalized for held in customer.phones]
        if await may_see(visit, await store.read_standings(numbers)):
            return customer, "This number is on a profile already."
    if not await may_see(visit, [await store.read_standing(phone.normalized)]):
        return None, "This number belongs to a brand that you do not work for. Ask an admin."
    return None, ""


def _file(phone: Phone) -> CustomerPhone:
    return CustomerPhone(
        original=phone.original,
        normalized=phone.normalized,
        region_code=phone.region_code,
        extension=phone.extension,
        primary=True,
    )


PAGES: Final = (
    # This path stands before the one of a customer's page, which would take "new" for an id.
    Page(path="/customers/new", view=ask, permission=Permission.EDIT_CUSTOMERS),
    Page(path="/customers", view=create, permission=Permission.EDIT_CUSTOMERS, method="POST"),
)
