"""Profiles: saved, merged, deleted. None of it touches consent, which belongs to the number.

Each change is told in the history of every phone that is or was on the profile.
"""

import msgspec

from consentry.actions.record_audit import SYSTEM, build_entry
from consentry.domain.customers import Customer, CustomerPhone
from consentry.domain.entries import NOBODY, Actor, Entry, EntryKind
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


def _tell(
    text: str, phones: tuple[CustomerPhone, ...], *, facts: Facts, by: Actor
) -> tuple[Entry, ...]:
    """Tell each phone's history what became of the profile; one without phones tells nobody's."""
    numbers = dict.fromkeys(phone.normalized for phone in phones)
    return tuple(
        build_entry(EntryKind.CUSTOMER_CHANGED, facts, by, text=text, recipient=number)
        for number in numbers or (NOBODY,)
    )


def _save(before: Customer, after: Customer, *, facts: Facts, by: Actor) -> tuple[Customer, Change]:
    """Write a changed profile, and nothing where nothing changed."""
    told = describe_changes(before, after)
    if not told:
        return before, Change()
    changed = msgspec.structs.replace(after, updated_at=facts.now)
    entries = _tell(
        f"{_spell(changed)}: {'; '.join(told)}",
        (*before.phones, *after.phones),
        facts=facts,
        by=by,
    )
    return changed, Change(entries=entries, records=(changed,))


def _spell(customer: Customer) -> str:
    return customer.name or f"Customer {customer.id}"


def describe_changes(before: Customer, after: Customer) -> list[str]:
    """Say in words how a profile changed; the words of a note are not repeated."""
    told = []
    if after.name != before.name:
        told.append(f"name changed from “{before.name}” to “{after.name}”")
    told += [f"email {one} added" for one in after.emails if one not in before.emails]
    told += [f"email {one} removed" for one in before.emails if one not in after.emails]
    if after.note != before.note:
        told.append("note changed" if after.note else "note removed")
    told += _describe_phones(before.phones, after.phones)
    return told or (["written in another way"] if after != before else [])


def _describe_phones(
    before: tuple[CustomerPhone, ...], after: tuple[CustomerPhone, ...]
) -> list[str]:
    known = {phone.normalized: phone for phone in before}
    told = []
    for phone in after:
        old = known.pop(phone.normalized, None)
        told += _describe_new(phone) if old is None else _describe_changed(old, phone)
    return [*told, *(f"phone {number} removed" for number in known)]


def _describe_new(phone: CustomerPhone) -> list[str]:
    told = [f"phone {phone.normalized} added as {phone.type.capitalize()}"]
    return [*told, f"phone {phone.normalized} made Main"] if phone.primary else told


def _describe_changed(old: CustomerPhone, phone: CustomerPhone) -> list[str]:
    told = []
    if old.type is not phone.type:
        types = f"{old.type.capitalize()} to {phone.type.capitalize()}"
        told.append(f"phone {phone.normalized} changed from {types}")
    if phone.primary and not old.primary:
        told.append(f"phone {phone.normalized} made Main")
    if old.extension != phone.extension:
        extension = f"extension {phone.extension}" if phone.extension else "no extension"
        told.append(f"phone {phone.normalized} has {extension} now")
    return told


class CreateCustomer(msgspec.Struct, frozen=True):
    """Make a profile."""

    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[CustomerPhone, ...] = ()
    note: str = ""
    by: Actor = SYSTEM

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
        text = f"{_spell(customer)}: profile made"
        entries = _tell(text, customer.phones, facts=facts, by=self.by)
        return customer, Change(entries=entries, records=(customer,))


class ChangeCustomer(msgspec.Struct, frozen=True):
    """Change a profile; None leaves a field as it is."""

    customer: str
    name: str | None = None
    emails: tuple[str, ...] | None = None
    phones: tuple[CustomerPhone, ...] | None = None
    note: str | None = None
    by: Actor = SYSTEM

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
        )
        return _save(known, changed, facts=facts, by=self.by)


class SavePhone(msgspec.Struct, frozen=True):
    """Add a phone to a profile or change one of its phones, found by its number.

    `replaces` is the number in whose place it comes. That number keeps its own standing; the new
    one starts with what stands for it.
    """

    customer: str
    phone: CustomerPhone
    by: Actor = SYSTEM
    replaces: str | None = None

    def needs(self) -> Needs:
        """Ask for the profile."""
        return Needs(customers=(self.customer,))

    def decide(self, facts: Facts) -> tuple[Customer, Change]:
        """Put the phone in its place; a new Main takes the mark from the old one.

        Raises `Rejected` where the number to be replaced is gone, or the new one is there already.
        """
        known = _known(self.customer, facts)
        place = self.replaces or self.phone.normalized
        numbers = [phone.normalized for phone in known.phones]
        self._check_place(known, place, numbers)
        if place in numbers:
            phones = tuple(
                self.phone if phone.normalized == place else phone for phone in known.phones
            )
        else:
            phones = (*known.phones, self.phone)
        if self.phone.primary:
            phones = tuple(
                msgspec.structs.replace(p, primary=p.normalized == self.phone.normalized)
                for p in phones
            )
        changed = msgspec.structs.replace(known, phones=one_primary(phones))
        return _save(known, changed, facts=facts, by=self.by)

    def _check_place(self, known: Customer, place: str, numbers: list[str]) -> None:
        if self.replaces is None:
            return
        if place not in numbers:
            raise Rejected("not_found", f"Customer {known.id} has no phone {place}.", status=404)
        if self.phone.normalized != place and self.phone.normalized in numbers:
            raise Rejected(
                "already_exists",
                f"{self.phone.normalized} is on this profile already. Change that one, or remove "
                f"{place}.",
                status=409,
            )


class RemovePhone(msgspec.Struct, frozen=True):
    """Take a phone off a profile. Its standing stays: it belongs to the number."""

    customer: str
    normalized: str
    by: Actor = SYSTEM

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
        changed = msgspec.structs.replace(known, phones=kept)
        return _save(known, changed, facts=facts, by=self.by)


class DeleteCustomer(msgspec.Struct, frozen=True):
    """Delete a profile. Blocks, consents, suppressions and the ledger stay with the number."""

    customer: str
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for the profile."""
        return Needs(customers=(self.customer,))

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Decide; raises `Rejected` for one that is gone."""
        known = _known(self.customer, facts)
        text = f"{_spell(known)}: profile deleted"
        entries = _tell(text, known.phones, facts=facts, by=self.by)
        return None, Change(entries=entries, deleted_customers=(known.id,))


class MergeCustomers(msgspec.Struct, frozen=True):
    """Merge one profile into another: phones and emails of both, the other's name stays."""

    into: str
    merged: str
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for both profiles."""
        return Needs(customers=(self.into, self.merged))

    def decide(self, facts: Facts) -> tuple[Customer, Change]:
        """Decide; raises `Rejected` for a merge with itself or with one that is gone."""
        if self.into == self.merged:
            raise Rejected("same_customer", "A customer cannot be merged with itself.", status=422)
        kept, gone = _known(self.into, facts), _known(self.merged, facts)
        merged = msgspec.structs.replace(join_profiles(kept, gone), updated_at=facts.now)
        pointer = msgspec.structs.replace(
            gone, phones=(), emails=(), merged_into=kept.id, updated_at=facts.now
        )
        text = f"{_spell(kept)}: merged with {_spell(gone)}"
        entries = _tell(text, merged.phones, facts=facts, by=self.by)
        return merged, Change(entries=entries, records=(merged, pointer))


def join_profiles(kept: Customer, gone: Customer) -> Customer:
    """Join two profiles: phones, emails and notes of both, the name and the Main of the first."""
    has_primary = any(phone.primary for phone in kept.phones)
    added = tuple(
        msgspec.structs.replace(phone, primary=phone.primary and not has_primary)
        for phone in gone.phones
        if phone.normalized not in {p.normalized for p in kept.phones}
    )
    return msgspec.structs.replace(
        kept,
        name=kept.name or gone.name,
        emails=tuple(dict.fromkeys((*kept.emails, *gone.emails))),
        phones=one_primary((*kept.phones, *added)),
        note="\n".join(note for note in (kept.note, gone.note) if note),
    )
