"""Traces, for who has a collector (the extra `otel`): a webhook, its batch, and what it sent.

Everything is traced from outside, through the ports, so that without the setting nothing is in the
way. A span names routes, commands, ids of messages and carriers; never an address, a path or words.

    POST /carriers/{carrier}/inbound       a request, in the caller's trace where it names one
    ├── store.submit ReceiveMessage        until it was durable
    │   └── store.batch                    the commit it shared, linked to all who shared it
    ├── carrier.submit                     the answer going out, later, by this process
    └── store.submit RecordSubmission      what the carrier said of it
"""

import asyncio
from collections import OrderedDict
from datetime import datetime
from threading import Lock, get_ident
from typing import Any, Final, Generic, TypeVar, cast

from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consentry import __version__
from consentry.ports import (
    Carrier,
    CarrierBook,
    Change,
    Clock,
    Command,
    EntryCounts,
    Facts,
    Fence,
    Measuring,
    Needs,
    OutboundText,
    Store,
    Submission,
)
from consentry.ports.log_context import read_log_fields

T = TypeVar("T")

_EXPORT_SECONDS: Final = 2.0
_ORIGINS_MAX: Final = 10_000
_SERVER_ERROR: Final = 500


def build_provider(endpoint: str, percent: float) -> TracerProvider:
    """Send a share of all traces to a collector that speaks OTLP over HTTP."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "consentry", "service.version": __version__}),
        sampler=ParentBased(TraceIdRatioBased(percent / 100)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


class Tracing:
    """Wraps the ports of one process so that what goes through them is traced."""

    def __init__(self, provider: TracerProvider, clock: Clock) -> None:
        """Trace with this provider, which is shut down by `close`."""
        self.tracer = provider.get_tracer("consentry", __version__)
        self.clock = clock
        self._provider = provider
        self._origins: OrderedDict[str, SpanContext] = OrderedDict()
        self._lock = Lock()
        self._in_batch: dict[object, list[Span]] = {}

    def wrap_app(self, app: ASGIApp) -> ASGIApp:
        """Trace each request."""
        return _TracedApp(app, self)

    def wrap_store(self, store: Store) -> Store:
        """Trace each command that belongs to a trace."""
        return cast("Store", _TracedStore(store, self))

    def wrap_book(self, book: CarrierBook) -> CarrierBook:
        """Trace each text that is handed to a carrier."""
        return _TracedBook(book, self)

    def wrap_measuring(self, measuring: Measuring) -> Measuring:
        """Trace each batch that has a traced command in it."""
        return cast("Measuring", _TracedMeasuring(measuring, self))

    async def close(self) -> None:
        """Send what is left, for a bounded time."""
        await asyncio.to_thread(self._provider.shutdown)

    def remember(self, messages: tuple[str, ...], origin: SpanContext) -> None:
        """Keep what queued these messages, until they are sent or many newer ones came."""
        with self._lock:
            for message in messages:
                self._origins[message] = origin
            while len(self._origins) > _ORIGINS_MAX:
                self._origins.popitem(last=False)

    def find_origin(self, message: str) -> SpanContext | None:
        """Find what queued a message; None where another process did, or long ago."""
        with self._lock:
            return self._origins.get(message)

    def join_batch(self, span: Span) -> None:
        """Note a command of the batch that is being carried out here."""
        self._in_batch.setdefault(_who_writes(), []).append(span)

    def end_batch(self, commands: int, seconds: float, *, is_durable: bool) -> None:
        """Make the span of the batch that has just ended, within the first command's trace."""
        # A batch that is begun again decides again.
        spans = list(dict.fromkeys(self._in_batch.pop(_who_writes(), ())))
        if not spans:
            return
        ended = _nanoseconds(self.clock.now())
        batch = self.tracer.start_span(
            "store.batch",
            context=trace.set_span_in_context(spans[0]),
            links=[Link(span.get_span_context()) for span in spans[1:]],
            attributes={"consentry.batch.commands": commands},
            start_time=ended - int(seconds * 1e9),
        )
        if not is_durable:
            batch.set_status(Status(StatusCode.ERROR))
        batch.end(ended)
        for span in spans[1:]:
            span.add_link(batch.get_span_context())


def _who_writes() -> object:
    """Name the writer that runs here: a thread, or a task among others in one."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task or get_ident()


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e6) * 1000


def _is_traced() -> bool:
    return trace.get_current_span().get_span_context().trace_flags.sampled


class _TracedApp:
    """Implements ASGI around an application."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Trace one request under its route; the path itself may name a person."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = propagate.extract(_headers(scope))
        with self._tracing.tracer.start_as_current_span(
            scope["method"],
            context=parent,
            kind=SpanKind.SERVER,
            record_exception=False,
        ) as span:

            async def send_on(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _tell_answer(span, scope["method"], message["status"])
                await send(message)

            await self._app(scope, receive, send_on)


def _headers(scope: Scope) -> dict[str, str]:
    wanted = (b"traceparent", b"tracestate")
    return {k.decode(): v.decode("latin-1") for k, v in scope["headers"] if k in wanted}


def _tell_answer(span: Span, method: str, status: int) -> None:
    fields = read_log_fields()
    route = fields.get("route")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.response.status_code", status)
    if isinstance(route, str):
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
    if status >= _SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))


class _TracedStore:
    """Implements `ports.Store`: everything is the store's own but `submit`."""

    def __init__(self, store: Store, tracing: Tracing) -> None:
        self._store = store
        self._tracing = tracing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def submit(self, command: Command[T], *, is_patient: bool = False) -> T:
        """Carry a command out; traced where what submits it is."""
        if not _is_traced():
            return await self._store.submit(command, is_patient=is_patient)
        name = f"store.submit {type(command).__name__}"
        with self._tracing.tracer.start_as_current_span(name, record_exception=False) as span:
            origin = _origin_of(span)
            traced = _TracedCommand(command, span, origin, self._tracing)
            return await self._store.submit(traced, is_patient=is_patient)


def _origin_of(span: Span) -> SpanContext:
    """Name what a text sent later belongs to: what the command was submitted by."""
    parent = getattr(span, "parent", None)
    return parent if isinstance(parent, SpanContext) else span.get_span_context()


class _TracedCommand(Generic[T]):
    """Implements `Command`: notes which batch it is in, and which texts it queued."""

    def __init__(
        self, command: Command[T], span: Span, origin: SpanContext, tracing: Tracing
    ) -> None:
        self._command = command
        self._span = span
        self._origin = origin
        self._tracing = tracing

    def needs(self) -> Needs:
        """Ask for what the command needs."""
        return self._command.needs()

    def decide(self, facts: Facts) -> tuple[T, Change]:
        """Decide as the command does."""
        self._tracing.join_batch(self._span)
        outcome, change = self._command.decide(facts)
        self._tracing.remember(tuple(job.message for job in change.jobs), self._origin)
        return outcome, change


class _TracedMeasuring:
    """Implements `ports.Measuring`: everything is the other one's, but a batch's end is heard."""

    def __init__(self, measuring: Measuring, tracing: Tracing) -> None:
        self._measuring = measuring
        self._tracing = tracing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._measuring, name)

    def note_batch(
        self, commands: int, seconds: float, entries: EntryCounts, *, is_durable: bool
    ) -> None:
        """Count a batch and make its span."""
        self._measuring.note_batch(commands, seconds, entries, is_durable=is_durable)
        self._tracing.end_batch(commands, seconds, is_durable=is_durable)


class _TracedBook:
    """Implements `ports.CarrierBook`."""

    def __init__(self, book: CarrierBook, tracing: Tracing) -> None:
        self._book = book
        self._tracing = tracing

    async def find(self, carrier_id: str) -> Carrier | None:
        """Find a carrier whose submissions are traced."""
        carrier = await self._book.find(carrier_id)
        return None if carrier is None else cast("Carrier", _TracedCarrier(carrier, self._tracing))


class _TracedCarrier:
    """Implements `ports.Carrier`: everything is the carrier's own but `submit`."""

    def __init__(self, carrier: Carrier, tracing: Tracing) -> None:
        self._carrier = carrier
        self._tracing = tracing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._carrier, name)

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand a text over, in the trace of what queued it, or in one of its own."""
        origin = self._tracing.find_origin(text.message)
        parent = context.Context()
        if origin is not None:
            parent = trace.set_span_in_context(trace.NonRecordingSpan(origin))
        attributes = {
            "consentry.carrier": self._carrier.id,
            "consentry.message_id": text.message,
        }
        with self._tracing.tracer.start_as_current_span(
            "carrier.submit",
            context=parent,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
        ) as span:
            answer = await self._carrier.submit(text, fence)
            span.set_attribute("consentry.answer", type(answer).__name__)
        # Each text has a task of its own: the note of this answer belongs to the same trace.
        context.attach(trace.set_span_in_context(trace.NonRecordingSpan(span.get_span_context())))
        return answer
