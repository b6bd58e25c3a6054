"""All that is held of a customer and their numbers, as it is kept, for who asks what we hold."""

from datetime import datetime

import msgspec

from consentry.actions.record_audit import RecordExport
from consentry.domain.customers import Customer
from consentry.domain.entries import Actor
from consentry.domain.standing import SMSPreference, Standing
from consentry.ports import Rejected, Store


class NumberHeld(msgspec.Struct, frozen=True):
    """What is held of a number.

    `standing` is what stands for it, also where only a keyed hash of the number is kept. `rows` are
    all rows of it by table, as they are kept: its entries in the ledger, texts, receipts, reviews.
    """

    number: str
    sms_preference: SMSPreference
    standing: Standing
    rows: dict[str, list[msgspec.Raw]]


class CustomerHeld(msgspec.Struct, frozen=True):
    """What is held of a customer at a time."""

    made_at: datetime
    customer: Customer
    numbers: list[NumberHeld]

    @property
    def count(self) -> int:
        """How many rows there are, the profile among them."""
        return 1 + sum(len(rows) for held in self.numbers for rows in held.rows.values())


async def export_customer(customer_id: str, by: Actor, store: Store, now: datetime) -> CustomerHeld:
    """Gather all that is held, and write down that somebody took it along.

    Raises `Rejected` where there is no such customer, and `StoreUnavailable`.
    """
    customer = await store.read_customer(customer_id)
    if customer is None:
        raise Rejected(
            "not_found", f"There is no customer {customer_id!a}. Check the id.", status=404
        )
    numbers = dict.fromkeys(phone.normalized for phone in customer.phones)
    held = CustomerHeld(now, customer, [await _read_number(number, store) for number in numbers])
    await store.submit(RecordExport("everything held of a customer", customer.id, held.count, by))
    return held


async def _read_number(number: str, store: Store) -> NumberHeld:
    standing = await store.read_standing(number)
    return NumberHeld(number, standing.sms_preference, standing, await store.read_held(number))
