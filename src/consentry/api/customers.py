"""Profiles: listed, made, changed, merged, deleted; phones one by one.

None of it touches consent, which belongs to the number: each phone shows the standing of its
number, whoever has it.
"""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.export_customer import CustomerHeld, export_customer
from consentry.actions.keep_customers import (
    ChangeCustomer,
    CreateCustomer,
    DeleteCustomer,
    MergeCustomers,
)
from consentry.api.customer_views import CustomerView, NewPhone, build_phone, view_customers
from consentry.api.listing import Listing, next_cursor
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import PageQuery, id_in_path, page_after
from consentry.api.problems import Problem
from consentry.api.services import Services
from consentry.domain.customers import Customer
from consentry.ports import Scope

PHONES_MAX: Final = 50

Name = Annotated[str, msgspec.Meta(max_length=200)]
Emails = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=3, max_length=254)], ...],
    msgspec.Meta(max_length=50),
]
Note = Annotated[str, msgspec.Meta(max_length=10_000)]
Phones = Annotated[tuple[NewPhone, ...], msgspec.Meta(max_length=PHONES_MAX)]


class NewCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A profile to make."""

    name: Name = ""
    emails: Emails = ()
    phones: Phones = ()
    note: Note = ""


class CustomerChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a profile; what is left out stays. `phones` replaces the whole list."""

    name: Name | UnsetType = UNSET
    emails: Emails | UnsetType = UNSET
    phones: Phones | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class MergeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer to merge into the one of the path; it then points there."""

    customer: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class CustomerQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which customers to list; `search`: any part of a name or number."""

    search: Annotated[str, msgspec.Meta(max_length=200)] | UnsetType = UNSET


async def show_customer(services: Services, customer: Customer, *, status: int = 200) -> Answer:
    """Answer with one profile."""
    (view,) = await view_customers(services.store, [customer])
    return Answer(view, status=status)


async def find_customer(call: Call[object, object]) -> Customer:
    """Find the profile of the path; raises `Problem`."""
    customer = await call.services.store.read_customer(id_in_path(call))
    if customer is None:
        raise Problem("not_found", f"There is no customer {call.path['id']!a}. Check the id.")
    return customer


async def list_customers(call: Call[None, CustomerQuery]) -> Answer:
    """List profiles, newest first."""
    query, store = call.query, call.services.store
    search = None if query.search is UNSET else query.search or None
    found = await store.read_customers(page_after(query), search=search)
    after = next_cursor(found, query, lambda customer: customer.id)
    views = await view_customers(store, found[: query.limit])
    return Answer(Listing(views, after))


async def create_customer(call: Call[NewCustomer, None]) -> Answer:
    """Make a profile."""
    asked, services = call.body, call.services
    command = CreateCustomer(
        name=asked.name,
        emails=asked.emails,
        phones=tuple(build_phone(phone, services.default_region) for phone in asked.phones),
        note=asked.note,
        by=call.actor,
    )
    return await show_customer(services, await services.store.submit(command), status=201)


async def read_customer(call: Call[None, None]) -> Answer:
    """Show a profile, also one that was merged."""
    return await show_customer(call.services, await find_customer(call))


async def change_customer(call: Call[CustomerChange, None]) -> Answer:
    """Change a profile."""
    asked, services = call.body, call.services
    phones = None
    if asked.phones is not UNSET:
        phones = tuple(build_phone(phone, services.default_region) for phone in asked.phones)
    command = ChangeCustomer(
        customer=id_in_path(call),
        name=None if asked.name is UNSET else asked.name,
        emails=None if asked.emails is UNSET else asked.emails,
        phones=phones,
        note=None if asked.note is UNSET else asked.note,
        by=call.actor,
    )
    return await show_customer(services, await services.store.submit(command))


async def delete_customer(call: Call[None, None]) -> Answer:
    """Delete a profile; the standing of its numbers stays."""
    await call.services.store.submit(DeleteCustomer(id_in_path(call), call.actor))
    return Answer(status=204)


async def export_held(call: Call[None, None]) -> Answer:
    """Give all that is held of a customer, as it is kept; that it was given is written down."""
    services = call.services
    held = await export_customer(id_in_path(call), call.actor, services.store, services.clock.now())
    return Answer(held)


async def merge_customers(call: Call[MergeRequest, None]) -> Answer:
    """Merge another profile into this one."""
    services = call.services
    command = MergeCustomers(id_in_path(call), call.body.customer, call.actor)
    return await show_customer(services, await services.store.submit(command))


_NEW_EXAMPLE: Final = {
    "name": "Ada Example",
    "phones": [{"original": "+14155550142", "type": "mobile", "primary": True}],
}

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/customers",
        tag=Tag.CUSTOMERS,
        summary="Customers, newest first",
        handler=list_customers,
        scope=Scope.CUSTOMERS,
        query=CustomerQuery,
        answers={200: Listing[CustomerView]},
    ),
    Operation(
        method="POST",
        path="/v1/customers",
        tag=Tag.CUSTOMERS,
        summary="Make a profile",
        handler=create_customer,
        scope=Scope.CUSTOMERS,
        body=NewCustomer,
        answers={201: CustomerView},
        errors=("invalid_number",),
        example=_NEW_EXAMPLE,
    ),
    Operation(
        method="GET",
        path="/v1/customers/{id}",
        tag=Tag.CUSTOMERS,
        summary="One profile",
        handler=read_customer,
        scope=Scope.CUSTOMERS,
        answers={200: CustomerView},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/customers/{id}",
        tag=Tag.CUSTOMERS,
        summary="Change a profile",
        handler=change_customer,
        scope=Scope.CUSTOMERS,
        body=CustomerChange,
        answers={200: CustomerView},
        errors=("invalid_number", "not_found", "merged"),
        example={"name": "Ada B. Example"},
    ),
    Operation(
        method="DELETE",
        path="/v1/customers/{id}",
        tag=Tag.CUSTOMERS,
        summary="Delete a profile",
        description="Blocks, consents, suppressions and the ledger stay: they belong to the "
        "number.",
        handler=delete_customer,
        scope=Scope.CUSTOMERS,
        answers={204: None},
        errors=("not_found", "merged"),
    ),
    Operation(
        method="POST",
        path="/v1/customers/{id}/merge",
        tag=Tag.CUSTOMERS,
        summary="Merge another profile into this one",
        description="Phones, emails and notes of both; each phone goes on showing the standing of "
        "its number, so the most restrictive one. The other profile points here.",
        handler=merge_customers,
        scope=Scope.CUSTOMERS,
        body=MergeRequest,
        answers={200: CustomerView},
        errors=("not_found", "merged", "same_customer"),
        example={"customer": "cus_01KAPZ5V0Q3M9X8ZC4T2N6R7HD"},
    ),
    Operation(
        method="GET",
        path="/v1/customers/{id}/export",
        tag=Tag.CUSTOMERS,
        summary="All that is held of a customer",
        description="For people who ask what is held of them: the profile, and for each of its "
        "numbers what stands and all rows by table, as they are kept. The audit says who took it.",
        handler=export_held,
        scope=Scope.ADMIN,
        answers={200: CustomerHeld},
        errors=("not_found",),
    ),
)
