"""A customer as one agent may see them: their phones, and how each stands with our numbers."""

import unicodedata
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.console.pages import View, Visit
from consentry.console.visible import may_see
from consentry.console.wording import show_number
from consentry.domain.customers import Customer, CustomerPhone
from consentry.domain.directory import Directory, Sender
from consentry.domain.standing import EVERYTHING, Standing

_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})


def isolate(name: str) -> str:
    """Keep a name that runs from right to left from turning the sentence around it."""
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in name):
        return f"\u2068{name}\u2069"
    return name


class SeenPhone(msgspec.Struct, frozen=True):
    """A phone of the customer, with all that stands for its number."""

    phone: CustomerPhone
    standing: Standing

    @property
    def number(self) -> str:
        """The number in the one form that consent is filed under."""
        return self.phone.normalized


class Seen(msgspec.Struct, frozen=True):
    """A customer that the agent may see. `senders` are those of the agent's brands.

    `sees_all` says that the agent works for every brand.
    """

    customer: Customer
    phones: tuple[SeenPhone, ...]
    directory: Directory
    senders: tuple[Sender, ...]
    sees_all: bool

    @property
    def address(self) -> str:
        """Where the customer's page is."""
        return f"/console/customers/{self.customer.id}"

    @property
    def name(self) -> str:
        """What the customer is called: by name, else by number."""
        return self.customer.name.strip() or self._main_number() or "Customer without a name"

    @property
    def first_name(self) -> str:
        """What a sentence calls the customer."""
        words = self.customer.name.split()
        return isolate(words[0]) if words else "This person"

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers of all phones."""
        return tuple(phone.number for phone in self.phones)

    def _main_number(self) -> str:
        main = self.main
        return "" if main is None else show_number(main.number)

    @property
    def main(self) -> SeenPhone | None:
        """The phone marked as Main, else the first."""
        marked = (phone for phone in self.phones if phone.phone.primary)
        return next(marked, self.phones[0] if self.phones else None)

    def find_phone(self, number: str) -> SeenPhone | None:
        """Find a phone of the customer by its number."""
        return next((phone for phone in self.phones if phone.number == number), None)

    def find_sender(self, number: str) -> Sender | None:
        """Find a sender that the agent may see."""
        return next((sender for sender in self.senders if sender.number == number), None)

    def sees_scope(self, scope: str) -> bool:
        """Tell whether a suppression of this scope is the agent's business."""
        brands = {sender.brand for sender in self.senders}
        return self.sees_all or scope == EVERYTHING or scope in brands

    def sees_program(self, program_id: str | None) -> bool:
        """Tell whether what is said of a program is the agent's business."""
        if self.sees_all or program_id is None:
            return True
        program = self.directory.program(program_id)
        return program is not None and self.sees_scope(program.brand)


async def see_customer(visit: Visit) -> Seen | Response:
    """Look up the customer of the address; where there is none to be seen, say so or lead on."""
    found = await visit.services.store.read_customer(visit.path("id"))
    if found is not None and found.merged_into is not None:
        return visit.go(f"/console/customers/{found.merged_into}")
    seen = None if found is None else await look_at(visit, found)
    if seen is not None:
        return seen
    if visit.is_fragment:
        # A part of a page cannot say it: the whole page is loaded anew, and says it.
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return visit.missing("customer")


def with_customer(view: Callable[[Visit, Seen], Awaitable[Response]]) -> View:
    """Make a page of one that is about a customer: it is called for those the agent may see."""

    async def answer(visit: Visit) -> Response:
        seen = await see_customer(visit)
        return seen if isinstance(seen, Response) else await view(visit, seen)

    return answer


async def look_at(visit: Visit, customer: Customer) -> Seen | None:
    """Read how a customer's phones stand; None where the agent may not see this customer."""
    store = visit.services.store
    standings = await store.read_standings([phone.normalized for phone in customer.phones])
    if not await may_see(visit, standings):
        return None
    return Seen(
        customer=customer,
        phones=tuple(
            SeenPhone(phone, standing)
            for phone, standing in zip(customer.phones, standings, strict=True)
        ),
        directory=await store.read_directory(),
        senders=await visit.senders(),
        sees_all=(await visit.sender_scope()) is None,
    )
