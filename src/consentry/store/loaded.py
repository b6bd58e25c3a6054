"""What a batch of commands needs, gathered over all of them, and what was found for it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from consentry.domain.agents import Agent
from consentry.domain.customers import Customer
from consentry.domain.drift import Drift
from consentry.domain.imports import ImportRun
from consentry.domain.messages import Message
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.ports import (
    CarrierText,
    ConversationMark,
    Held,
    IdempotencyRecord,
    Needs,
    Receipt,
    ServerProcess,
    Session,
    SignInLink,
    Work,
)

_MANY: Final = 32


@dataclass(slots=True)
class Wanted:
    """The needs of all commands of a batch, each key once, in order of first mention."""

    recipients: dict[str, None] = field(default_factory=dict)
    inbound: dict[tuple[str, str], None] = field(default_factory=dict)
    outbound: dict[tuple[str, str], None] = field(default_factory=dict)
    messages: dict[str, None] = field(default_factory=dict)
    idempotency: dict[tuple[str, str], None] = field(default_factory=dict)
    customers: dict[str, None] = field(default_factory=dict)
    queues: dict[str, None] = field(default_factory=dict)
    profiles: dict[str, None] = field(default_factory=dict)
    due_jobs: dict[str, int] = field(default_factory=dict)
    receipts: dict[tuple[str, str], None] = field(default_factory=dict)
    refusals: dict[str, None] = field(default_factory=dict)
    agents: bool = False
    processes: bool = False
    links: dict[str, None] = field(default_factory=dict)
    sessions: dict[str, None] = field(default_factory=dict)
    marks: dict[tuple[str, str], None] = field(default_factory=dict)
    drifts: dict[str, None] = field(default_factory=dict)
    reviews: dict[str, None] = field(default_factory=dict)
    imports: dict[str, None] = field(default_factory=dict)
    held: dict[str, None] = field(default_factory=dict)


def gather(needs: Iterable[Needs]) -> Wanted:
    """Put the needs of a batch together."""
    wanted = Wanted()
    for need in needs:
        if need.recipients:
            _gather_recipients(wanted, need)
        _gather_keys(wanted, need)
        for sender, limit in need.due_jobs:
            wanted.due_jobs[sender] = wanted.due_jobs.get(sender, 0) + limit
        if need.refusals_of is not None:
            wanted.refusals[need.refusals_of] = None
        wanted.processes = wanted.processes or need.processes
        if need.agents or need.links or need.sessions or need.marks or need.reviews or need.imports:
            _gather_console(wanted, need)
    return wanted


def _gather_console(wanted: Wanted, need: Needs) -> None:
    wanted.agents = wanted.agents or need.agents
    wanted.links |= dict.fromkeys(need.links)
    wanted.sessions |= dict.fromkeys(need.sessions)
    wanted.marks |= dict.fromkeys(need.marks)
    wanted.reviews |= dict.fromkeys(need.reviews)
    wanted.imports |= dict.fromkeys(need.imports)


def _gather_keys(wanted: Wanted, need: Needs) -> None:
    for key, keys in (
        (need.inbound, wanted.inbound),
        (need.outbound, wanted.outbound),
        (need.unmatched_receipts, wanted.receipts),
    ):
        if key is not None:
            keys[key] = None
    for pair in need.idempotency:
        wanted.idempotency[pair] = None
    if need.messages or need.customers:
        wanted.messages |= dict.fromkeys(need.messages)
        wanted.customers |= dict.fromkeys(need.customers)


def _gather_recipients(wanted: Wanted, need: Needs) -> None:
    if len(need.recipients) > _MANY:
        _gather_many(wanted, need)
        return
    for recipient in need.recipients:
        wanted.recipients[recipient] = None
        if need.queued_jobs:
            wanted.queues[recipient] = None
        if need.profiles:
            wanted.profiles[recipient] = None
        if need.drifts:
            wanted.drifts[recipient] = None
        if need.held:
            wanted.held[recipient] = None


def _gather_many(wanted: Wanted, need: Needs) -> None:
    every = dict.fromkeys(need.recipients)
    wanted.recipients |= every
    wanted.queues |= every if need.queued_jobs else {}
    wanted.profiles |= every if need.profiles else {}
    wanted.drifts |= every if need.drifts else {}
    wanted.held |= every if need.held else {}


@dataclass(slots=True)
class Loaded:
    """What the database holds of what a batch wanted. Keys without a value are not there.

    `holders` are pairs of number and customer; `refusals` are times in microseconds by sender.
    `recalled` is what stands against numbers that were erased, and have no standing.
    `erased_texts` are those asked for that are not there because they were erased.
    """

    standings: dict[str, Standing] = field(default_factory=dict)
    recalled: dict[str, Standing] = field(default_factory=dict)
    erased_texts: frozenset[CarrierText] = frozenset()
    inbound: list[Message] = field(default_factory=list)
    outbound: list[Message] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    holders: list[tuple[str, str]] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    idempotency: list[IdempotencyRecord] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    refusals: dict[str, list[int]] = field(default_factory=dict)
    agents: list[Agent] = field(default_factory=list)
    processes: list[ServerProcess] = field(default_factory=list)
    links: list[SignInLink] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    marks: list[ConversationMark] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    reviews: list[ReviewCase] = field(default_factory=list)
    imports: list[ImportRun] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
