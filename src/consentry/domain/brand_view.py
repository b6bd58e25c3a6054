"""What a program that works for some brands sees: theirs, and what holds for every brand.

What is another brand's is left out, so that nobody can tell it from what is not there. What a
number is (where it is, its SMS tag) belongs to no brand.
"""

from collections.abc import Collection
from typing import assert_never

import msgspec

from consentry.domain.directory import Directory
from consentry.domain.entries import NOBODY, Actor, ActorKind, Entry
from consentry.domain.in_force import InForce
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    Consent,
    Piece,
    Place,
    Review,
    Solicited,
    Standing,
    Suppression,
    Tag,
    Thread,
)

_SOMEBODY = Actor(ActorKind.SYSTEM)
"""Stands for whoever it was, where that is another brand's business."""


class BrandView:
    """Looks at things for some brands, as they are set up in a directory."""

    def __init__(self, directory: Directory, brands: Collection[str]) -> None:
        """Look for these brands."""
        self.directory = narrow_directory(directory, brands)
        self._scopes = frozenset(
            scope
            for sender in self.directory.senders.values()
            for scope in (sender.number, sender.messaging_service_sid or sender.number)
        )

    def sees_program(self, program: str | None) -> bool:
        """Tell whether a program, or the conversation with a sender, is of these brands."""
        return program is not None and self.directory.program(program) is not None

    def narrow_standing(self, standing: Standing) -> Standing:
        """Leave what holds between a person and these brands: the gate decides by it the same."""
        return Standing(
            tuple(filter(self._sees_piece, standing.blocks)),
            tuple(filter(self._sees_piece, standing.consents)),
            tuple(filter(self._sees_piece, standing.suppressions)),
            tuple(filter(self._sees_piece, standing.threads)),
            standing.sms_tag,
            standing.place,
            tuple(filter(self._sees_piece, standing.reviews)),
            tuple(filter(self._sees_piece, standing.solicited)),
        )

    def narrow_entry(self, entry: Entry) -> Entry | None:
        """Leave of an entry what is about these brands; None where nothing is.

        What was said elsewhere and holds here (to another brand of the company, to the company as
        a whole) is left bare: when, and what it changed. One of the audit that is about nobody
        tells what was set up.
        """
        if entry.recipient == NOBODY:
            return self._narrow_set_up(entry)
        pieces = tuple(filter(self._sees_piece, entry.pieces))
        if self._is_ours(entry):
            return msgspec.structs.replace(entry, pieces=pieces)
        kept = tuple(piece for piece in pieces if not isinstance(piece, Tag))
        if not kept:
            return None
        return Entry(
            id=entry.id,
            recipient=entry.recipient,
            kind=entry.kind,
            at=entry.at,
            recorded_at=entry.recorded_at,
            actor=_SOMEBODY,
            pieces=kept,
        )

    def _narrow_set_up(self, entry: Entry) -> Entry | None:
        if entry.in_force is None:
            return None
        narrowed = narrow_in_force(entry.in_force, self.directory)
        return msgspec.structs.replace(
            entry, text=None, reason=None, actor=_SOMEBODY, in_force=narrowed
        )

    def _is_ours(self, entry: Entry) -> bool:
        """Tell an entry of these brands: neither its sender nor its program is another's."""
        brands = self.directory.brands
        listed = (p.scope in brands for p in entry.pieces if isinstance(p, Suppression))
        checks = (
            entry.sender is None or entry.sender in self.directory.senders,
            entry.program is None or self.sees_program(entry.program),
        )
        is_named = entry.sender is not None or entry.program is not None
        return all(checks) and (is_named or any(listed))

    def _sees_piece(self, piece: Piece) -> bool:
        match piece:
            case Block():
                return piece.scope in self._scopes
            case Consent():
                return self.sees_program(piece.program)
            case Suppression():
                return piece.scope == EVERYTHING or piece.scope in self.directory.brands
            case Thread() | Review():
                return piece.sender in self.directory.senders
            case Solicited():
                return piece.brand in self.directory.brands
            case Tag() | Place():
                return True
            case never:
                assert_never(never)


def narrow_directory(directory: Directory, brands: Collection[str]) -> Directory:
    """Leave what is set up for these brands."""
    senders = {k: sender for k, sender in directory.senders.items() if sender.brand in brands}
    programs = {k: program for k, program in directory.programs.items() if program.brand in brands}
    calls = directory.calls_to_action
    return Directory(
        brands={k: brand for k, brand in directory.brands.items() if k in brands},
        senders=senders,
        programs=programs,
        calls_to_action={k: call for k, call in calls.items() if call.program in programs},
        keywords={k: word for k, word in directory.keywords.items() if word.sender in senders},
    )


def narrow_in_force(changed: InForce, ours: Directory) -> InForce:
    """Leave what was set up for the brands of a narrowed directory."""
    brands = ours.brands
    return msgspec.structs.replace(
        changed,
        brands=tuple(brand for brand in changed.brands if brand.id in brands),
        senders=tuple(sender for sender in changed.senders if sender.brand in brands),
        programs=tuple(program for program in changed.programs if program.brand in brands),
    )
