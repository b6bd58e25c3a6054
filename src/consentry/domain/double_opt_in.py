"""Double opt-in: a number that was typed in is asked once, and its own handset answers.

The person's exact YES makes the consent active; no other word does, and silence ends it. Nobody
whose opt-out stands is asked, and who did not say yes is asked again only after an act of their
own that is newer.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.entries import Medium
from consentry.domain.intake import Told, find_hindrance, withdrawal_of
from consentry.domain.levels import NEEDED_LEVEL, STRENGTH
from consentry.domain.opting import Word
from consentry.domain.policy import RevocationReach
from consentry.domain.reading import BlockLayer, SenderKind
from consentry.domain.standing import (
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    OptInRequest,
    Standing,
)

_CLOCKS_DIFFER_MAX: Final = timedelta(minutes=1)
_NAME_CHARACTERS_MAX: Final = 28

_OLDER: Final = "A newer revocation stands; this older consent is kept and changes nothing."
_OVERWRITES: Final = "A revocation stands; an import never overwrites one."
_ACTIVE: Final = "Consent is active already; nobody is asked."
_ASKED_BEFORE: Final = (
    "The person was asked before and did not say yes, or withdrew. They are asked again only after "
    "an act of their own that is newer: name its time as evidence.at."
)


class Fate(StrEnum):
    """What becomes of a wish that a person be asked."""

    ASKED = "asked"
    HELD = "held"
    ACTIVE = "active"
    WAITING = "waiting"
    ASKED_BEFORE = "asked_before"
    WITHDREW = "withdrew"


class Wish(msgspec.Struct, frozen=True):
    """What somebody wants a person to be asked.

    `is_dated`: the evidence names the time of the person's act itself. `ends_at` is when the
    answer must be there, `message` the id that the text will have. `sender`: over which number.
    """

    level: ConsentLevel
    medium: Medium
    now: datetime
    ends_at: datetime
    message: str
    is_dated: bool = False
    call_to_action: str | None = None
    sender: str | None = None


class Requested(msgspec.Struct, frozen=True):
    """What a wish leads to: the consent as it is then, and over which sender to ask, if at all."""

    state: ConsentState
    note: str
    consent: Consent | None = None
    sender: Sender | None = None
    superseded: bool = False
    fate: Fate = Fate.HELD


def level_for(program: Program) -> ConsentLevel:
    """Say what a program asks for where nothing is named: what its texts need, express at least."""
    needed = NEEDED_LEVEL[program.purpose]
    return ConsentLevel.EXPRESS if needed is ConsentLevel.IMPLIED else needed


def decide_request(
    standing: Standing,
    program: Program,
    directory: Directory,
    *,
    wish: Wish,
    told: Told,
    reach: RevocationReach,
) -> Requested:
    """Decide whether a person is asked; an opt-out that stands, and an earlier no, win."""
    known = standing.consent(program.id)
    state = ConsentState.NONE if known is None else known.state_at(wish.now)
    withdrawn_at = withdrawal_of(standing, program, directory, reach)
    if withdrawn_at is not None and told.at <= withdrawn_at:
        return Requested(state, _OLDER, superseded=True, fate=Fate.WITHDREW)
    hindrance = find_hindrance(standing, program, directory)
    if told.cause is Cause.IMPORT and (hindrance or (known is not None and known.is_withdrawn)):
        return Requested(state, _OVERWRITES, fate=Fate.WITHDREW)
    refusal = None if known is None else _find_refusal(known, program, wish=wish, told=told)
    if refusal is not None:
        return Requested(state, refusal[1], fate=refusal[0])
    sender = choose_sender(standing, program, directory, named=wish.sender)
    if sender is None:
        return Requested(state, f"No sender of {program.name} can ask. Add or switch on one.")
    if hindrance is not None:
        state, note = hindrance
        held = _wait(known, program, wish=wish, told=told, state=state, sender=sender, text=None)
        return Requested(state, note, held)
    asked = _wait(
        known,
        program,
        wish=wish,
        told=told,
        state=ConsentState.PENDING,
        sender=sender,
        text=wish.message,
    )
    note = _waiting_note(asked.request)
    return Requested(ConsentState.PENDING, note, asked, sender, fate=Fate.ASKED)


def _find_refusal(
    known: Consent, program: Program, *, wish: Wish, told: Told
) -> tuple[Fate, str] | None:
    """Say why a person is not asked for what is given, asked for, or was refused already."""
    if known.is_active(wish.now):
        enough = STRENGTH[known.level] >= min(STRENGTH[wish.level], STRENGTH[level_for(program)])
        return (Fate.ACTIVE, _ACTIVE) if enough else None
    if known.is_asked and known.state_at(wish.now) is ConsentState.PENDING:
        waiting = f"Asked already. {_waiting_note(known.request)} Nothing more is sent."
        return Fate.WAITING, waiting
    if known.asked_at is None and not known.is_withdrawn:
        return None
    is_newer = known.asked_at is None or told.at > known.asked_at
    return None if wish.is_dated and is_newer else (Fate.ASKED_BEFORE, _ASKED_BEFORE)


def _waiting_note(request: OptInRequest | None) -> str:
    until = "" if request is None else f" until {request.answer_by:%Y-%m-%d %H:%M} UTC"
    return f"Waiting for the person's YES{until}."


def _wait(
    known: Consent | None,
    program: Program,
    *,
    wish: Wish,
    told: Told,
    state: ConsentState,
    sender: Sender,
    text: str | None,
) -> Consent:
    last_asked = None if known is None else known.asked_at
    request = OptInRequest(sender.number, asked_at=wish.now, answer_by=wish.ends_at, message=text)
    return Consent(
        program=program.id,
        state=state,
        level=wish.level,
        since=told.at,
        changed_at=told.at,
        entry=told.entry,
        by_person=state is ConsentState.PENDING,
        withdrawn_at=None if known is None else known.withdrawn_at,
        call_to_action=wish.call_to_action,
        request=request,
        asked_at=last_asked if text is None else wish.now,
    )


def choose_sender(
    standing: Standing, program: Program, directory: Directory, *, named: str | None = None
) -> Sender | None:
    """Choose over which sender to ask: the one named, else the one the person texted last."""
    able = [
        sender
        for sender in directory.senders_of(program)
        if sender.enabled
        and sender.kind is not SenderKind.ALPHANUMERIC
        and named in (None, sender.number)
    ]
    texted = [s for s in able if standing.thread(s.number).last_inbound_at is not None]
    if texted:
        return max(texted, key=lambda s: _last_inbound(standing, s))
    return able[0] if able else None


def _last_inbound(standing: Standing, sender: Sender) -> float:
    at = standing.thread(sender.number).last_inbound_at
    return 0.0 if at is None else at.timestamp()


def note_sent(
    standing: Standing, program: str | None, now: datetime, *, hours: int
) -> tuple[Consent, ...]:
    """Note on a consent that its request is given to the carrier: the time to answer begins."""
    consent = None if program is None else standing.consent(program)
    if consent is None or consent.request is None:
        return ()
    answer_by = now + timedelta(hours=hours)
    sent = msgspec.structs.replace(consent.request, sent_at=now, answer_by=answer_by)
    return (msgspec.structs.replace(consent, request=sent),)


def find_asked(standing: Standing, sender: Sender, at: datetime) -> Consent | None:
    """Find the consent that a yes to this sender, said at a time, confirms: the last that went out.

    A word that is older than the request, or comes when its time is over, confirms nothing.
    """
    asked = [
        (request.sent_at, request.asked_at, request.answer_by, consent)
        for consent in standing.consents
        if consent.state is ConsentState.PENDING
        and (request := consent.request) is not None
        and request.sender == sender.number
        and request.sent_at is not None
    ]
    if not asked:
        return None
    # A question that waited for the morning is read after one that was asked for later.
    sent_at, _, answer_by, newest = max(asked, key=lambda one: one[:2])
    return newest if sent_at - _CLOCKS_DIFFER_MAX <= at < answer_by else None


def is_back_since(standing: Standing, sender: Sender, at: datetime) -> bool:
    """Tell whether the person came back to a sender after a time, by the carrier's own clock.

    What they wrote before answers nothing that was asked since, however late it comes.
    """
    scopes = {sender.scope_of(layer) for layer in BlockLayer}
    times = [block.opted_in_at for block in standing.blocks if block.scope in scopes]
    return max((time for time in times if time is not None), default=at) > at


def end_older(
    standing: Standing, confirmed: Consent, sender: Sender, at: datetime
) -> list[Consent]:
    """End what this sender had asked before the question that a yes answered.

    A second YES is a repeat, or answers something else: it must not confirm what was not read
    last. The person is asked again after a newer act of their own.
    """
    return [
        msgspec.structs.replace(
            consent, request=msgspec.structs.replace(request, answer_by=min(request.answer_by, at))
        )
        for consent in standing.consents
        if consent.state is ConsentState.PENDING
        and consent.program != confirmed.program
        and (request := consent.request) is not None
        and request.sender == sender.number
        and request.sent_at is not None
    ]


def confirm_asked(consent: Consent, word: Word) -> Consent:
    """Make a consent active by the handset's own yes."""
    return msgspec.structs.replace(
        consent,
        state=ConsentState.ACTIVE,
        since=word.since,
        changed_at=word.newer_than(consent.changed_at),
        entry=word.entry,
        by_person=True,
        request=None,
    )


def find_held(
    standing: Standing, sender: Sender, directory: Directory, now: datetime
) -> Consent | None:
    """Find what a person who is back may be asked now: they asked for it while opted out.

    It is one, the newest, so that one word is answered with one text.
    """
    held = [
        consent
        for consent in standing.consents
        if consent.request is not None
        and consent.request.message is None
        and consent.state_at(now) is ConsentState.PENDING
        and _may_ask(consent.program, sender, standing, directory)
    ]
    return max(held, key=lambda consent: consent.changed_at, default=None)


def _may_ask(program_id: str, sender: Sender, standing: Standing, directory: Directory) -> bool:
    program = directory.program(program_id)
    if program is None or not program.enabled:
        return False
    if choose_sender(standing, program, directory, named=sender.number) is None:
        return False
    return find_hindrance(standing, program, directory) is None


def ask_held(consent: Consent, sender: Sender, wish: Wish) -> Consent:
    """Ask at last what waited for the person to come back; the time to answer begins now."""
    request = OptInRequest(sender.number, wish.now, wish.ends_at, wish.message)
    return msgspec.structs.replace(consent, request=request, asked_at=wish.now)


def word_request(brand: Brand, program: Program) -> str:
    """Word the one text that asks: who, for what, how often, and how to say yes, help and stop."""
    often = f" ({program.frequency})" if program.frequency else ""
    return (
        f"{_short(brand.name)}: reply YES to get {_short(program.name)}{often}. Msg & data rates "
        "may apply. Reply HELP for help, STOP to opt out."
    )


def word_confirmation(brand: Brand, program: Program) -> str:
    """Word the first text of a recurring program (CTIA 5.1.2): program, frequency, HELP, STOP."""
    often = program.frequency or "msg frequency varies"
    return (
        f"{_short(brand.name)}: you get {_short(program.name)} now, {often}. Msg & data rates may "
        "apply. Reply HELP for help, STOP to opt out."
    )


def _short(name: str) -> str:
    return name[:_NAME_CHARACTERS_MAX].strip()
