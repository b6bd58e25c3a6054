"""The audit in words: who did what, about whom, and which part of it an agent may read."""

from collections.abc import Mapping
from typing import Final

import msgspec

from consentry.console.opt_outs_words import name_scope
from consentry.console.wording import show_number
from consentry.domain.agents import Agent
from consentry.domain.directory import Directory
from consentry.domain.entries import NOBODY, Actor, ActorKind, Entry, EntryKind, Medium
from consentry.domain.standing import Suppression, Tag

KINDS: Final[dict[EntryKind, str]] = {
    EntryKind.SIGNED_IN: "Signed in",
    EntryKind.SIGN_IN_REFUSED: "Sign-in refused",
    EntryKind.SIGNED_OUT: "Signed out",
    EntryKind.SESSION_REVOKED: "Sessions ended",
    EntryKind.CUSTOMER_VIEWED: "Looked at a customer",
    EntryKind.CUSTOMER_CHANGED: "Changed a customer",
    EntryKind.NOTE_ADDED: "Wrote a note",
    EntryKind.SUPPRESSED: "Do-not-text list",
    EntryKind.CONSENT_GRANTED: "Consent recorded",
    EntryKind.CONSENT_REVOKED: "Withdrawal recorded",
    EntryKind.CONSENT_REQUESTED: "Consent asked for",
    EntryKind.TAG_CHANGED: "SMS tag",
    EntryKind.PLACE_CHANGED: "Set a place",
    EntryKind.SETTING_CHANGED: "Changed a setting",
    EntryKind.EXPORTED: "Exported",
    EntryKind.IMPORTED: "Imported",
    EntryKind.DRIFT_APPLIED: "Applied a carrier drift",
    EntryKind.DRIFT_DISMISSED: "Dismissed a carrier drift",
    EntryKind.REVIEW_ANSWERED: "Answered a review",
    EntryKind.RECONCILED: "Compared with a carrier",
    EntryKind.RULES_RECORDED: "Rules in force",
    EntryKind.ERASED: "Erased somebody",
}
"""The kinds of the audit as one chooses among them."""

_TOLD: Final[dict[Medium, str]] = {
    Medium.TEXT: "told by text",
    Medium.WEB: "told on a web page",
    Medium.PAPER: "told on paper",
    Medium.VERBAL: "told aloud",
    Medium.PHONE: "told by phone",
    Medium.MAIL: "told by mail",
    Medium.IN_PERSON: "told in person",
    Medium.IMPORT: "from a list",
}
_DID: Final[dict[EntryKind, str]] = {
    EntryKind.SIGNED_IN: "signed in as",
    EntryKind.SIGN_IN_REFUSED: "was not let in as",
    EntryKind.SESSION_REVOKED: "ended",
    EntryKind.CUSTOMER_VIEWED: "looked at",
    EntryKind.CUSTOMER_CHANGED: "changed the customer with",
    EntryKind.NOTE_ADDED: "wrote a note about",
    EntryKind.PLACE_CHANGED: "set the place of",
    EntryKind.EXPORTED: "exported",
    EntryKind.DRIFT_APPLIED: "applied a carrier drift of",
    EntryKind.DRIFT_DISMISSED: "dismissed a carrier drift of",
    EntryKind.REVIEW_ANSWERED: "answered a review of a text of",
    EntryKind.RECONCILED: "compared our records with a carrier",
    EntryKind.RULES_RECORDED: "wrote down the rules in force:",
    EntryKind.IMPORTED: "imported",
    EntryKind.ERASED: "erased",
}
"""What was done, where the entry's own text does not say it."""


class Names(msgspec.Struct, frozen=True):
    """Names of agents and of API keys by their ids."""

    agents: Mapping[str, str]
    keys: Mapping[str, str]


def name_who(entry: Entry, names: Names) -> str:
    """Name who did it; who was not let in may be anybody."""
    if entry.kind is EntryKind.SIGN_IN_REFUSED and entry.actor.kind is ActorKind.SYSTEM:
        return "Somebody"
    return _name_actor(entry.actor, names)


def _name_actor(actor: Actor, names: Names) -> str:
    match actor.kind:
        case ActorKind.AGENT:
            return names.agents.get(actor.id or "", actor.id or "An agent")
        case ActorKind.KEY:
            return f"{names.keys.get(actor.id or '', 'A removed key')}, by API"
        case ActorKind.IMPORT:
            return "An import"
        case ActorKind.SYSTEM:
            return "The server"
        case ActorKind.PERSON:
            return "The person"
        case ActorKind.CARRIER:
            return "The carrier"


class Told(msgspec.Struct, frozen=True):
    """An entry in words: what was done, then about whom if anybody, then the rest of it."""

    did: str
    number: str
    rest: str

    @property
    def sentence(self) -> str:
        """Say it in one line."""
        return " ".join(part for part in (self.did, self.number, self.rest) if part)


def tell(entry: Entry, directory: Directory) -> Told:
    """Say what an entry of the audit is about, without who did it."""
    number = "" if entry.recipient == NOBODY else show_number(entry.recipient)
    match entry.kind:
        case EntryKind.CONSENT_GRANTED:
            did = f"recorded a consent with {_name_program(entry, directory)} of"
        case EntryKind.CONSENT_REVOKED:
            did = f"recorded a withdrawal from {_name_program(entry, directory)} of"
        case EntryKind.CONSENT_REQUESTED:
            did = f"asked for consent with {_name_program(entry, directory)} of"
        case EntryKind.SUPPRESSED:
            did = _tell_listing(entry, directory)
        case EntryKind.TAG_CHANGED:
            on = any(isinstance(piece, Tag) and piece.sms for piece in entry.pieces)
            did = "set the SMS tag of" if on else "took away the SMS tag of"
        case EntryKind.CUSTOMER_VIEWED if number:
            return Told("looked at", number, "")
        case _:
            did = _DID.get(entry.kind, "")
    return Told(did, number, _tell_rest(entry))


def _tell_listing(entry: Entry, directory: Directory) -> str:
    """Say on which list a number was put, or off which it was taken."""
    for piece in entry.pieces:
        if isinstance(piece, Suppression):
            scope = name_scope(piece.scope, directory)
            if piece.active:
                return f"recorded an opt-out ({scope}) of"
            return f"lifted an opt-out ({scope}) of"
    return "recorded an opt-out of"


def _name_program(entry: Entry, directory: Directory) -> str:
    program = directory.program(entry.program or "")
    if program is None:
        return entry.program or "a program"
    if program.is_conversation:
        return f"the conversation with {show_number(program.sender or '')}"
    return program.name


def _tell_rest(entry: Entry) -> str:
    parts = []
    if entry.evidence is not None:
        parts.append(_TOLD[entry.evidence.medium])
    if entry.text:
        parts.append(entry.text)
    if entry.reason:
        parts.append(f"“{entry.reason}”" if entry.evidence or entry.pieces else entry.reason)
    return ": ".join(parts)


def sees(agent: Agent, entry: Entry, directory: Directory) -> bool:
    """Tell whether an agent may read an entry of the audit.

    Who sees every brand reads all of it. Others read what they did themselves, and what is about
    a sender, a program or the do-not-text list of their brands. What is about none (a sign-in, a
    setting, a look at a customer) may be about people of another brand, and is not shown.
    """
    if not agent.brands or entry.actor == Actor(ActorKind.AGENT, agent.id):
        return True
    brands = {piece.scope for piece in entry.pieces if isinstance(piece, Suppression)}
    sender = directory.senders.get(entry.sender or "")
    if sender is not None:
        brands.add(sender.brand)
    program = directory.program(entry.program or "")
    if program is not None:
        brands.add(program.brand)
    return not brands.isdisjoint(agent.brands)
