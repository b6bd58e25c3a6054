"""What people of the company saw and took along, and how the audit words what they did."""

from collections.abc import Collection
from enum import Enum
from typing import Final

import msgspec

from consentry.domain.entries import NOBODY, Actor, ActorKind, Entry, EntryKind
from consentry.domain.in_force import InForce
from consentry.ports import Change, Facts, Needs, Outcome

SYSTEM: Final = Actor(ActorKind.SYSTEM)
"""The command line, or the program itself."""

_SHOWN_MAX: Final = 200


def build_entry(
    kind: EntryKind,
    facts: Facts,
    by: Actor,
    *,
    text: str,
    recipient: str = NOBODY,
    sender: str | None = None,
    reason: str | None = None,
) -> Entry:
    """Build an entry that changes no standing; `text` is what a reader of the audit sees."""
    return Entry(
        id=facts.ids.new("ent"),
        recipient=recipient,
        kind=kind,
        at=facts.now,
        recorded_at=facts.now,
        actor=by,
        sender=sender,
        text=text,
        reason=reason,
    )


def audit_setting(
    what: str,
    before: msgspec.Struct | None,
    after: msgspec.Struct,
    *,
    facts: Facts,
    by: Actor,
    secret: Collection[str] = (),
    hidden: Collection[str] = (),
    in_force: InForce | None = None,
) -> tuple[Entry, ...]:
    """Tell what a setting was and what it is now; nothing where nothing changed.

    Of the fields named in `secret` only that they changed is told, of those in `hidden` nothing.
    `in_force` keeps the new value itself, where decisions are made by it.
    """
    then = {} if before is None else _flatten(before)
    changes = [
        f"{name} {_describe(name, then.get(name), value, secret)}"
        for name, value in _flatten(after).items()
        if name not in hidden and value != then.get(name)
    ]
    if before is not None and not changes:
        return ()
    done = "added" if before is None else "changed"
    text = f"{what} {done}: {'; '.join(changes)}"
    entry = build_entry(EntryKind.SETTING_CHANGED, facts, by, text=text)
    return (msgspec.structs.replace(entry, in_force=in_force),)


def _flatten(value: msgspec.Struct, prefix: str = "") -> dict[str, object]:
    """List the fields of a value, those of values within it too, by their names."""
    fields: dict[str, object] = {}
    for name in value.__struct_fields__:
        held = getattr(value, name)
        if isinstance(held, msgspec.Struct):
            fields |= _flatten(held, f"{prefix}{name}.")
        elif isinstance(held, dict):
            fields |= {f"{prefix}{name}.{key}": kept for key, kept in held.items()}
        elif name != "id":
            fields[f"{prefix}{name}"] = held
    return fields


def _describe(name: str, then: object, now: object, secret: Collection[str]) -> str:
    if name in secret and now is not None:
        return "set" if then is None else "changed"
    if name in secret:
        return "removed"
    return _show(now) if then is None else f"{_show(then)} → {_show(now)}"


def _show(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(str(one) for one in value) or "all"
        case Enum():
            return str(value.value)
        case _:
            shown = str(value)
            return shown if len(shown) <= _SHOWN_MAX else f"{shown[:_SHOWN_MAX]}…"


class RecordView(msgspec.Struct, frozen=True):
    """Record that somebody looked at a customer, under each of the customer's numbers."""

    customer: str
    recipients: tuple[str, ...]
    by: Actor

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Outcome, Change]:
        """Append it; a customer without a number is recorded under nobody."""
        text = f"customer {self.customer}"
        entries = tuple(
            build_entry(EntryKind.CUSTOMER_VIEWED, facts, self.by, text=text, recipient=recipient)
            for recipient in self.recipients or (NOBODY,)
        )
        return Outcome(), Change(entries=entries)


class RecordExport(msgspec.Struct, frozen=True):
    """Record that somebody took a list along: what, which part of it, how many rows."""

    what: str
    wanted: str
    rows: int
    by: Actor

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Outcome, Change]:
        """Append it."""
        entry = _build_list_entry(EntryKind.EXPORTED, self, facts)
        return Outcome(), Change(entries=(entry,))


class RecordImport(msgspec.Struct, frozen=True):
    """Record that somebody brought a list in: what, from where, how many rows."""

    what: str
    wanted: str
    rows: int
    by: Actor

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Outcome, Change]:
        """Append it."""
        entry = _build_list_entry(EntryKind.IMPORTED, self, facts)
        return Outcome(), Change(entries=(entry,))


def _build_list_entry(kind: EntryKind, command: RecordExport | RecordImport, facts: Facts) -> Entry:
    part = f" ({command.wanted})" if command.wanted else ""
    rows = "1 row" if command.rows == 1 else f"{command.rows:,} rows"
    return build_entry(kind, facts, command.by, text=f"{command.what}{part}: {rows}")
