"""The goals: figures read off the table, each with what it must reach."""

import statistics
from collections.abc import Callable, Iterable
from typing import Final

from consentry.cli.bench import bulk, campaign, gates
from consentry.cli.bench.figures import Figure, not_measured, ratio_of_rounds
from consentry.cli.bench.load import Round
from consentry.cli.bench.mixed import GATE, IN_FLIGHT, STOP, mixed_key
from consentry.cli.bench.operations import BY_HAND, DOOR, EACH, PRODUCT, Operations, key_of
from consentry.cli.bench.plan import MAIN, TITLES, Operation, Plan, StoreKind
from consentry.cli.bench.sheet import Key, Sheet
from consentry.cli.bench.stops import INSERT

_OF_BARE: Final = {StoreKind.SQLITE: 0.85, StoreKind.POSTGRESQL: 0.75}
_OF_INSERTS: Final = {StoreKind.SQLITE: None, StoreKind.POSTGRESQL: 0.5}
_WORKER_MEBIBYTES: Final = 120.0
_DOOR_OVER_NATIVE: Final = 1.3
_PERCENTILES: Final = (50, 99)


class _Named:
    """Writes figures of one store: SQLite's have the plain names, PostgreSQL's begin with `pg_`."""

    def __init__(self, sheet: Sheet, store: StoreKind) -> None:
        self.store = store
        self._sheet = sheet
        self._prefix = "" if store is StoreKind.SQLITE else "pg_"

    def key(self, operation: Operation, who: str = PRODUCT) -> Key:
        return key_of(operation, who, self.store)

    def name(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def title(self, title: str) -> str:
        return f"{title} [{TITLES[self.store]}]"

    def rate(
        self,
        name: str,
        title: str,
        key: Key,
        *,
        in_flight: int = MAIN,
        at_least: float | None = None,
    ) -> Figure:
        """Show the median rate of rounds."""
        rates = self._sheet.rates(key, in_flight)
        if not rates:
            why = self._sheet.why_missing(key)
            return not_measured(self.name(name), self.title(title), "per_second", why)
        value = statistics.median(rates)
        return Figure(self.name(name), self.title(title), value, "per_second", at_least=at_least)

    def ratio(
        self,
        name: str,
        title: str,
        above: Key,
        below: Key,
        *,
        in_flight: int = MAIN,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> Figure:
        """Show the median of the ratios of rounds side by side."""
        sides = [self._sheet.rates(key, in_flight) for key in (above, below)]
        for key, rates in zip((above, below), sides, strict=True):
            if not rates:
                why = self._sheet.why_missing(key)
                return not_measured(self.name(name), self.title(title), "ratio", why)
        return ratio_of_rounds(
            self.name(name), self.title(title), *sides, at_least=at_least, at_most=at_most
        )

    def percentile(
        self,
        name: str,
        title: str,
        key: Key,
        *,
        in_flight: int,
        percent: int,
        at_most: float | None = None,
    ) -> Figure:
        """Show the median of a percentile of rounds."""
        rounds = self._sheet.rounds(key, in_flight)
        values = list(_percentiles(rounds, percent / 100))
        if not values:
            why = self._sheet.why_missing(key)
            return not_measured(self.name(name), self.title(title), "milliseconds", why)
        value = statistics.median(values)
        return Figure(self.name(name), self.title(title), value, "milliseconds", at_most=at_most)


def _percentiles(rounds: Iterable[Round], share: float) -> Iterable[float]:
    for one in rounds:
        value = one.percentile_milliseconds(share)
        if value is not None:
            yield value


def read_goals(operations: Operations, plan: Plan) -> list[Figure]:
    """Read the figures of all operations that were measured."""
    figures: list[Figure] = []
    if plan.wants(Operation.GATE):
        figures += _ceilings_of_gate(operations.sheet, plan)
    for store in plan.stores:
        named = _Named(operations.sheet, store)
        for operation, read in _READERS.items():
            if plan.wants(operation):
                figures += read(named, operations, plan)
        if not set(plan.only) <= {Operation.REST}:
            figures.append(_memory(named, operations.sheet))
    if plan.wants(Operation.STOP, Operation.MIXED, Operation.CAMPAIGN):
        figures.append(
            Figure(
                "stops_durable",
                "STOPs acknowledged and found in the ledger",
                float(operations.stops_durable),
                "count",
                note="all of them",
            )
        )
    return figures


def _ceilings_of_gate(sheet: Sheet, plan: Plan) -> list[Figure]:
    named = _Named(sheet, StoreKind.SQLITE)
    shown = [
        ("asgi_per_second", "bare ASGI handler, no product", gates.ASGI),
        ("bare_per_second", "the same handler without a store", gates.BARE),
        ("pgbench_select_per_second", "pgbench -S", gates.SELECT),
    ]
    if StoreKind.POSTGRESQL not in plan.stores:
        shown = shown[:2]
    figures = [named.rate(name, title, key) for name, title, key in shown]
    return [_without_store(figure) for figure in figures] + _busy(sheet)


def _busy(sheet: Sheet) -> list[Figure]:
    rounds = sheet.rounds(gates.BARE, MAIN)
    if not rounds:
        return []
    busy = statistics.median(one.busy for one in rounds)
    return [Figure("generator_busy", "the load generator's share of a core", busy, "ratio")]


def _without_store(figure: Figure) -> Figure:
    title = figure.title.rpartition(" [")[0]
    return Figure(figure.name, title, figure.value, figure.unit, note=figure.note)


def _gate(named: _Named, operations: Operations, plan: Plan) -> list[Figure]:
    del operations, plan
    gate, by_hand = named.key(Operation.GATE), named.key(Operation.GATE, BY_HAND)
    return [
        named.rate("gate_per_second", "gate over HTTP", gate),
        *(
            named.percentile(
                f"gate_p{percent}", f"gate, p{percent}", gate, in_flight=MAIN, percent=percent
            )
            for percent in _PERCENTILES
        ),
        named.ratio("gate_of_asgi", "gate / bare ASGI", gate, gates.ASGI),
        named.ratio(
            "gate_of_bare",
            "gate / without a store",
            gate,
            gates.BARE,
            at_least=_OF_BARE[named.store],
        ),
        named.rate("handwritten_per_second", "gate by hand", by_hand),
        named.ratio("gate_over_handwritten", "gate / by hand", gate, by_hand, at_least=4.0),
    ]


def _bulk(named: _Named, operations: Operations, plan: Plan) -> list[Figure]:
    best, found = None, ""
    for workers in plan.workers_on(named.store):
        key = key_of(Operation.BULK, PRODUCT, named.store, workers)
        for in_flight in bulk.IN_FLIGHT:
            for rate in operations.sheet.rates(key, in_flight)[:1]:
                if best is None or rate > best:
                    best, found = rate, f"{workers} workers, {in_flight} streams"
    name, title = named.name("bulk_per_second"), named.title("bulk check, decisions, at its best")
    if best is None:
        why = operations.sheet.why_missing(named.key(Operation.BULK))
        return [not_measured(name, title, "per_second", why)]
    return [Figure(name, title, best, "per_second", at_least=200_000.0, note=found)]


def _refused(named: _Named, operations: Operations, plan: Plan) -> list[Figure]:
    refused, gate = named.key(Operation.REFUSED), named.key(Operation.GATE)
    figures = [
        named.rate("refused_per_second", "refused sends", refused),
        *_door(named, Operation.REFUSED, "refused"),
    ]
    if plan.wants(Operation.GATE):
        figures.append(
            named.ratio("refused_of_gate", "refused sends / gate", refused, gate, at_least=_OF_GATE)
        )
    name, title = named.name("refusals_kept"), named.title("refused sends found in the ledger")
    kept, answered = operations.refusals.get(named.store, (0, 0))
    if answered == 0:
        why = operations.sheet.why_missing(refused)
        return [*figures, not_measured(name, title, "ratio", why)]
    note = f"{kept:,} of {answered:,}"
    return [*figures, Figure(name, title, kept / answered, "ratio", at_least=1.0, note=note)]


_OF_GATE: Final = 0.6


def _stop(named: _Named, operations: Operations, plan: Plan) -> list[Figure]:
    del operations
    figures: list[Figure] = []
    stop, each = named.key(Operation.STOP), named.key(Operation.STOP, EACH)
    for number in plan.in_flight:
        main = number == MAIN
        figures += [
            named.rate(
                f"stop_per_second_{number}",
                f"STOPs made durable, {number} in flight",
                stop,
                in_flight=number,
            ),
            named.rate(
                f"stop_commit_each_per_second_{number}",
                f"  a commit for each, {number}",
                each,
                in_flight=number,
            ),
            named.ratio(
                f"stop_over_commit_each_{number}",
                f"STOPs / a commit for each, {number}",
                stop,
                each,
                in_flight=number,
                at_least=2.5 if main else None,
            ),
            *_beside_inserts(named, stop, number),
        ]
    if named.store is StoreKind.POSTGRESQL:
        by_hand = named.key(Operation.STOP, BY_HAND)
        figures += [
            named.rate("stop_handwritten_per_second", "STOPs by hand", by_hand),
            named.ratio("stop_over_handwritten", "STOPs / by hand", stop, by_hand, at_least=10.0),
        ]
    return figures


def _beside_inserts(named: _Named, stop: Key, number: int) -> list[Figure]:
    if named.store is StoreKind.SQLITE:
        # PostgreSQL's inserts are shown once; SQLite's STOPs beside them have no goal.
        inserts = named.rate(
            f"pgbench_per_second_{number}",
            f"pgbench single inserts, {number}",
            INSERT,
            in_flight=number,
        )
        shown = [_without_store(inserts)]
    else:
        shown = []
    return [
        *shown,
        named.ratio(
            f"stop_of_pgbench_{number}",
            f"STOPs / pgbench inserts, {number}",
            stop,
            INSERT,
            in_flight=number,
            at_least=_OF_INSERTS[named.store] if number == MAIN else None,
        ),
    ]


def _mixed(named: _Named, operations: Operations, plan: Plan) -> list[Figure]:
    del operations, plan
    figures: list[Figure] = []
    for what, short in ((GATE, "gate"), (STOP, "stop")):
        key = mixed_key(what, named.key(Operation.MIXED))
        figures.append(
            named.rate(f"mixed_{short}_per_second", f"mixed: {what}", key, in_flight=IN_FLIGHT)
        )
        figures += [
            named.percentile(
                f"mixed_{short}_p{percent}",
                f"  p{percent}",
                key,
                in_flight=IN_FLIGHT,
                percent=percent,
            )
            for percent in _PERCENTILES
        ]
    return figures


def _delivery(named: _Named, operations: Operations, plan: Plan) -> list[Figure]:
    del operations, plan
    key = named.key(Operation.DELIVERY)
    return [named.rate("delivery_per_second", "texts delivered", key, in_flight=0)]


def _accepted(named: _Named, operations: Operations, plan: Plan) -> list[Figure]:
    del operations, plan
    accepted = named.key(Operation.ACCEPTED)
    figures = [
        named.rate("accepted_per_second", "accepted sends", accepted),
        *_door(named, Operation.ACCEPTED, "accepted"),
    ]
    if named.store is StoreKind.POSTGRESQL:
        by_hand = named.key(Operation.ACCEPTED, BY_HAND)
        title = "accepted sends / by hand"
        figures.append(named.ratio("accepted_over_handwritten", title, accepted, by_hand))
    return figures


def _door(named: _Named, operation: Operation, outcome: str) -> list[Figure]:
    """Compare what a send takes by the Twilio-compatible door with what it takes by our own."""
    native, door = named.key(operation), named.key(operation, DOOR)
    return [
        named.rate(f"door_{outcome}_per_second", f"{outcome} sends by the Twilio door", door),
        # Rates upside down are times.
        named.ratio(
            f"door_{outcome}_over_native",
            f"{outcome} sends, time by the Twilio door / by POST /v1/messages",
            native,
            door,
            at_most=_DOOR_OVER_NATIVE,
        ),
    ]


def _campaign(named: _Named, operations: Operations, plan: Plan) -> list[Figure]:
    del operations
    key = named.key(Operation.CAMPAIGN)
    while_sending = f"while {plan.texts:,} texts leave"
    return [
        named.rate(
            "campaign_stop_per_second",
            f"STOPs {while_sending}",
            key,
            in_flight=campaign.IN_FLIGHT,
        ),
        named.percentile(
            "campaign_stop_p99",
            f"p99 of a STOP {while_sending}",
            key,
            in_flight=campaign.IN_FLIGHT,
            percent=99,
            at_most=25.0,
        ),
    ]


def _memory(named: _Named, sheet: Sheet) -> Figure:
    name, title = named.name("worker_mebibytes"), named.title("memory of a worker, at most")
    value = sheet.largest_worker(TITLES[named.store])
    if value is None:
        return not_measured(name, title, "mebibytes", "nothing was, or the system does not tell")
    return Figure(name, title, value, "mebibytes", at_most=_WORKER_MEBIBYTES)


_READERS: Final[dict[Operation, Callable[[_Named, Operations, Plan], list[Figure]]]] = {
    Operation.GATE: _gate,
    Operation.BULK: _bulk,
    Operation.REFUSED: _refused,
    Operation.STOP: _stop,
    Operation.MIXED: _mixed,
    Operation.DELIVERY: _delivery,
    Operation.ACCEPTED: _accepted,
    Operation.CAMPAIGN: _campaign,
}
