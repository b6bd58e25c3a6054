"""Traces of the API on a real store: a webhook, its batch and its reply in one trace; no person."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from api_world import LONG_CODE, PERSON, SIGNED, FakeBook, FakeCarrier, World, build_world
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from consentry.api.app import build_api
from consentry.clock import SystemClock
from consentry.delivery.loop import DeliveryLoop
from consentry.delivery.membership import Identity
from consentry.ports import Accepted, Carrier, Fence, OutboundText, Submission
from consentry.telemetry.tallies import Tallies
from consentry.telemetry.tracing import Tracing

pytestmark = pytest.mark.integration
WEBHOOK = "POST /carriers/{carrier}/inbound"
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"


class TakingCarrier(FakeCarrier):
    """Takes every text."""

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        assert fence.is_open
        return Accepted(f"SM{text.message}")


@dataclass
class Traced:
    """The API, and the delivery loop where it is asked for, with all that they traced."""

    world: World
    loop: DeliveryLoop
    exporter: InMemorySpanExporter
    tallies: Tallies

    def spans(self, name: str) -> list[ReadableSpan]:
        """List the spans of a name that have ended."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def all_of(self, trace_id: int) -> dict[str, ReadableSpan]:
        """Give a trace's spans by name."""
        spans = self.exporter.get_finished_spans()
        return {span.name: span for span in spans if span.context.trace_id == trace_id}

    async def deliver(self) -> None:
        """Deliver all that is in the outbox."""
        running = asyncio.create_task(self.loop.run())
        while await self.world.store.count_outbox():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
        await self.loop.stop()
        await running


@asynccontextmanager
async def traced(
    folder: Path, sampler: Sampler = ALWAYS_ON, book: FakeBook | None = None
) -> AsyncIterator[Traced]:
    """Put everything together as a server does."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(sampler), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    clock = SystemClock()
    tracing, tallies = Tracing(provider, clock), Tallies()
    world = await build_world(folder, clock=clock, measuring=tracing.wrap_measuring(tallies))
    store = tracing.wrap_store(world.store)
    carriers = tracing.wrap_book(book or FakeBook({"fake": TakingCarrier()}))
    loop = DeliveryLoop(store, carriers, clock, identity=Identity("prc_1"))
    services = replace(world.services, store=store, book=carriers, delivery=loop)
    world.api = tracing.wrap_app(build_api(services))  # type: ignore[assignment]
    yield Traced(world, loop, exporter, tallies)
    await world.store.close()
    await tracing.close()


async def test_a_webhook_its_batch_and_its_reply_are_one_trace(tmp_path: Path) -> None:
    """From the carrier's request over the commit to the initial reply and the carrier's answer."""
    async with traced(tmp_path) as made:
        assert (await made.world.text("Hello")).status == 200
        await made.deliver()
        [webhook] = made.spans(WEBHOOK)
        found = made.all_of(webhook.context.trace_id)
    submitted, batch = found["store.submit ReceiveMessage"], found["store.batch"]
    sent, noted = found["carrier.submit"], found["store.submit RecordSubmission"]
    assert webhook.parent is None
    assert webhook.kind is SpanKind.SERVER
    assert dict(webhook.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/carriers/{carrier}/inbound",
    }
    assert submitted.parent == webhook.context
    assert batch.parent is not None
    assert sent.parent is not None
    assert sent.parent.span_id == webhook.context.span_id
    assert (sent.attributes or {})["consentry.answer"] == "Accepted"
    assert noted.parent is not None
    assert noted.parent.span_id == sent.context.span_id
    assert webhook.start_time <= submitted.start_time <= sent.start_time


async def test_a_batch_is_linked_to_all_who_shared_it(tmp_path: Path) -> None:
    """Requests that were committed together find each other through the batch."""
    async with traced(tmp_path) as made:
        people = [f"+1415555{number:04}" for number in range(100, 140)]
        await asyncio.gather(*(made.world.text("Hello", recipient=p) for p in people))
        batches = made.spans("store.batch")
        submitted = made.spans("store.submit ReceiveMessage")
    assert len(submitted) == len(people)
    together = sum(1 + len(batch.links) for batch in batches)
    assert together == len(people)
    assert len(batches) < len(people)
    shared = {link.context.span_id for batch in batches for link in batch.links}
    back = {span.context.span_id for span in submitted if span.links}
    assert shared == back


async def test_a_callers_own_trace_goes_on_and_decides(tmp_path: Path) -> None:
    """A traceparent is taken up; one that is not sampled leaves nothing."""
    async with traced(tmp_path) as made:
        await made.world.text("Hello", headers={**SIGNED, "traceparent": f"{CALLER}-01"})
        await made.world.text("Hello", headers={**SIGNED, "traceparent": f"{CALLER}-00"})
        webhooks = made.spans(WEBHOOK)
    assert [f"{span.context.trace_id:032x}" for span in webhooks] == [CALLER[3:35]]
    assert webhooks[0].parent is not None


async def test_nothing_is_kept_of_what_is_not_sampled(tmp_path: Path) -> None:
    """Neither request nor batch nor text; and everything works and is counted."""
    async with traced(tmp_path, ALWAYS_OFF) as made:
        assert (await made.world.text("Hello")).status == 200
        await made.deliver()
        assert made.exporter.get_finished_spans() == ()
        counters = made.tallies.snapshot().counters
        assert dict(counters["consentry_entries_total"])[("job_claimed",)] == 1


class Broken(FakeBook):
    """Breaks, and says too much."""

    async def find(self, carrier_id: str) -> Carrier | None:
        raise RuntimeError(f"no {PERSON} at {carrier_id}")


async def test_errors_are_marked_and_tell_nothing_of_what_failed(tmp_path: Path) -> None:
    """An answer of 500 marks its span; no exception's words are in the trace."""
    async with traced(tmp_path, book=Broken({})) as made:
        assert (await made.world.text("Hello")).status == 500
        assert (await made.world.call("GET", "/v1/nothing")).status == 404
        [failed], [missed] = made.spans(WEBHOOK), made.spans("GET")
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.status.description, failed.events) == (None, ())
    assert missed.status.status_code is StatusCode.UNSET
    assert PERSON[1:] not in failed.to_json()


async def test_no_span_names_a_person_or_a_path(tmp_path: Path) -> None:
    """Names, attributes, events and links of every span of a story, searched for numbers."""
    async with traced(tmp_path) as made:
        await made.world.text("Hello, my private words")
        await made.world.call("GET", f"/v1/recipients/{PERSON}")
        await made.world.call("GET", f"/v1/nothing/{PERSON}")
        await made.world.text("STOP")
        sent = {"sender": LONG_CODE, "recipient": PERSON, "body": "private too"}
        await made.world.call("POST", "/v1/messages", sent)
        await made.deliver()
        told = "".join(span.to_json() for span in made.exporter.get_finished_spans())
    assert "POST /v1/messages" in told
    for private in (PERSON[1:], LONG_CODE[1:], "private"):
        assert private not in told
