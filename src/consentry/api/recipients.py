"""What stands between us and one phone number, and its history."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.erase import REASON_CHARACTERS_MAX, erase_number
from consentry.api.listing import Listing, next_cursor
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import (
    NOT_BLANK,
    PageQuery,
    TimeText,
    page_after,
    phone_in_path,
    read_time,
)
from consentry.api.views import (
    BlockView,
    ChecklistView,
    ConsentView,
    SuppressionView,
    view_block,
    view_checklist,
    view_consent,
    view_suppression,
)
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Sender, is_conversation
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.intake import way_back
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.reading import SenderKind
from consentry.domain.standing import SMSPreference, Standing
from consentry.domain.written_consent import gather_evidence
from consentry.ports import EntryFilter, Page, Scope

_LAST_ENTRIES: Final = 20
_GRANTS_READ: Final = 100


class CustomerName(msgspec.Struct, frozen=True):
    """A customer that has the number."""

    id: str
    name: str


class SenderStanding(msgspec.Struct, frozen=True):
    """How the recipient stands with one sender; `instruction` says how the person comes back.

    `reviews` are the texts that may be an opt-out: while there are any, only direct replies pass.
    """

    sender: str
    kind: SenderKind
    state: PairState
    blocks: list[BlockView]
    consent: ConsentView | None
    suppression: SuppressionView | None
    instruction: str | None
    reviews: list[str]


class RecipientView(msgspec.Struct, frozen=True):
    """The standing of a phone number, its customers, and the last entries of its history.

    `checklists`: of each program that the person consented to, what express written consent needs,
    held against the evidence of the newest grant.
    """

    phone: str
    region: str
    sms_preference: SMSPreference
    senders: list[SenderStanding]
    consents: list[ConsentView]
    suppressions: list[SuppressionView]
    customers: list[CustomerName]
    entries: list[Entry]
    checklists: list[ChecklistView]


class ErasedView(msgspec.Struct, frozen=True):
    """What was destroyed, or would be: entries of the ledger, rows of other tables.

    `kept`: the number said no to something, which stays known by a keyed hash. `entry` accounts for
    what was destroyed; null where nothing was.
    """

    entries: int
    rows: dict[str, int]
    kept: bool
    deleted_customers: list[str]
    changed_customers: list[str]
    entry: str | None


class EntryQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which entries to list; `at`: those recorded no later than then."""

    at: TimeText | UnsetType = UNSET


def _view_pair(standing: Standing, sender: Sender, now: datetime) -> SenderStanding:
    blocks = standing_blocks(standing, sender)
    consent = standing.consent(sender.conversation)
    suppression = standing_suppression(standing, sender)
    state = pair_state(standing, sender)
    review = standing.review(sender.number)
    stopped = state in (PairState.OPTED_OUT, PairState.CARRIER_BLOCKED)
    return SenderStanding(
        sender=sender.number,
        kind=sender.kind,
        state=state,
        blocks=[view_block(block) for block in blocks],
        consent=None if consent is None else view_consent(consent, now),
        suppression=None if suppression is None else view_suppression(suppression),
        instruction=way_back(sender, blocks) if stopped else None,
        reviews=[] if review is None else [text.id for text in review.texts],
    )


async def read_recipient(call: Call[None, None]) -> Answer:
    """Show the standing; a number never seen has an empty one."""
    phone, store = phone_in_path(call), call.services.store
    number, now = phone.normalized, call.services.clock.now()
    standing = await store.read_standing(number)
    entries = await store.read_entries(number, Page(limit=_LAST_ENTRIES))
    customers = await store.read_profiles(number)
    view = RecipientView(
        phone=number,
        region=phone.region_code,
        sms_preference=standing.sms_preference,
        senders=[
            _view_pair(standing, sender, now)
            for sender in (await store.read_directory()).senders.values()
        ],
        consents=[view_consent(consent, now) for consent in standing.consents],
        suppressions=[view_suppression(s) for s in standing.suppressions if s.active],
        customers=[CustomerName(customer.id, customer.name) for customer in customers],
        entries=entries,
        checklists=await _read_checklists(call, number, standing),
    )
    return Answer(view)


async def _read_checklists(
    call: Call[None, None], number: str, standing: Standing
) -> list[ChecklistView]:
    """Show the checklist of each program's newest grant; conversations need none."""
    programs = {c.program for c in standing.consents if not is_conversation(c.program)}
    if not programs:
        return []
    store = call.services.store
    wanted = EntryFilter(kinds=(EntryKind.CONSENT_GRANTED, EntryKind.CONSENT_REQUESTED))
    granted = await store.read_entries(number, Page(limit=_GRANTS_READ), wanted=wanted)
    directory = await store.read_directory()
    found = gather_evidence(entry for entry in granted if entry.program in programs)
    shown = (view_checklist(entry, evidence, directory) for entry, evidence in found.values())
    return [checklist for checklist in shown if checklist is not None]


class EraseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody is erased, without the number: it is kept. `dry_run`: only count."""

    reason: Annotated[
        str, msgspec.Meta(min_length=1, max_length=REASON_CHARACTERS_MAX, pattern=NOT_BLANK)
    ]
    dry_run: bool = False


async def erase_recipient(call: Call[None, EraseQuery]) -> Answer:
    """Destroy all that is held of a number; what it said no to stays known."""
    query, services = call.query, call.services
    number = phone_in_path(call).normalized
    erased = await erase_number(
        number, query.reason, call.actor, services.store, is_dry_run=query.dry_run
    )
    return Answer(
        ErasedView(
            entries=erased.entries,
            rows=erased.rows,
            kept=erased.kept,
            deleted_customers=list(erased.deleted_customers),
            changed_customers=list(erased.changed_customers),
            entry=erased.entry,
        )
    )


async def list_entries(call: Call[None, EntryQuery]) -> Answer:
    """List what happened, newest first."""
    query = call.query
    until = None if query.at is UNSET else read_time(query.at, "at")
    number = phone_in_path(call).normalized
    found = await call.services.store.read_entries(number, page_after(query), until=until)
    after = next_cursor(found, query, lambda entry: entry.id)
    return Answer(Listing(found[: query.limit], after))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/recipients/{phone}",
        tag=Tag.RECIPIENTS,
        summary="How a phone number stands",
        description="With each of our senders: its state, blocks, consent and what the person "
        "must do to be reached again. A number never seen has an empty standing.",
        handler=read_recipient,
        scope=Scope.READ,
        for_brands=True,
        answers={200: RecipientView},
        errors=("invalid_number",),
    ),
    Operation(
        method="GET",
        path="/v1/recipients/{phone}/entries",
        tag=Tag.RECIPIENTS,
        summary="Ledger entries, newest first",
        handler=list_entries,
        scope=Scope.READ,
        for_brands=True,
        query=EntryQuery,
        answers={200: Listing[Entry]},
        errors=("invalid_number", "invalid_time"),
    ),
    Operation(
        method="DELETE",
        path="/v1/recipients/{phone}",
        tag=Tag.RECIPIENTS,
        summary="Erase somebody",
        description="Destroys all that is held of a number, its texts, history, consents and the "
        "profile that has no other number. What it said no to stays known by a keyed hash, and is "
        "refused as before; an empty entry stays in each place of the ledger. It cannot be undone. "
        "While a text is with a carrier it is put off (`in_flight`): try again in a minute. A "
        "number of which nothing is held answers with zeros.",
        handler=erase_recipient,
        scope=Scope.ADMIN,
        query=EraseQuery,
        answers={200: ErasedView},
        errors=(
            "invalid_number",
            "in_flight",
            "reason_names_number",
            "changed_meanwhile",
            "ledger_damaged",
        ),
    ),
)
