"""The operations, one after the other, and what must be found in the ledgers after them."""

import time
from typing import Final

from consentry.cli.bench import bulk, campaign, gates
from consentry.cli.bench.databases import Database
from consentry.cli.bench.lanes import Lane, measure_lanes
from consentry.cli.bench.load import Round, WrongAnswer
from consentry.cli.bench.mixed import GATE, STOP, measure_mixed, mixed_key
from consentry.cli.bench.plan import TITLES, Operation, Plan, StoreKind
from consentry.cli.bench.requests import build_stop
from consentry.cli.bench.sends import (
    Sending,
    accepted_lane,
    door_accepted_lane,
    measure_delivery,
)
from consentry.cli.bench.servers import OK, Running, ask
from consentry.cli.bench.setup import Product, Setup
from consentry.cli.bench.sheet import Key, Sheet
from consentry.cli.bench.stops import INSERT, StopSource, stop_lane
from consentry.cli.progress import Steps
from consentry.domain.entries import EntryKind

BY_HAND: Final = "by hand"
EACH: Final = "a commit for each"
PRODUCT: Final = "product"
DOOR: Final = "Twilio door"
_DELIVERED_OF_CAMPAIGN: Final = 10
_DELIVERED_AT_LEAST: Final = 500
"""Fewer would fit into the slots of one moment."""

_DRAIN_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.2


def key_of(operation: Operation, who: str, store: StoreKind, workers: int = 1) -> Key:
    """Name somebody in an operation."""
    return Key(operation, who, TITLES[store], workers)


class Operations:
    """Measures on what runs, into one table; counts what has to be found afterwards."""

    def __init__(self, setup: Setup, plan: Plan, steps: Steps) -> None:
        """Measure nothing yet."""
        self.sheet = Sheet()
        self.stops_durable = 0
        self.refusals: dict[StoreKind, tuple[int, int]] = {}
        self._setup = setup
        self._plan = plan
        self._steps = steps
        self._stops: list[tuple[Database, StopSource]] = []

    async def measure(self) -> None:
        """Measure all that is wanted; raises `WrongAnswer` where a figure would be false."""
        wanted = {
            Operation.GATE: self._measure_gate,
            Operation.BULK: self._measure_bulk,
            Operation.REFUSED: self._measure_refused,
            Operation.STOP: self._measure_stops,
            Operation.MIXED: self._measure_mixed,
            Operation.DELIVERY: self._measure_delivery,
            Operation.ACCEPTED: self._measure_accepted,
            Operation.CAMPAIGN: self._measure_campaign,
        }
        for operation, measure in wanted.items():
            if self._plan.wants(operation):
                self._note_missing(operation)
                await measure()
        self._look_for_stops()

    def _note_missing(self, operation: Operation) -> None:
        for (name, store, workers), why in self._setup.missing.items():
            if name != "product":
                continue
            key = key_of(operation, PRODUCT, store, workers)
            mixture = [mixed_key(GATE, key), mixed_key(STOP, key)]
            for missed in mixture if operation is Operation.MIXED else [key]:
                self.sheet.miss(missed, why)

    # --- The operations ---------------------------------------------------------------------

    async def _measure_gate(self) -> None:
        setup, content = self._setup, self._setup.content
        lanes = []
        if setup.asgi is not None:
            lanes.append(gates.gate_lane(gates.ASGI, setup.asgi, content))
        if setup.bare is not None:
            lanes.append(gates.gate_lane(gates.BARE, setup.bare, content))
        for product in setup.products:
            key = key_of(Operation.GATE, PRODUCT, product.store, product.workers)
            lanes.append(gates.gate_lane(key, product.running, content))
        for store, running in setup.handwritten.items():
            self._compare(store, running)
            key = key_of(Operation.GATE, BY_HAND, store)
            lanes.append(gates.gate_lane(key, running, content))
        if setup.postgres is not None:
            lanes.append(gates.select_lane(setup.postgres))
        await self._measure(lanes, self._plan.in_flight)

    def _compare(self, store: StoreKind, handwritten: Running) -> None:
        product = self._setup.product(store)
        if product is not None:
            gates.compare_answers(product.running, handwritten, self._setup.content.key)

    async def _measure_bulk(self) -> None:
        lanes = []
        for product in self._setup.products:
            bulk.compare_stream(product.running, self._setup.content.key)
            key = key_of(Operation.BULK, PRODUCT, product.store, product.workers)
            lanes.append(bulk.bulk_lane(key, product.running, self._setup.content))
        await self._measure(lanes, bulk.IN_FLIGHT)

    async def _measure_refused(self) -> None:
        content = self._setup.content
        counted: list[tuple[Product, _Counted]] = []
        for product in self._setup.products:
            for who, build in ((PRODUCT, gates.refused_lane), (DOOR, gates.door_refused_lane)):
                key = key_of(Operation.REFUSED, who, product.store, product.workers)
                counted.append((product, _Counted(build(key, product.running, content))))
        lanes = [one.lane for _, one in counted]
        by_hand = self._setup.handwritten.get(StoreKind.POSTGRESQL)
        if by_hand is not None:
            key = key_of(Operation.REFUSED, BY_HAND, StoreKind.POSTGRESQL)
            lanes.append(gates.refused_lane(key, by_hand, content))
        await self._measure(lanes, self._plan.in_flight)
        self._steps.step("looking for the refusals in the ledgers")
        for product in self._setup.products:
            if product.workers == 1:
                answers = sum(one.answers for whose, one in counted if whose is product)
                kept = await_entries(product.database, EntryKind.SEND_REFUSED, answers)
                self.refusals[product.store] = kept, answers

    async def _measure_stops(self) -> None:
        setup = self._setup
        lanes = []
        for product in setup.products:
            key = key_of(Operation.STOP, PRODUCT, product.store, product.workers)
            lanes.append(stop_lane(key, product.running, self._source(product)))
        for store, each in setup.each.items():
            key = key_of(Operation.STOP, EACH, store)
            lanes.append(stop_lane(key, each.running, self._source(each)))
        by_hand = setup.handwritten.get(StoreKind.POSTGRESQL)
        if by_hand is not None:
            key = key_of(Operation.STOP, BY_HAND, StoreKind.POSTGRESQL)
            lanes.append(stop_lane(key, by_hand, StopSource(by_hand)))
        if setup.postgres is not None:
            lanes.append(gates.insert_lane(INSERT, setup.postgres))
        await self._measure(lanes, self._plan.in_flight)
        if by_hand is not None:
            self._compare_stop(by_hand)

    def _compare_stop(self, by_hand: Running) -> None:
        """See that one STOP changes the answer of both alike; the person is one nobody counts."""
        product, content = self._setup.product(StoreKind.POSTGRESQL), self._setup.content
        if product is None:
            return
        number = content.last
        for running in (product.running, by_hand):
            if ask(running.port, build_stop(running.port, -1, number)) != OK:
                raise WrongAnswer(f"The STOP of {number} was not answered {OK}.")
        next(s for d, s in self._stops if d is product.database).acknowledged += 1
        gates.compare_decision(product.running, by_hand, content.key, number)

    async def _measure_mixed(self) -> None:
        for product in self._setup.products:
            await measure_mixed(
                key_of(Operation.MIXED, PRODUCT, product.store, product.workers),
                product.running,
                self._source(product),
                content=self._setup.content,
                plan=self._plan,
                sheet=self.sheet,
                steps=self._steps,
            )

    async def _measure_delivery(self) -> None:
        for product in self._setup.products:
            for turn in range(self._plan.rounds):
                self._steps.step(f"delivery: {product.title}, round {turn + 1}")
                texts = max(_DELIVERED_AT_LEAST, self._plan.texts // _DELIVERED_OF_CAMPAIGN)
                sample = await measure_delivery(self._sending(product), texts)
                key = key_of(Operation.DELIVERY, PRODUCT, product.store, product.workers)
                self.sheet.add(key, 0, sample)

    async def _measure_accepted(self) -> None:
        lanes = []
        for product in self._setup.products:
            self._sending(product).hold()
            for who, build in ((PRODUCT, accepted_lane), (DOOR, door_accepted_lane)):
                key = key_of(Operation.ACCEPTED, who, product.store, product.workers)
                lanes.append(build(key, product.running, self._setup.content))
        by_hand = self._setup.handwritten.get(StoreKind.POSTGRESQL)
        if by_hand is not None:
            key = key_of(Operation.ACCEPTED, BY_HAND, StoreKind.POSTGRESQL)
            lanes.append(accepted_lane(key, by_hand, self._setup.content))
        await self._measure(lanes, self._plan.in_flight)

    async def _measure_campaign(self) -> None:
        for product in self._setup.products:
            self._steps.step(f"STOPs while {self._plan.texts:,} texts leave, {product.title}")
            sending = self._sending(product)
            sample, acknowledged = await campaign.measure_campaign(sending, self._plan)
            key = key_of(Operation.CAMPAIGN, PRODUCT, product.store, product.workers)
            self.sheet.add(key, campaign.IN_FLIGHT, sample)
            source = self._source(product)
            source.acknowledged += acknowledged

    # --- What they share --------------------------------------------------------------------

    async def _measure(self, lanes: list[Lane], in_flight: tuple[int, ...]) -> None:
        await measure_lanes(lanes, in_flight, self._plan, sheet=self.sheet, steps=self._steps)

    def _sending(self, product: Product) -> Sending:
        return Sending(product.running, self._setup.content, self._setup.carrier)

    def _source(self, product: Product) -> StopSource:
        """Give the STOPs for a server: one source, so that no text comes twice."""
        for database, source in self._stops:
            if database is product.database:
                return source
        source = StopSource(product.running)
        self._stops.append((product.database, source))
        return source

    def _look_for_stops(self) -> None:
        """See that every STOP that got a 2xx is in the ledger."""
        if not self._stops:
            return
        self._steps.step("looking for the STOPs in the ledgers")
        for database, source in self._stops:
            found = await_entries(database, EntryKind.OPTED_OUT, source.acknowledged)
            if found != source.acknowledged:
                raise WrongAnswer(
                    f"{source.acknowledged} STOPs got a 2xx and {found} are in the ledger of "
                    f"{database.url}."
                )
            self.stops_durable += found


class _Counted:
    """A lane that counts its answers."""

    def __init__(self, lane: Lane) -> None:
        self.answers = 0
        self._lane = lane

    @property
    def lane(self) -> Lane:
        """The lane, counted."""
        return Lane(self._lane.key, self._run, self._lane.pid, self._lane.database)

    async def _run(self, in_flight: int, seconds: float) -> Round:
        measured = await self._lane.run(in_flight, seconds)
        self.answers += measured.total
        return measured


def await_entries(database: Database, kind: EntryKind, count: int) -> int:
    """Count entries of a kind, giving those that nobody waited for a while to be written."""
    last_chance = time.perf_counter() + _DRAIN_SECONDS
    found = database.count_entries(kind)
    while found < count and time.perf_counter() < last_chance:
        time.sleep(_POLL_SECONDS)
        found = database.count_entries(kind)
    return found
