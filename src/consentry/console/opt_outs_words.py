"""What holds a number back, said in words: of whom, why, since when, and who may undo it."""

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Final

import msgspec

from consentry.console.sender_choice import name_brand
from consentry.console.wording import show_number
from consentry.domain.consent import PairState
from consentry.domain.directory import CONVERSATION_PREFIX, Directory, Sender
from consentry.domain.reading import BlockLayer, SenderKind
from consentry.domain.standing import CARRIER_CAUSES, EVERYTHING, BlockState, Cause, Standing

CAUSES: Final[dict[Cause, str]] = {
    Cause.KEYWORD: "Texted a keyword",
    Cause.FREE_TEXT: "Said so in their own words",
    Cause.CARRIER_REFUSAL: "The carrier refused a text",
    Cause.CARRIER_LIST: "On the carrier's list",
    Cause.DRIFT: "Held for review",
    Cause.AGENT: "Told to an agent or a program",
    Cause.IMPORT: "On an imported list",
    Cause.WRONG_NUMBER: "Wrong number",
    Cause.REASSIGNED: "The number has a new owner",
    Cause.LEGAL: "Legal demand",
}
_WITHDRAWN: Final = "Withdrew the conversation"
_LAYERS: Final = {
    BlockLayer.OURS: "here",
    BlockLayer.PROVIDER: "by the carrier",
    BlockLayer.NETWORK: "by the phone network",
}


class Hold(msgspec.Struct, frozen=True):
    """One thing that holds a number back: a block, a do-not-text, a withdrawn conversation."""

    scope: str
    layer: BlockLayer | None
    cause: Cause | None
    since: datetime
    by_person: bool
    entry: str
    lifted_for: tuple[str, ...] = ()


class HoldLine(msgspec.Struct, frozen=True):
    """The holds of one scope as a line of the list."""

    scope: str
    cause: str
    since: datetime
    kept: str
    way_back: str


def list_holds(
    standing: Standing, directory: Directory, scopes: Container[str] | None = None
) -> tuple[Hold, ...]:
    """List what holds a number back within some scopes (None: any), newest first."""
    blocks = [
        Hold(b.scope, b.layer, b.cause, b.since, b.by_person, b.entry)
        for b in standing.blocks
        if b.state is BlockState.BLOCKED
    ]
    listed = [
        Hold(s.scope, None, s.cause, s.since, s.by_person, s.entry, s.lifted_for)
        for s in standing.suppressions
        if s.active
    ]
    withdrawn = _withdrawn_alone(standing, directory, {block.scope for block in blocks})
    holds = [h for h in (*blocks, *listed, *withdrawn) if scopes is None or h.scope in scopes]
    return tuple(sorted(holds, key=lambda hold: hold.since, reverse=True))


def _withdrawn_alone(
    standing: Standing, directory: Directory, blocked: Container[str]
) -> Iterable[Hold]:
    """List the conversations that are withdrawn without a block that says the same."""
    for consent in standing.consents:
        number = consent.program.removeprefix(CONVERSATION_PREFIX)
        if number == consent.program or not consent.is_withdrawn or number in blocked:
            continue
        sender = directory.senders.get(number)
        if sender is None or sender.scope_of(BlockLayer.PROVIDER) not in blocked:
            yield Hold(number, None, None, consent.since, consent.by_person, consent.entry)


def state_of(holds: tuple[Hold, ...]) -> PairState:
    """Say how a number shows: blocked by the carrier only where nobody said anything."""
    if all(hold.cause in CARRIER_CAUSES for hold in holds):
        return PairState.CARRIER_BLOCKED
    return PairState.OPTED_OUT


def spell_cause(cause: Cause | None, *, by_person: bool) -> str:
    """Say why; what the company decided by itself was told by nobody."""
    if cause is None:
        return _WITHDRAWN
    if cause is Cause.AGENT and not by_person:
        return "Decided by the company"
    return CAUSES[cause]


def describe(holds: tuple[Hold, ...], directory: Directory) -> list[HoldLine]:
    """Say it in one line for each scope, in the order of the holds."""
    lines = []
    for scope in dict.fromkeys(hold.scope for hold in holds):
        same = [hold for hold in holds if hold.scope == scope]
        first = min(same, key=lambda hold: hold.since)
        layers = [_LAYERS[hold.layer] for hold in same if hold.layer is not None]
        lines.append(
            HoldLine(
                scope=name_scope(scope, directory),
                cause=spell_cause(first.cause, by_person=any(hold.by_person for hold in same)),
                since=first.since,
                kept=" and ".join(dict.fromkeys(layers)),
                way_back=_spell_way_back(same, directory),
            )
        )
    return lines


def name_scope(scope: str, directory: Directory) -> str:
    """Name the sender, the messaging service, the brand, or everything."""
    if scope == EVERYTHING:
        return "Every brand"
    if scope in directory.brands:
        return f"All of {name_brand(directory, scope)}"
    sender = directory.senders.get(scope)
    if sender is not None:
        return f"{show_number(scope)} ({name_brand(directory, sender.brand)})"
    numbers = [show_number(sender.number) for sender in _of_service(scope, directory)]
    return " and ".join(numbers) or show_number(scope)


def _of_service(scope: str, directory: Directory) -> list[Sender]:
    return [s for s in directory.senders.values() if s.messaging_service_sid == scope]


def _spell_way_back(holds: list[Hold], directory: Directory) -> str:
    """Say who may undo it."""
    if not any(hold.by_person for hold in holds):
        return "A colleague may lift it, with a reason."
    scope = holds[0].scope
    lifted = [show_number(number) for hold in holds for number in hold.lifted_for]
    if scope == EVERYTHING or scope in directory.brands:
        told = "Only they can lift it: START to each number they want to hear from."
        return f"{told} They came back to {' and '.join(lifted)}." if lifted else told
    sender = directory.senders.get(scope)
    senders = [sender] if sender is not None else _of_service(scope, directory)
    ways = [_spell_start(sender) for sender in senders] or [f"START to {show_number(scope)}"]
    return f"Only they can lift it: {' or '.join(ways)}."


def _spell_start(sender: Sender) -> str:
    words = "START or UNSTOP" if sender.kind is SenderKind.TOLL_FREE else "START"
    return f"{words} to {show_number(sender.number)}"
