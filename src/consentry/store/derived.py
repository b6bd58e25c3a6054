"""What is kept beside the values so that it can be listed and counted: made from them alone."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from consentry.domain.directory import conversation_program, is_conversation
from consentry.domain.entries import AUDIT_KINDS, Entry, EntryKind
from consentry.domain.reading import CarrierWord, LegalMeaning, Tier
from consentry.domain.standing import Block, BlockState, Cause, Piece, Standing, Suppression
from consentry.store.rows import (
    decode_customer,
    decode_entry,
    decode_standing,
    encode,
    search_text,
    to_microseconds,
)

TallyKey = tuple[int, str, str, str]
"""Days since 1970 (UTC), sender, kind, reason."""

AUDITED: Final = frozenset(map(str, AUDIT_KINDS))
"""What the audit lists, by name. An import is one entry there, not one for each row."""

DAY_MICROSECONDS: Final = 24 * 60 * 60 * 1_000_000
_EPOCH: Final = date(1970, 1, 1)
_CONVERSATION: Final = conversation_program("")


class OptOutPiece(NamedTuple):
    """One thing that stands in the way: since when, of what, and why where that is known."""

    since: datetime
    scope: str
    cause: Cause | None


def list_opt_outs(standing: Standing) -> list[OptOutPiece]:
    """List what stands in the way; there is something where `sms_preference` is forbidden.

    A withdrawn conversation does not tell its cause.
    """
    found = [
        OptOutPiece(block.since, block.scope, block.cause)
        for block in standing.blocks
        if block.state is BlockState.BLOCKED
    ]
    found += [
        OptOutPiece(suppression.since, suppression.scope, suppression.cause)
        for suppression in standing.suppressions
        if suppression.active
    ]
    found += [
        OptOutPiece(consent.since, consent.program.removeprefix(_CONVERSATION), None)
        for consent in standing.consents
        if consent.is_withdrawn and is_conversation(consent.program)
    ]
    return found


def opted_out_at(standing: Standing) -> int | None:
    """Tell when the newest opt-out that stands was made, in microseconds; None where none does."""
    found = list_opt_outs(standing)
    return to_microseconds(max(piece.since for piece in found)) if found else None


def row_of_standing(standing: Standing) -> tuple[int | None, str | None, Standing]:
    """Put a standing into a row, as the set statement takes it."""
    found = list_opt_outs(standing)
    if not found:
        return None, None, standing
    newest = max(piece.since for piece in found)
    return to_microseconds(newest), _write_marks(found), standing


def _write_marks(found: Iterable[OptOutPiece]) -> str:
    """Write `scope=cause` between line ends, so that each is found as a part of the whole."""
    marks = dict.fromkeys(f"{piece.scope}={piece.cause or ''}" for piece in found)
    return "\n" + "".join(f"{mark}\n" for mark in marks)


def mark_of(scope: str | None, cause: Cause | None) -> str:
    """Write the part of the marks that an opt-out of a scope, of a cause, or of both has."""
    before = "" if scope is None else f"\n{scope}"
    return f"{before}=" if cause is None else f"{before}={cause}\n"


def encode_standing(standing: Standing) -> bytes:
    """Write a standing as the set statement takes it."""
    return encode(row_of_standing(standing))


def told_reason(entry: Entry) -> str:
    """Tell the gate's reason of a refusal, or the cause of an opt-out; else nothing."""
    kind = entry.kind
    if kind is EntryKind.OPTED_OUT:
        return _cause_of_text(entry) or ""
    if kind is EntryKind.SEND_REFUSED:
        return entry.reason or ""
    if kind is EntryKind.SUPPRESSED or kind is EntryKind.CARRIER_REFUSED:
        causes = (_cause_of_piece(piece) for piece in entry.pieces)
        return next(filter(None, causes), "")
    return ""


def _cause_of_text(entry: Entry) -> Cause | None:
    carrier, legal = entry.carrier_reading, entry.legal_reading
    if carrier is not None and carrier.word is CarrierWord.OPT_OUT:
        return Cause.KEYWORD
    if legal is None:
        return None
    if legal.meaning is LegalMeaning.WRONG_NUMBER:
        return Cause.WRONG_NUMBER
    return Cause.KEYWORD if legal.tier is Tier.KEYWORD else Cause.FREE_TEXT


def _cause_of_piece(piece: Piece) -> Cause | None:
    """Tell why a piece holds the person's number back; one that holds nothing has no cause."""
    match piece:
        case Block(state=BlockState.BLOCKED) | Suppression(active=True):
            return piece.cause
        case _:
            return None


def encode_tallies(tallies: Mapping[TallyKey, int]) -> str:
    """Write tallies as the set statement takes them."""
    return encode(list(_tally_rows(tallies))).decode()


def _tally_rows(tallies: Mapping[TallyKey, int]) -> Iterator[tuple[date, str, str, str, int]]:
    for (day, sender, kind, reason), count in tallies.items():
        yield _EPOCH + timedelta(days=day), sender, kind, reason, count


def opted_out_at_of_row(value: str) -> int | None:
    """Tell `opted_out_at` of a stored standing, for rows that were written without it."""
    return opted_out_at(decode_standing(value))


def opt_out_marks_of_row(value: str) -> str | None:
    """Tell the marks of a stored standing, for rows that were written without them."""
    return row_of_standing(decode_standing(value))[1]


def search_text_of_row(value: str) -> str:
    """Tell `search_text` of a stored customer, for those that were written with another one."""
    return search_text(decode_customer(value))


def told_reason_of_row(value: str) -> str:
    """Tell `told_reason` of a stored entry, for entries that were written before tallies."""
    return told_reason(decode_entry(value))
