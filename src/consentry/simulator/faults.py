"""Faults on demand: what can go wrong between a product and its carrier, rolled from one seed."""

from enum import StrEnum
from random import Random  # noqa: TID251 - the one place where the simulator's dice live

import msgspec

from consentry.simulator.values import BlockLayer

RATE_MAX = 1.0
SECONDS_MAX = 600.0


class FaultKind(StrEnum):
    """What can be made to go wrong."""

    DUPLICATE_WEBHOOK = "duplicate_webhook"
    LATE_WEBHOOK = "late_webhook"
    LOST_WEBHOOK = "lost_webhook"
    SHUFFLED_RECEIPTS = "shuffled_receipts"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    SLOW_ANSWER = "slow_answer"
    LOST_ANSWER = "lost_answer"
    ASYNC_REFUSAL = "async_refusal"
    BLOCK_BEHIND_OUR_BACK = "block_behind_our_back"
    UNDELIVERED = "undelivered"
    LATENCY = "latency"


DESCRIPTIONS = {
    FaultKind.DUPLICATE_WEBHOOK: "Webhooks arrive twice, with the same idempotency token",
    FaultKind.LATE_WEBHOOK: "Webhooks arrive late, 2 seconds unless told, and out of order",
    FaultKind.LOST_WEBHOOK: "Webhooks are never sent",
    FaultKind.SHUFFLED_RECEIPTS: "Delivery reports of one message come in any order",
    FaultKind.RATE_LIMITED: "Sending is answered with 429 and not accepted",
    FaultKind.SERVER_ERROR: "Sending is answered with 503 and not accepted",
    FaultKind.SLOW_ANSWER: "Sending is accepted, and answered 5 seconds later unless told",
    FaultKind.LOST_ANSWER: "Sending is accepted, and the answer is lost",
    FaultKind.ASYNC_REFUSAL: "Sending is accepted, and a report refuses it, with 21610 unless told",
    FaultKind.BLOCK_BEHIND_OUR_BACK: "The next pair texted is blocked, and no text tells of it",
    FaultKind.UNDELIVERED: "Messages end undelivered, with 30005 unless told",
    FaultKind.LATENCY: "Messages reach the handset late, 1 second unless told",
}
_DEFAULT_SECONDS = {
    FaultKind.LATE_WEBHOOK: 2.0,
    FaultKind.SLOW_ANSWER: 5.0,
    FaultKind.LATENCY: 1.0,
}
_DEFAULT_CODES = {FaultKind.ASYNC_REFUSAL: 21610, FaultKind.UNDELIVERED: 30005}
_WEBHOOK_FAULTS = {FaultKind.DUPLICATE_WEBHOOK, FaultKind.LATE_WEBHOOK, FaultKind.LOST_WEBHOOK}


class WebhookKind(StrEnum):
    """Which webhook: a text that came in, or a delivery report."""

    INBOUND = "inbound"
    STATUS = "status"


class FaultKindView(msgspec.Struct, frozen=True):
    """A kind of fault, explained: what it does, and its own settings with their usual values."""

    kind: FaultKind
    does: str
    seconds: float | None
    code: int | None
    narrows_webhook: bool


def describe_kinds() -> list[FaultKindView]:
    """Explain every kind; `rate`, `count`, `sender` and `recipient` apply to all of them."""
    return [
        FaultKindView(
            kind=kind,
            does=does,
            seconds=_DEFAULT_SECONDS.get(kind),
            code=_DEFAULT_CODES.get(kind),
            narrows_webhook=kind in _WEBHOOK_FAULTS,
        )
        for kind, does in DESCRIPTIONS.items()
    ]


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault to switch on.

    `rate` of the events it could hit are hit; after `count` hits it is over. `webhook` narrows a
    webhook fault to one kind. `sender` and `recipient` narrow any fault to one pair. `layer` says
    where a block goes that a fault sets.
    """

    kind: FaultKind
    rate: float = RATE_MAX
    count: int | None = None
    seconds: float | None = None
    code: int | None = None
    webhook: WebhookKind | None = None
    sender: str | None = None
    recipient: str | None = None
    layer: BlockLayer | None = None

    @property
    def delay_seconds(self) -> float:
        """How long it lasts, where that matters."""
        return _DEFAULT_SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    @property
    def error_code(self) -> int:
        """What it fails with, where that matters."""
        return _DEFAULT_CODES.get(self.kind, 30008) if self.code is None else self.code


class FaultError(ValueError):
    """A fault that makes no sense; str() says which field and what is allowed."""


class _Standing:
    """A fault that is on: how often it may still hit, and its own dice."""

    def __init__(self, fault: Fault, dice: Random) -> None:
        self.fault = fault
        self.dice = dice
        self.hits = 0

    @property
    def left(self) -> int | None:
        return None if self.fault.count is None else self.fault.count - self.hits

    def concerns(self, sender: str, recipient: str, webhook: WebhookKind | None) -> bool:
        fault = self.fault
        return (
            self.left != 0
            and fault.sender in (None, sender)
            and fault.recipient in (None, recipient)
            and fault.webhook in (None, webhook)
        )


class Faults:
    """The faults that are on. Each kind rolls its own dice, so one does not change another."""

    def __init__(self, seed: int) -> None:
        """Start with none; equal seeds and equal events give equal hits."""
        self._seed = seed
        self._standing: dict[FaultKind, _Standing] = {}

    def switch_on(self, fault: Fault) -> None:
        """Switch a fault on, in place of one of the same kind; raises FaultError."""
        _check(fault)
        dice = Random(f"{self._seed}:{fault.kind}")  # noqa: S311 - faults, not secrets
        self._standing[fault.kind] = _Standing(fault, dice)

    def clear(self, kind: FaultKind | None = None) -> None:
        """Switch one kind off, or all."""
        if kind is None:
            self._standing.clear()
        else:
            self._standing.pop(kind, None)

    def draw(
        self,
        kind: FaultKind,
        sender: str = "",
        recipient: str = "",
        *,
        webhook: WebhookKind | None = None,
    ) -> Fault | None:
        """Ask whether a fault hits this event."""
        standing = self._standing.get(kind)
        if standing is None or not standing.concerns(sender, recipient, webhook):
            return None
        if standing.dice.random() >= standing.fault.rate:
            return None
        standing.hits += 1
        return standing.fault

    def dice(self, kind: FaultKind) -> Random:
        """Lend the dice of a fault that is on, for what else it must decide."""
        return self._standing[kind].dice

    def list_standing(self) -> list[tuple[Fault, int, int | None]]:
        """List what is on, with hits so far and hits left."""
        return [(one.fault, one.hits, one.left) for one in self._standing.values()]


def _check(fault: Fault) -> None:
    if not 0.0 <= fault.rate <= RATE_MAX:
        raise FaultError("rate must be between 0 and 1")
    if fault.count is not None and fault.count < 1:
        raise FaultError("count must be at least 1; leave it out for no end")
    if not 0.0 <= fault.delay_seconds <= SECONDS_MAX:
        raise FaultError(f"seconds must be between 0 and {SECONDS_MAX:.0f}")
    if fault.code is not None and not 10 <= fault.code <= 99_999:
        raise FaultError("code must be one of the carrier's error codes, 10 to 99999")
