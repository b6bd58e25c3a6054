"""The store as a key that is limited to brands may use it: its own, and no word of the others'.

It says no by itself: what is not written here is closed to such a key, a read as much as a command.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar, cast

import msgspec

from consentry.actions.answer_review import AnswerReview
from consentry.actions.cancel_message import CancelMessage
from consentry.actions.record_consent import (
    GrantConsent,
    LiftSuppression,
    RevokeConsent,
    SuppressRecipient,
)
from consentry.actions.remove_message import RemoveMessage
from consentry.actions.request_consent import RequestConsent
from consentry.actions.send_message import RecordRefusal, RepeatAnswer, SendMessage
from consentry.domain.brand_view import BrandView
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.customers import Customer
from consentry.domain.directory import Directory
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.messages import Message
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.ports import (
    CarrierAccount,
    Command,
    EntryFilter,
    ExpiringFilter,
    ExpiringPage,
    MessageFilter,
    Page,
    Rejected,
    ReviewFilter,
    Store,
)

T = TypeVar("T")

_LOOKED_AT_ONCE: Final = 200


def limit_store(store: Store, brands: Sequence[str]) -> Store:
    """Give a store that shows and changes what is of these brands, and nothing else."""
    return cast("Store", LimitedStore(store, brands))


def refuse_limited() -> NoReturn:
    """Say that something is for keys of every brand."""
    raise Rejected(
        "brand_limited",
        "This key is limited to brands, and this concerns every brand. Use a key that is not "
        "limited, or name the brand.",
        status=403,
    )


class LimitedStore:
    """Implements those methods of `Store` that a limited key may use; every other is refused."""

    def __init__(self, store: Store, brands: Sequence[str]) -> None:
        """Use this store for these brands."""
        self._store = store
        self._brands = frozenset(brands)

    # `Any`, as it is in the place of methods of every type.
    def __getattr__(self, name: str) -> Any:
        """Refuse what is not written here."""
        if name.startswith("_"):
            raise AttributeError(name)
        refuse_limited()

    async def _view(self) -> BrandView:
        return BrandView(await self._store.read_directory(), self._brands)

    # --- Commands ---------------------------------------------------------------------------

    async def submit(self, command: Command[T], *, is_patient: bool = False) -> T:
        """Carry a command out that concerns these brands; raises `Rejected` for any other."""
        await self._check(command)
        return await self._store.submit(command, is_patient=is_patient)

    def post(self, command: Command[object]) -> None:
        """Keep a refused attempt, whomever it would have been sent for; nothing else."""
        if not isinstance(command, RecordRefusal):
            refuse_limited()
        self._store.post(command)

    async def _check(self, command: object) -> None:
        if isinstance(command, CancelMessage | RemoveMessage):
            if await self.read_message(command.message) is None:
                raise Rejected("not_found", _none("message", command.message), status=404)
            return
        check = _CHECKS.get(type(command))
        if check is None:
            refuse_limited()
        check(await self._view(), command)

    # --- What the gate asks -----------------------------------------------------------------

    async def read_directory(self) -> Directory:
        """Return what is set up for these brands."""
        return (await self._view()).directory

    async def read_standing(self, recipient: str) -> Standing:
        """Return what holds between a person and these brands."""
        return (await self.read_facts(recipient))[1]

    async def read_facts(self, recipient: str) -> tuple[Directory, Standing]:
        """Return both, from one snapshot."""
        directory, standing = await self._store.read_facts(recipient)
        view = BrandView(directory, self._brands)
        return view.directory, view.narrow_standing(standing)

    async def read_facts_of(self, recipients: list[str]) -> tuple[Directory, list[Standing]]:
        """Return what the gate asks about these, from one snapshot."""
        directory, standings = await self._store.read_facts_of(recipients)
        view = BrandView(directory, self._brands)
        return view.directory, [view.narrow_standing(standing) for standing in standings]

    # --- History ----------------------------------------------------------------------------

    async def read_entries(
        self,
        recipient: str,
        page: Page,
        *,
        until: datetime | None = None,
        wanted: EntryFilter | None = None,
    ) -> list[Entry]:
        """List the entries of a recipient that are about these brands, newest first."""
        return await self._fill(
            page,
            lambda looked: self._store.read_entries(recipient, looked, until=until, wanted=wanted),
        )

    async def read_audit(
        self,
        page: Page,
        *,
        agent: str | None = None,
        kinds: tuple[EntryKind, ...] | None = None,
    ) -> list[Entry]:
        """List the entries of the audit that are about these brands, newest first."""
        return await self._fill(
            page, lambda looked: self._store.read_audit(looked, agent=agent, kinds=kinds)
        )

    async def _fill(
        self, page: Page, read: Callable[[Page], Awaitable[list[Entry]]]
    ) -> list[Entry]:
        """Look on until a page is full: a short one is the last."""
        view, items, before = await self._view(), list[Entry](), page.before
        while len(items) < page.limit:
            looked = await read(Page(_LOOKED_AT_ONCE, before))
            items += [seen for seen in map(view.narrow_entry, looked) if seen is not None]
            if len(looked) < _LOOKED_AT_ONCE:
                break
            before = looked[-1].id
        return items[: page.limit]

    # --- Texts ------------------------------------------------------------------------------

    async def read_message(self, message_id: str) -> Message | None:
        """Find a message of a sender of these brands."""
        return (await self.read_messages_by_id([message_id])).get(message_id)

    async def read_messages_by_id(self, message_ids: list[str]) -> dict[str, Message]:
        """Find messages of senders of these brands."""
        senders = (await self.read_directory()).senders
        found = await self._store.read_messages_by_id(message_ids)
        return {key: message for key, message in found.items() if message.sender in senders}

    async def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages of the senders of these brands, newest first."""
        found: list[Message] = []
        for sender in (await self.read_directory()).senders:
            if wanted.sender in (None, sender):
                narrowed = msgspec.structs.replace(wanted, sender=sender)
                found += await self._store.read_messages(narrowed, page)
        found.sort(key=lambda message: message.id, reverse=True)
        return found[: page.limit]

    async def read_first_message_after(self, message_id: str) -> str | None:
        """Name the first message behind an id, where a list begins: an id tells a time alone."""
        return await self._store.read_first_message_after(message_id)

    # --- What is to be done -----------------------------------------------------------------

    async def read_reviews(self, wanted: ReviewFilter, page: Page) -> list[ReviewCase]:
        """List reviews of conversations with senders of these brands."""
        senders = tuple((await self.read_directory()).senders)
        narrowed = msgspec.structs.replace(wanted, senders=senders)
        return await self._store.read_reviews(narrowed, page)

    async def read_review(self, review_id: str) -> ReviewCase | None:
        """Find a review of a conversation with a sender of these brands."""
        case = await self._store.read_review(review_id)
        senders = (await self.read_directory()).senders
        return case if case is not None and case.sender in senders else None

    async def read_expiring(self, wanted: ExpiringFilter, page: Page) -> ExpiringPage:
        """List consents with these brands that run out."""
        directory = await self.read_directory()
        ours = (*directory.programs, *(s.conversation for s in directory.senders.values()))
        asked = ours if wanted.programs is None else wanted.programs
        programs = tuple(program for program in asked if program in ours)
        narrowed = msgspec.structs.replace(wanted, programs=programs)
        return await self._store.read_expiring(narrowed, page)

    # --- What is set up ---------------------------------------------------------------------

    async def read_profiles(self, recipient: str) -> list[Customer]:
        """Name nobody: who has a number is the company's to know, and no brand's."""
        del recipient
        return []

    async def read_carriers(self) -> list[CarrierAccount]:
        """List the accounts that senders of these brands are with."""
        ours = {sender.carrier for sender in (await self.read_directory()).senders.values()}
        return [account for account in await self._store.read_carriers() if account.id in ours]

    async def read_templates(self) -> list[Template]:
        """List the wordings of these brands."""
        return [t for t in await self._store.read_templates() if t.brand in self._brands]

    async def read_calls_to_action(self, call: str, page: Page) -> list[CallToAction]:
        """List the versions of a call to action of these brands."""
        if call not in (await self.read_directory()).calls_to_action:
            return []
        return await self._store.read_calls_to_action(call, page)

    async def read_call_to_action(self, call: str, version: int) -> CallToAction | None:
        """Find a version of a call to action of these brands."""
        if call not in (await self.read_directory()).calls_to_action:
            return None
        return await self._store.read_call_to_action(call, version)


def _none(what: str, name: str) -> str:
    """Say what is said of what does not exist."""
    return f"There is no {what} {name!a}. List what there is."


def _check_program(view: BrandView, program: str | None) -> None:
    if program is not None and not view.sees_program(program):
        raise Rejected("unknown_program", _none("program", program), status=404)


def _check_send(view: BrandView, command: SendMessage) -> None:
    if command.draft.sender not in view.directory.senders:
        raise Rejected("unknown_sender", _none("sender", command.draft.sender), status=404)
    _check_program(view, command.draft.program)


def _check_consent(view: BrandView, command: GrantConsent | RevokeConsent) -> None:
    _check_program(view, command.program)


def _check_request(view: BrandView, command: RequestConsent) -> None:
    _check_program(view, command.program)
    if command.sender is not None and command.sender not in view.directory.senders:
        raise Rejected("sender_not_set_up", _none("sender", command.sender), status=404)
    call = command.call_to_action
    if call is not None and call.partition("/")[0] not in view.directory.calls_to_action:
        raise Rejected("unknown_call_to_action", _none("call to action", call), status=404)


def _check_list(view: BrandView, command: SuppressRecipient | LiftSuppression) -> None:
    if command.brand is None:
        refuse_limited()
    if command.brand not in view.directory.brands:
        if isinstance(command, LiftSuppression):
            raise Rejected("not_found", _none("brand", command.brand), status=404)
        raise Rejected("unknown_brand", _none("brand", command.brand), status=404)


def _check_review(view: BrandView, command: AnswerReview) -> None:
    if command.case.sender not in view.directory.senders:
        raise Rejected("not_found", _none("review", command.case.id), status=404)


def _check_nothing(_view: BrandView, _command: RepeatAnswer) -> None:
    """Let it through: a key is only ever given what was answered to it."""


_CHECKS: Final[dict[type, Callable[[BrandView, Any], None]]] = {
    SendMessage: _check_send,
    RepeatAnswer: _check_nothing,
    GrantConsent: _check_consent,
    RevokeConsent: _check_consent,
    RequestConsent: _check_request,
    SuppressRecipient: _check_list,
    LiftSuppression: _check_list,
    AnswerReview: _check_review,
}
"""The commands that a limited key may submit, each with what it must be about."""
