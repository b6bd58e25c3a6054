"""What is kept beside the values so that it can be listed and counted: made from them alone."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from consentry.domain.directory import conversation_program, is_conversation
from consentry.domain.entries import AUDIT_KINDS, Entry, EntryKind
from consentry.domain.messages import Message
from consentry.domain.microseconds import to_microseconds
from consentry.domain.notices import EventNotice, Notice, StatusNotice, notice_of_change
from consentry.domain.reading import CarrierWord, LegalMeaning, Tier
from consentry.domain.standing import Block, BlockState, Cause, Piece, Standing, Suppression
from consentry.store.rows import decode_customer, decode_entry, decode_standing, encode, search_text

TallyKey = tuple[int, str, str, str]
"""Days since 1970 (UTC), sender, kind, reason."""

AUDITED: Final = frozenset(map(str, AUDIT_KINDS))
"""What the audit lists, by name. An import is one entry there, not one for each row."""

_CAUSES_IN_PIECES: Final = frozenset(
    {EntryKind.SUPPRESSED, EntryKind.CARRIER_REFUSED, EntryKind.REVIEW_ANSWERED}
)
DAY_MICROSECONDS: Final = 24 * 60 * 60 * 1_000_000
_EPOCH: Final = date(1970, 1, 1)
_CONVERSATION: Final = conversation_program("")


def row_of_standing(standing: Standing) -> tuple[int | None, str | None, Standing]:
    """Put a standing into a row, as the set statement takes it.

    Before it stand when the newest opt-out that stands was made, in microseconds, and the marks
    of all: `scope=cause` between line ends, so that each is found as a part of the whole. Both
    are None exactly where `sms_preference` is not forbidden. A withdrawn conversation does not
    tell its cause.
    """
    told = _list_blocks(standing)
    if standing.consents:
        told += _list_withdrawn(standing)
    if not told:
        return None, None, standing
    if len(told) == 1:
        # So it is with nearly everybody on a list that is brought in.
        ((newest, mark),) = told
        return to_microseconds(newest), f"\n{mark}\n", standing
    newest = max(since for since, _ in told)
    marks = "".join(f"{mark}\n" for _, mark in told)
    return to_microseconds(newest), f"\n{marks}", standing


def _list_blocks(standing: Standing) -> list[tuple[datetime, str]]:
    """List the blocks and suppressions that stand: since when, and their mark."""
    # The values by name: an enum's own way into a text takes several times as long.
    told = [
        (block.since, f"{block.scope}={block.cause.value}")
        for block in standing.blocks
        if block.state is BlockState.BLOCKED
    ]
    if standing.suppressions:
        told += [(s.since, f"{s.scope}={s.cause.value}") for s in standing.suppressions if s.active]
    return told


def _list_withdrawn(standing: Standing) -> list[tuple[datetime, str]]:
    """List the conversations that were withdrawn: since when, and their mark."""
    return [
        (consent.since, f"{consent.program.removeprefix(_CONVERSATION)}=")
        for consent in standing.consents
        if consent.is_withdrawn and is_conversation(consent.program)
    ]


def mark_of(scope: str | None, cause: Cause | None) -> str:
    """Write the part of the marks that an opt-out of a scope, of a cause, or of both has."""
    before = "" if scope is None else f"\n{scope}"
    return f"{before}=" if cause is None else f"{before}={cause}\n"


def told_reason(entry: Entry) -> str:
    """Tell the gate's reason of a refusal, the cause of an opt-out, the kind of a drift."""
    kind = entry.kind
    if kind is EntryKind.OPTED_OUT:
        return _cause_of_text(entry) or ""
    if kind is EntryKind.SEND_REFUSED or kind is EntryKind.DRIFT_FOUND:
        return entry.reason or ""
    if kind in _CAUSES_IN_PIECES:
        for piece in entry.pieces:
            cause = _cause_of_piece(piece)
            if cause is not None:
                return cause
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
    if type(piece) is Suppression:
        return piece.cause if piece.active else None
    if type(piece) is Block:
        return piece.cause if piece.state is BlockState.BLOCKED else None
    return None


def derive_notices(messages: Iterable[Message], known: Mapping[str, Message]) -> list[StatusNotice]:
    """Make what programs are told of changes of their messages; `known` is how these were."""
    before: dict[str, Message] = {}
    made: list[StatusNotice] = []
    for message in messages:
        notice = notice_of_change(before.get(message.id) or known.get(message.id), message)
        if notice is not None:
            made.append(notice)
        before[message.id] = message
    return made


def lane_of(notice: Notice) -> str:
    """Name where a notice goes by itself: a program's server, or a webhook."""
    match notice:
        case EventNotice():
            return notice.webhook
        case _:
            return host_of(notice.callback.url)


def host_of(url: str) -> str:
    """Name the server that a URL is of; one that cannot be read is a server of its own."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
    except ValueError:
        return url


def encode_tallies(tallies: Mapping[TallyKey, int]) -> str:
    """Write tallies as the set statement takes them."""
    return encode(list(_tally_rows(tallies))).decode()


def _tally_rows(tallies: Mapping[TallyKey, int]) -> Iterator[tuple[date, str, str, str, int]]:
    for (day, sender, kind, reason), count in tallies.items():
        yield _EPOCH + timedelta(days=day), sender, kind, reason, count


def opted_out_at_of_row(value: str) -> int | None:
    """Tell `opted_out_at` of a stored standing, for rows that were written without it."""
    return row_of_standing(decode_standing(value))[0]


def opt_out_marks_of_row(value: str) -> str | None:
    """Tell the marks of a stored standing, for rows that were written without them."""
    return row_of_standing(decode_standing(value))[1]


def search_text_of_row(value: str) -> str:
    """Tell `search_text` of a stored customer, for those that were written with another one."""
    return search_text(decode_customer(value))


def told_reason_of_row(value: str) -> str:
    """Tell `told_reason` of a stored entry, for entries that were written before tallies."""
    return told_reason(decode_entry(value))
