"""The customers a batch knows of, and who holds which number, after the commands so far."""

from collections.abc import Iterable

from consentry.domain.customers import Customer


class Profiles:
    """Customers by id, and the holders of the numbers that were asked for."""

    def __init__(
        self,
        customers: Iterable[Customer],
        holders: Iterable[tuple[str, str]],
        numbers: Iterable[str],
    ) -> None:
        """Start from what was loaded; `numbers` are those whose holders are all in `holders`."""
        self._customers: dict[str, Customer | None] = {c.id: c for c in customers}
        self._holders: dict[str, set[str]] = {number: set() for number in numbers}
        self._numbers: dict[str, set[str]] = {}
        for number, customer in holders:
            self._hold(number, customer)

    def _hold(self, number: str, customer: str) -> None:
        if number in self._holders:
            self._holders[number].add(customer)
            self._numbers.setdefault(customer, set()).add(number)

    def put(self, customer: Customer) -> None:
        """Keep a customer; one that was merged into another holds no number any more."""
        self._let_go(customer.id)
        self._customers[customer.id] = customer
        if customer.merged_into is None:
            for phone in customer.phones:
                self._hold(phone.normalized, customer.id)

    def delete(self, customer: str) -> None:
        """Take a customer out."""
        self._let_go(customer)
        self._customers[customer] = None

    def _let_go(self, customer: str) -> None:
        for number in self._numbers.pop(customer, ()):
            self._holders[number].discard(customer)

    def knows(self, customer: str) -> bool:
        """Tell whether the customer was written or deleted in this batch, or loaded for it."""
        return customer in self._customers

    def find(self, customer: str) -> Customer | None:
        """Find a customer."""
        return self._customers.get(customer)

    def oldest_holder(self, number: str) -> str | None:
        """Find the oldest customer that holds a number; ids sort by time."""
        return min(self._holders[number], default=None)
