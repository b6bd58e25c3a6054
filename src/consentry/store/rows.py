"""Values to rows and back: every row is its value as JSON, written and read in one call."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import msgspec

from consentry.domain.agents import Agent
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.customers import Customer
from consentry.domain.directory import Directory
from consentry.domain.drift import Drift, DriftKind, Reconciliation
from consentry.domain.entries import Entry
from consentry.domain.folding import clean, fold
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.messages import Job, Message
from consentry.domain.microseconds import from_microseconds
from consentry.domain.notices import Notice
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.domain.webhooks import WebhookHealth, WebhookSecrets
from consentry.ports import (
    AnsweredKey,
    APIKey,
    CarrierAccount,
    Conversation,
    ConversationMark,
    IdempotencyRecord,
    OptOutStory,
    Receipt,
    ServerProcess,
    Session,
    SignInLink,
    Tally,
    Work,
)
from consentry.store.sealing import SEALING

_SIGNS_AROUND_DIGITS: Final = "+()-./ "
_NUMBER_SIGNS: Final = _SIGNS_AROUND_DIGITS + "0123456789"

T = TypeVar("T")


def _opening(decoder: "msgspec.json.Decoder[T]") -> Callable[[str], T]:
    """Decode values in which texts may stand sealed."""
    decode = decoder.decode
    open_texts = SEALING.open
    return lambda stored: decode(open_texts(stored))


# Encoders and decoders are made once: making one costs more than using it.
encode: Final = msgspec.json.Encoder().encode
decode_standing: Final = msgspec.json.Decoder(Standing).decode
decode_standings: Final = msgspec.json.Decoder(dict[str, Standing]).decode
decode_standing_list: Final = msgspec.json.Decoder(list[Standing]).decode
decode_recipients: Final = msgspec.json.Decoder(list[tuple[str, Standing]]).decode
decode_entry: Final = _opening(msgspec.json.Decoder(Entry))
decode_entries: Final = _opening(msgspec.json.Decoder(list[Entry]))
decode_raw: Final = _opening(msgspec.json.Decoder(list[msgspec.Raw]))
decode_message: Final = _opening(msgspec.json.Decoder(Message))
decode_messages: Final = _opening(msgspec.json.Decoder(list[Message]))
decode_jobs: Final = msgspec.json.Decoder(list[Job]).decode
decode_works: Final = _opening(msgspec.json.Decoder(list[Work]))
decode_receipts: Final = msgspec.json.Decoder(list[Receipt]).decode
decode_customer: Final = msgspec.json.Decoder(Customer).decode
decode_customers: Final = msgspec.json.Decoder(list[Customer]).decode
decode_idempotency: Final = msgspec.json.Decoder(list[IdempotencyRecord]).decode
decode_carriers: Final = msgspec.json.Decoder(list[CarrierAccount]).decode
decode_templates: Final = msgspec.json.Decoder(list[Template]).decode
decode_keys: Final = msgspec.json.Decoder(list[APIKey]).decode
decode_agents: Final = msgspec.json.Decoder(list[Agent]).decode
decode_sessions: Final = msgspec.json.Decoder(list[Session]).decode
decode_signed_in: Final = msgspec.json.Decoder(tuple[Session, Agent]).decode
decode_processes: Final = msgspec.json.Decoder(list[ServerProcess]).decode
decode_links: Final = msgspec.json.Decoder(list[SignInLink]).decode
decode_mark: Final = msgspec.json.Decoder(ConversationMark).decode
decode_marks: Final = msgspec.json.Decoder(list[ConversationMark]).decode
decode_conversation: Final = _opening(msgspec.json.Decoder(Conversation))
decode_conversations: Final = _opening(msgspec.json.Decoder(list[Conversation]))
decode_stories: Final = _opening(msgspec.json.Decoder(list[OptOutStory]))
decode_tallies: Final = msgspec.json.Decoder(list[Tally]).decode
decode_directory: Final = msgspec.json.Decoder(Directory).decode
decode_ids: Final = msgspec.json.Decoder(list[str]).decode
decode_pairs: Final = msgspec.json.Decoder(list[tuple[str, str]]).decode
decode_times: Final = msgspec.json.Decoder(dict[str, list[int]]).decode
_decode_answered: Final = msgspec.json.Decoder(list[tuple[str, str, int]]).decode
decode_notices: Final = _opening(msgspec.json.Decoder(list[Notice]))
decode_notice: Final = _opening(msgspec.json.Decoder(Notice))
decode_listed_notices: Final = _opening(msgspec.json.Decoder(list[tuple[int, Notice]]))
decode_webhook_secrets: Final = msgspec.json.Decoder(WebhookSecrets).decode
decode_webhook_health: Final = msgspec.json.Decoder(list[WebhookHealth]).decode
decode_drift: Final = _opening(msgspec.json.Decoder(Drift))
decode_drifts: Final = _opening(msgspec.json.Decoder(list[Drift]))
decode_review: Final = _opening(msgspec.json.Decoder(ReviewCase))
decode_reviews: Final = _opening(msgspec.json.Decoder(list[ReviewCase]))
decode_import: Final = msgspec.json.Decoder(ImportRun).decode
decode_imports: Final = msgspec.json.Decoder(list[ImportRun]).decode
decode_import_parts: Final = msgspec.json.Decoder(list[ImportPart]).decode
decode_drift_counts: Final = msgspec.json.Decoder(dict[DriftKind, int]).decode
decode_reconciliation: Final = msgspec.json.Decoder(Reconciliation).decode
decode_reconciliations: Final = msgspec.json.Decoder(list[Reconciliation]).decode
decode_call: Final = msgspec.json.Decoder(CallToAction).decode
decode_calls: Final = msgspec.json.Decoder(list[CallToAction]).decode
decode_due: Final = msgspec.json.Decoder(list[tuple[str, int]]).decode


def read_version(cursor: str | None) -> int | None:
    """Read the version that a list goes on behind; what is no version is behind none."""
    if cursor is None:
        return None
    return int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) <= 18 else 0


def decode_answered(text: str) -> list[AnsweredKey]:
    """Read keys that were answered, with when."""
    return [
        AnsweredKey(owner, key, from_microseconds(at)) for owner, key, at in _decode_answered(text)
    ]


def join_rows(rows: Iterable[bytes]) -> str:
    """Join encoded rows into one JSON array, the form in which the set statements take them."""
    return f"[{b','.join(rows).decode()}]"


def search_text(customer: Customer) -> str:
    """Put what a customer can be found by into one folded text, a line each.

    A number is searched by its digits, so how it was written tells no more, unless in letters.
    """
    lines = [customer.name, *customer.emails]
    for phone in customer.phones:
        lines.append(phone.normalized)
        if phone.original != phone.normalized:
            lines.append(_digits(phone.original))
            if not is_number(phone.original):
                lines.append(phone.original)
    return _fold("\n".join(lines))


def fold_search(words: str) -> str:
    """Fold what somebody searches for; a number is searched by its digits alone."""
    folded = _fold(words).strip()
    return _digits(folded) if is_number(folded) else folded


def _fold(text: str) -> str:
    """Drop case, accents and other forms of a letter, line by line: each is capped in length."""
    return text.lower() if text.isascii() else "\n".join(fold(clean(n)) for n in text.split("\n"))


def is_number(words: str) -> bool:
    """Tell a part of a phone number from a part of a name."""
    return not words.strip(_NUMBER_SIGNS) and bool(words.strip(_SIGNS_AROUND_DIGITS))


def _digits(text: str) -> str:
    return "".join(c for c in text if c in "0123456789")
