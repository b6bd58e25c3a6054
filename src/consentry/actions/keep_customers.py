"""Profiles: saved, merged, deleted. None of it touches consent, which belongs to the number."""

import msgspec

from consentry.domain.customers import Customer, CustomerPhone
from consentry.ports import Change, Facts, Needs, Rejected


def _known(customer_id: str, facts: Facts) -> Customer:
    customer = facts.customer(customer_id)
    if customer is None:
        raise Rejected("not_found", f"There is no customer {customer_id!r}.", status=404)
    if customer.merged_into is not None:
        raise Rejected(
            "merged",
            f"Customer {customer_id} was merged into {customer.merged_into}. Use that one.",
            status=409,
        )
    return customer


def one_primary(phones: tuple[CustomerPhone, ...]) -> tuple[CustomerPhone, ...]:
    """Keep at most one phone as Main (the last one marked), and no number twice."""
    by_number = {phone.normalized: phone for phone in phones}
    marked = [phone.normalized for phone in by_number.values() if phone.primary]
    return tuple(
        msgspec.structs.replace(phone, primary=bool(marked) and phone.normalized == marked[-1])
        for phone in by_number.values()
    )


class CreateCustomer(msgspec.Struct, frozen=True):
    """Make a profile."""

    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[CustomerPhone, ...] = ()
    note: str = ""

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Customer, Change]:
        """Make it with a new id."""
        customer = Customer(
            id=facts.ids.new("cus"),
            name=self.name,
            created_at=facts.now,
            updated_at=facts.now,
            emails=self.emails,
            phones=one_primary(self.phones),
            note=self.note,
        )
        return customer, Change(records=(customer,))


class ChangeCustomer(msgspec.Struct, frozen=True):
    """Change a profile; None leaves a field as it is."""

    customer: str
    name: str | None = None
    emails: tuple[str, ...] | None = None
    phones: tuple[CustomerPhone, ...] | None = None
    note: str | None = None

    def needs(self) -> Needs:
        """Ask for the profile."""
        return Needs(customers=(self.customer,))

    def decide(self, facts: Facts) -> tuple[Customer, Change]:
        """Decide; raises `Rejected` for one that is gone or merged."""
        known = _known(self.customer, facts)
        changed = msgspec.structs.replace(
            known,
            name=known.name if self.name is None else self.name,
            emails=known.emails if self.emails is None else self.emails,
            phones=known.phones if self.phones is None else one_primary(self.phones),
            note=known.note if self.note is None else self.note,
            updated_at=facts.now,
        )
        return changed, Change(records=(changed,))


class SavePhone(msgspec.Struct, frozen=True):
    """Add a phone to a profile or change one of its phones, found by its number."""

    customer: str
    phone: CustomerPhone

    def needs(self) -> Needs:
        """Ask for the profile."""
        return Needs(customers=(self.customer,))

    def decide(self, facts: Facts) -> tuple[Customer, Change]:
        """Put the phone in its place; a new Main takes the mark from the old one."""
        known = _known(self.customer, facts)
        numbers = [phone.normalized for phone in known.phones]
        if self.phone.normalized in numbers:
            phones = tuple(
                self.phone if phone.normalized == self.phone.normalized else phone
                for phone in known.phones
            )
        else:
            phones = (*known.phones, self.phone)
        if self.phone.primary:
            phones = tuple(
                msgspec.structs.replace(p, primary=p.normalized == self.phone.normalized)
                for p in phones
            )
        changed = msgspec.structs.replace(known, phones=one_primary(phones), updated_at=facts.now)
        return changed, Change(records=(changed,))


class RemovePhone(msgspec.Struct, frozen=True):
    """Take a phone off a profile. Its standing stays: it belongs to the number."""

    customer: str
    normalized: str

    def needs(self) -> Needs:
        """Ask for the profile."""
        return Needs(customers=(self.customer,))

    def decide(self, facts: Facts) -> tuple[Customer, Change]:
        """Decide; raises `Rejected` where the profile has no such phone."""
        known = _known(self.customer, facts)
        kept = tuple(p for p in known.phones if p.normalized != self.normalized)
        if len(kept) == len(known.phones):
            raise Rejected(
                "not_found", f"Customer {known.id} has no phone {self.normalized}.", status=404
            )
        changed = msgspec.structs.replace(known, phones=kept, updated_at=facts.now)
        return changed, Change(records=(changed,))


class DeleteCustomer(msgspec.Struct, frozen=True):
    """Delete a profile. Blocks, consents, suppressions and the ledger stay with the number."""

    customer: str

    def needs(self) -> Needs:
        """Ask for the profile."""
        return Needs(customers=(self.customer,))

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Decide; raises `Rejected` for one that is gone."""
        return None, Change(deleted_customers=(_known(self.customer, facts).id,))


class MergeCustomers(msgspec.Struct, frozen=True):
    """Merge one profile into another: phones and emails of both, the other's name stays."""

    into: str
    merged: str

    def needs(self) -> Needs:
        """Ask for both profiles."""
        return Needs(customers=(self.into, self.merged))

    def decide(self, facts: Facts) -> tuple[Customer, Change]:
        """Decide; raises `Rejected` for a merge with itself or with one that is gone."""
        if self.into == self.merged:
            raise Rejected("same_customer", "A customer cannot be merged with itself.", status=422)
        kept, gone = _known(self.into, facts), _known(self.merged, facts)
        has_primary = any(phone.primary for phone in kept.phones)
        added = tuple(
            msgspec.structs.replace(phone, primary=phone.primary and not has_primary)
            for phone in gone.phones
            if phone.normalized not in {p.normalized for p in kept.phones}
        )
        merged = msgspec.structs.replace(
            kept,
            name=kept.name or gone.name,
            emails=tuple(dict.fromkeys((*kept.emails, *gone.emails))),
            phones=one_primary((*kept.phones, *added)),
            note="\n".join(note for note in (kept.note, gone.note) if note),
            updated_at=facts.now,
        )
        pointer = msgspec.structs.replace(
            gone, phones=(), emails=(), merged_into=kept.id, updated_at=facts.now
        )
        return merged, Change(records=(merged, pointer))
