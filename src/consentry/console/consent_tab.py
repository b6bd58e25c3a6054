"""The Consent tab: all that changed what may be texted, old to new, with how we know."""

import asyncio
from datetime import datetime
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.record_audit import RecordExport
from consentry.actions.record_consent import LiftSuppression, Statement
from consentry.console.bundle import give_evidence, may_take_evidence
from consentry.console.card import build_card, spell_scope
from consentry.console.clock_words import spell_day, spell_latency
from consentry.console.customer_page import read_frame
from consentry.console.customer_seen import Seen, SeenPhone, with_customer
from consentry.console.pages import Page, Visit
from consentry.console.rendering import PRIVATE
from consentry.console.timeline import is_keyword
from consentry.console.timeline_page import is_visible, read_names, visible_pieces
from consentry.console.timeline_words import (
    Names,
    Why,
    explain_refusal,
    spell_medium,
    spell_piece,
    spell_program,
    spell_what_it_did,
)
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.directory import Purpose
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.legal_clock import LegalClock, read_clock
from consentry.domain.messages import Message
from consentry.domain.reading import CarrierReading, LegalReading
from consentry.domain.standing import EVERYTHING, Consent, ConsentState
from consentry.domain.written_consent import Item, gather_evidence, judge_written, look_up
from consentry.ports import EntryFilter, Rejected
from consentry.ports import Page as ListPage

CONSENT_KINDS: Final = (
    EntryKind.OPTED_IN,
    EntryKind.OPTED_OUT,
    EntryKind.HELP_ASKED,
    EntryKind.CONSENT_GRANTED,
    EntryKind.CONSENT_REVOKED,
    EntryKind.CONSENT_REQUESTED,
    EntryKind.SUPPRESSED,
    EntryKind.TAG_CHANGED,
    EntryKind.PLACE_CHANGED,
    EntryKind.SEND_REFUSED,
    EntryKind.JOB_CANCELED,
    EntryKind.CARRIER_REFUSED,
    EntryKind.CARRIER_DELIVERED,
    EntryKind.DRIFT_FOUND,
    EntryKind.DRIFT_APPLIED,
    EntryKind.DRIFT_DISMISSED,
    EntryKind.REVIEW_OPENED,
    EntryKind.REVIEW_ANSWERED,
    EntryKind.STANDING_RECALLED,
)
"""The entries that say something of consent."""

_PAGE_ENTRIES: Final = 50
_EXPORT_ENTRIES: Final = 500
_GRANTS_READ: Final = 100
_REASON_CHARACTERS_MAX: Final = 500


class Told(msgspec.Struct, frozen=True):
    """One entry of the history with its evidence.

    `happened_at` is the time that the carrier or the evidence gives, where it is another one.
    `facts` are lines of (what, what it was). `took` is how long it took from the text's arrival
    to being in force, where a text is behind it; `clock` is that of what was told to somebody.
    """

    id: str
    happened_at: datetime | None
    recorded_at: datetime
    received_at: datetime | None
    says: str
    who: str
    recipient: str
    text: str
    facts: tuple[tuple[str, str], ...]
    changed: tuple[str, ...]
    is_superseded: bool
    took: str = ""
    why: Why | None = None
    clock: LegalClock | None = None


class ProgramStanding(msgspec.Struct, frozen=True):
    """How a number stands with a program that is no conversation.

    `answer_by`: until when the person may answer what they were asked. `checklist` is what express
    written consent needs, held against the evidence there is.
    """

    program: str
    state: str
    level: str
    since: datetime
    expires_at: datetime | None
    answer_by: datetime | None = None
    checklist: tuple[Item, ...] = ()

    @property
    def missing(self) -> int:
        """How many items of express written consent its evidence does not show."""
        return sum(not item.is_met for item in self.checklist)


class Listing(msgspec.Struct, frozen=True):
    """A do-not-text list that the number is on. `may_lift`: the company put it there itself."""

    scope: str
    name: str
    cause: str
    since: datetime
    lifted_for: tuple[str, ...]
    may_lift: bool


class NumberStanding(msgspec.Struct, frozen=True):
    """What stands for a number beyond the conversations, which the card shows."""

    number: str
    programs: tuple[ProgramStanding, ...]
    listings: tuple[Listing, ...]


async def show_consent(visit: Visit, seen: Seen) -> Response:
    """Show what stands now, and under it the history, a page at a time, old to new."""
    return await _show(visit, seen)


async def _show(visit: Visit, seen: Seen, *, error: str = "", status: int = 200) -> Response:
    earlier = visit.query("earlier")
    frame, entries, names = await asyncio.gather(
        read_frame(visit, seen),
        _read_entries(visit, seen, earlier, _PAGE_ENTRIES + 1),
        read_names(visit, seen.first_name),
    )
    shown = entries[:_PAGE_ENTRIES]
    ids = [entry.message for entry in shown if entry.message]
    messages = await visit.services.store.read_messages_by_id(ids)
    history = [
        _tell(entry, seen, names, messages.get(entry.message or ""))
        for entry in reversed(shown)
        if is_visible(entry, seen)
    ]
    return visit.render(
        "customer_consent.html",
        status=status,
        error=error,
        history=history,
        earlier=earlier,
        first=shown[-1].id if len(entries) > _PAGE_ENTRIES else "",
        pairs=build_card(seen),
        standings=[await _stand(visit, phone, seen) for phone in seen.phones],
        may_prove=may_take_evidence(visit, seen),
        may_see_proofs=seen.sees_all and visit.agent.may(Permission.READ_SETTINGS),
        spell_latency=spell_latency,
        spell_day=spell_day,
        **frame,
    )


async def _read_entries(visit: Visit, seen: Seen, before: str, limit: int) -> list[Entry]:
    wanted = EntryFilter(kinds=CONSENT_KINDS, senders=await visit.sender_scope())
    page = ListPage(limit=limit, before=before or None)
    store = visit.services.store
    found = await asyncio.gather(
        *(store.read_entries(number, page, wanted=wanted) for number in seen.numbers)
    )
    merged = sorted((entry for part in found for entry in part), key=lambda e: e.id, reverse=True)
    return merged[:limit]


async def _stand(visit: Visit, phone: SeenPhone, seen: Seen) -> NumberStanding:
    number, standing = phone.number, phone.standing
    shown = [
        consent
        for consent in standing.consents
        if not _is_conversation(consent.program, seen)
        and consent.state is not ConsentState.NONE
        and seen.sees_program(consent.program)
    ]
    checklists = await _read_checklists(visit, number, seen) if shown else {}
    now = visit.services.clock.now()
    programs = [
        ProgramStanding(
            spell_program(consent.program, seen.directory),
            consent.state_at(now),
            consent.level.replace("_", " ")
            + (", not the subscriber's" if consent.not_subscriber else ""),
            consent.since,
            consent.expires_at,
            _answer_by(consent, now),
            checklists.get(consent.program, ()),
        )
        for consent in shown
    ]
    listings = [
        Listing(
            suppression.scope,
            spell_scope(suppression.scope, seen.directory),
            suppression.cause.replace("_", " "),
            suppression.since,
            tuple(show_number(sender) for sender in suppression.lifted_for),
            may_lift=not suppression.by_person and _may_lift(suppression.scope, seen),
        )
        for suppression in standing.suppressions
        if suppression.active and seen.sees_scope(suppression.scope)
    ]
    return NumberStanding(number, tuple(programs), tuple(listings))


def _answer_by(consent: Consent, now: datetime) -> datetime | None:
    """Say until when an answer counts; None where the person was not asked, or it is too late."""
    if not consent.is_asked or consent.state_at(now) is not ConsentState.PENDING:
        return None
    return None if consent.request is None else consent.request.answer_by


async def _read_checklists(visit: Visit, number: str, seen: Seen) -> dict[str, tuple[Item, ...]]:
    """Hold what express written consent needs against the evidence of each marketing program."""
    wanted = EntryFilter(kinds=(EntryKind.CONSENT_GRANTED, EntryKind.CONSENT_REQUESTED))
    page = ListPage(limit=_GRANTS_READ)
    entries = await visit.services.store.read_entries(number, page, wanted=wanted)
    found: dict[str, tuple[Item, ...]] = {}
    for program_id, (_, evidence) in gather_evidence(entries).items():
        program = seen.directory.program(program_id)
        if program is not None and program.purpose is Purpose.MARKETING:
            found[program_id] = judge_written(look_up(seen.directory, program, evidence))
    return found


def _may_lift(scope: str, seen: Seen) -> bool:
    """What holds for every brand is lifted by who works for every brand."""
    return seen.sees_all or (scope != EVERYTHING and seen.sees_scope(scope))


def _is_conversation(program_id: str, seen: Seen) -> bool:
    program = seen.directory.program(program_id)
    return program is not None and program.is_conversation


def _tell(entry: Entry, seen: Seen, names: Names, message: Message | None) -> Told:
    evidence = entry.evidence
    text = entry.text or ("" if evidence is None else evidence.verbatim or "")
    is_refusal = entry.kind in (EntryKind.SEND_REFUSED, EntryKind.JOB_CANCELED)
    is_word = entry.legal_reading is not None and message is not None
    received_at = message.created_at if message is not None and is_word else None
    return Told(
        id=entry.id,
        happened_at=None if entry.at in (received_at, entry.recorded_at) else entry.at,
        recorded_at=entry.recorded_at,
        received_at=received_at,
        says=_say(entry, seen, names),
        who=names.spell(entry.actor),
        recipient=show_number(entry.recipient) if len(seen.phones) > 1 else "",
        text=text,
        facts=(*_read_readings(entry), *_read_evidence(entry)),
        changed=_say_changes(entry, seen),
        is_superseded=entry.superseded,
        took="" if received_at is None else _spell_latency(received_at, entry.recorded_at),
        why=explain_refusal(entry) if is_refusal else None,
        clock=read_clock(entry),
    )


def _say_changes(entry: Entry, seen: Seen) -> tuple[str, ...]:
    said = (spell_piece(piece, seen.directory) for piece in visible_pieces(entry, seen))
    return tuple(filter(None, said))


def _say(entry: Entry, seen: Seen, names: Names) -> str:
    number = show_number(entry.sender or "")
    match entry.kind:
        case EntryKind.OPTED_OUT:
            return f"{names.person} opted out of {number}"
        case EntryKind.OPTED_IN:
            if entry.program is None:
                how = "" if is_keyword(entry) else " by writing first"
                did = f"opted in to {number}{how}"
            else:
                did = f"chose to keep {spell_program(entry.program, seen.directory)}"
            return f"{names.person} {did}"
        case EntryKind.HELP_ASKED:
            return f"{names.person} asked {number} for help"
        case EntryKind.SEND_REFUSED:
            return f"A text from {number} was refused"
        case EntryKind.JOB_CANCELED:
            return f"A text from {number} was stopped before it left"
        case _:
            return spell_what_it_did(entry, seen.directory)


def _read_readings(entry: Entry) -> list[tuple[str, str]]:
    found = []
    if entry.carrier_reading is not None:
        found.append(("Carrier reader", _spell_carrier(entry.carrier_reading)))
    if entry.legal_reading is not None:
        found.append(("Legal reader", _spell_legal(entry.legal_reading)))
    return found


def _spell_carrier(reading: CarrierReading) -> str:
    word = reading.word.replace("_", " ")
    rule = f", rule {reading.rule}" if reading.rule else ""
    return f"{word}{rule}, version {reading.version}"


def _spell_legal(reading: LegalReading) -> str:
    meaning = reading.meaning.replace("_", " ")
    rule = f", rule {reading.rule}" if reading.rule else ""
    return f"{meaning}, tier {reading.tier}{rule}, version {reading.version}"


def _read_evidence(entry: Entry) -> list[tuple[str, str]]:
    evidence = entry.evidence
    told = []
    if evidence is not None:
        words = {
            "Told": spell_medium(evidence.medium),
            "Told by": evidence.name,
            "Shown": evidence.call_to_action,
            "Version shown": evidence.call_to_action_version,
            "SHA-256 of it": evidence.call_to_action_sha256,
            "Done": evidence.action,
            "Page": evidence.page_url,
            "From address": evidence.ip,
            "Browser": evidence.user_agent,
            "Session": evidence.session,
            "Carrier's message id": evidence.carrier_message_id,
            "Clock": evidence.clock,
            "Rests on": evidence.basis,
            "Box": None if evidence.box is None else evidence.box.replace("_", " "),
            "Note": evidence.note,
        }
        told += [(name, value) for name, value in words.items() if value]
    if entry.reason and entry.decision is None:
        told.append(("Reason", entry.reason))
    return told


def _spell_latency(received_at: datetime, recorded_at: datetime) -> str:
    milliseconds = max(0, round((recorded_at - received_at).total_seconds() * 1000))
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


async def lift(visit: Visit, seen: Seen) -> Response:
    """Take a number off a list where the company had put it there, with a reason."""
    phone, scope = seen.find_phone(visit.field("phone")), visit.field("scope")
    reason = visit.field("reason").strip()
    if phone is None or not _may_lift(scope, seen):
        return await _show(visit, seen, error="There is no such list to take it off.", status=404)
    if not 0 < len(reason) <= _REASON_CHARACTERS_MAX:
        error = f"Say why, in at most {_REASON_CHARACTERS_MAX} characters."
        return await _show(visit, seen, error=error, status=422)
    statement = Statement(phone.number, visit.actor, reason, by_person=False)
    brand = None if scope == EVERYTHING else scope
    try:
        await visit.services.store.submit(LiftSuppression(statement, brand))
    except Rejected as rejected:
        return await _show(visit, seen, error=str(rejected), status=rejected.status)
    return visit.go(f"{seen.address}/consent")


async def download(visit: Visit, seen: Seen) -> Response:
    """Give the whole history as JSON lines, newest first, and record that it was taken along."""
    lines = []
    before = ""
    while True:
        entries = await _read_entries(visit, seen, before, _EXPORT_ENTRIES)
        lines += [
            msgspec.json.encode(msgspec.structs.replace(entry, pieces=visible_pieces(entry, seen)))
            for entry in entries
            if is_visible(entry, seen)
        ]
        if len(entries) < _EXPORT_ENTRIES:
            break
        before = entries[-1].id
    what = f"consent history of customer {seen.customer.id}"
    numbers = ", ".join(seen.numbers)
    await visit.services.store.submit(RecordExport(what, numbers, len(lines), visit.actor))
    name = f"consent-{seen.customer.id}.jsonl"
    return Response(
        b"".join(line + b"\n" for line in lines),
        media_type="application/x-ndjson",
        headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'},
    )


PAGES: Final = (
    Page(
        path="/customers/{id}/consent",
        view=with_customer(show_consent),
        permission=Permission.READ_CONVERSATIONS,
    ),
    Page(
        path="/customers/{id}/lift",
        view=with_customer(lift),
        permission=Permission.RECORD_CONSENT,
        method="POST",
    ),
    Page(
        path="/customers/{id}/evidence.zip",
        view=with_customer(give_evidence),
        permission=Permission.EXPORT,
    ),
    Page(
        path="/customers/{id}/consent.jsonl",
        view=with_customer(download),
        permission=Permission.EXPORT,
    ),
)
