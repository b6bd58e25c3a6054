"""What is counted, and the page that Prometheus reads: judged by Prometheus's own parsers."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_new
from prometheus_client.parser import text_string_to_metric_families as parse_old

from consentry import __version__
from consentry.actions.check_readiness import ReadinessCheck
from consentry.clock import SystemClock, SystemIds
from consentry.domain.entries import EntryKind
from consentry.domain.gate import Decision, Verdict
from consentry.domain.messages import MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.reasons import Reason
from consentry.ports import Accepted, CarrierRefusal, Submission, Unanswered, Withheld
from consentry.telemetry.exposition import Exposition
from consentry.telemetry.metrics import METRICS
from consentry.telemetry.sharing import Sharing
from consentry.telemetry.tallies import Tallies
from databases import open_database

pytestmark = pytest.mark.integration
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


class Page:
    """Scrapes, as Prometheus does."""

    def __init__(self, tallies: Tallies, exposition: Exposition) -> None:
        self.tallies = tallies
        self.exposition = exposition

    async def read(self) -> dict[str, float]:
        """Give every sample under its name and labels, as a query has them."""
        text, media_type = await self.exposition.render("text/plain")
        assert media_type.startswith(b"text/plain")
        return {
            sample.name + "".join(f" {k}={v}" for k, v in sorted(sample.labels.items())): value
            for family in parse_old(text.decode())
            for sample in family.samples
            for value in (sample.value,)
        }


@asynccontextmanager
async def scraped(folder: Path) -> AsyncIterator[Page]:
    """Show tallies beside a real store."""
    tallies = Tallies()
    clock = SystemClock()
    store = open_database(
        folder / "m.db", clock=clock, ids=SystemIds(), policy=Policy(), measuring=tallies
    )
    yield Page(tallies, Exposition(Sharing(tallies, store), ReadinessCheck(store, clock)))
    await store.close()


def decided(verdict: Verdict, reason: Reason | None = None) -> Decision:
    """Make a decision."""
    return Decision(verdict, reason, "", "v", NOW)


async def test_a_server_that_did_nothing_yet_shows_zeros_and_its_state(tmp_path: Path) -> None:
    """Counters without labels are there from the start, and how the store stands."""
    async with scraped(tmp_path) as page:
        found = await page.read()
    assert found["consentry_retries_total"] == 0
    assert found["consentry_indeterminate_total"] == 0
    assert found["consentry_ready"] == 1
    assert found["consentry_outbox_jobs"] == 0
    assert found["consentry_notices_waiting"] == 0
    assert found["consentry_outbox_age_seconds"] == 0
    assert found["consentry_writer_waiting"] == 0
    assert found[f"consentry_info version={__version__}"] == 1
    assert found["process_resident_memory_bytes"] > 1e6


async def test_decisions_are_counted_by_door_outcome_and_reason(tmp_path: Path) -> None:
    """Asked by programs, and kept by entries as a text is let in and as it leaves."""
    async with scraped(tmp_path) as page:
        denied = decided(Verdict.DENY, Reason.OPTED_OUT)
        page.tallies.note_decisions([decided(Verdict.ALLOW), denied, denied])
        entries = Counter(
            {
                (str(EntryKind.SEND_ACCEPTED), ""): 5,
                (str(EntryKind.SEND_REFUSED), "opted_out"): 2,
                (str(EntryKind.JOB_CLAIMED), ""): 4,
                (str(EntryKind.JOB_CANCELED), "expired"): 1,
                (str(EntryKind.OPTED_OUT), "STOP from somebody"): 1,
            }
        )
        page.tallies.note_batch(13, 0.004, entries, is_durable=True)
        page.tallies.note_batch(1, 0.004, entries, is_durable=True)
        found = await page.read()
    name = "consentry_decisions_total"
    assert found[f"{name} decision=allow door=check reason="] == 1
    assert found[f"{name} decision=deny door=check reason=opted_out"] == 2
    assert found[f"{name} decision=allow door=send reason="] == 10
    assert found[f"{name} decision=deny door=send reason=opted_out"] == 4
    assert found[f"{name} decision=allow door=deliver reason="] == 8
    assert found[f"{name} decision=deny door=deliver reason=expired"] == 2
    assert found["consentry_entries_total kind=opted_out"] == 2
    assert not [sample for sample in found if "somebody" in sample]


async def test_a_reason_that_is_not_known_becomes_no_label(tmp_path: Path) -> None:
    """Labels come to an end, whatever an entry's reason is."""
    async with scraped(tmp_path) as page:
        refused = str(EntryKind.SEND_REFUSED)
        entries = Counter({(refused, f"+1415555{number:04}"): 1 for number in range(100)})
        page.tallies.note_batch(100, 0.1, entries, is_durable=True)
        found = await page.read()
    assert found["consentry_decisions_total decision=deny door=send reason=other"] == 100


async def test_batches_are_spread_over_buckets_of_size_and_time(tmp_path: Path) -> None:
    """Cumulative, with sum and count; a batch that failed is counted apart."""
    async with scraped(tmp_path) as page:
        for commands, seconds in ((1, 0.0004), (3, 0.02), (500, 30.0)):
            page.tallies.note_batch(commands, seconds, Counter(), is_durable=True)
        page.tallies.note_batch(9, 1.0, Counter(), is_durable=False)
        found = await page.read()
    # The scrape's own look whether the store can write is a batch of one.
    sizes = {
        le: found[f"consentry_batch_commands_bucket le={le}"] for le in ("1.0", "4.0", "256.0")
    }
    assert sizes == {"1.0": 2, "4.0": 3, "256.0": 3}
    assert found["consentry_batch_commands_bucket le=+Inf"] == 4
    assert found["consentry_batch_commands_count"] == 4
    assert found["consentry_batch_commands_sum"] == 505
    assert found["consentry_batch_seconds_bucket le=10.0"] == 3
    assert found["consentry_batch_seconds_sum"] > 30.02
    assert found["consentry_batches_failed_total"] == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Accepted("SM1"), "accepted"),
        (CarrierRefusal(permanent=True, opted_out=True, code="21610", text=""), "opted_out"),
        (CarrierRefusal(permanent=True, opted_out=False, code="21211", text=""), "refused"),
        (CarrierRefusal(permanent=False, opted_out=False, code="429", text=""), "refused_for_now"),
        (Unanswered(""), "unanswered"),
        (Withheld(""), "withheld"),
    ],
)
async def test_answers_of_carriers_are_counted_by_kind(
    tmp_path: Path, answer: Submission, told: str
) -> None:
    """Each of the answers a carrier can give has its name, and its time is kept."""
    async with scraped(tmp_path) as page:
        page.tallies.note_submission(answer, 0.2)
        found = await page.read()
    assert found[f"consentry_submissions_total answer={told}"] == 1
    assert found["consentry_submission_seconds_bucket le=0.25"] == 1
    assert found["consentry_submission_seconds_bucket le=0.1"] == 0


async def test_requests_webhooks_receipts_and_ends_are_counted(tmp_path: Path) -> None:
    """By route and status class, by kind, by status; retries and texts without an answer."""
    async with scraped(tmp_path) as page:
        for status in (200, 204, 404, 503, 999):
            page.tallies.note_request("/v1/check", status)
        page.tallies.note_webhook("inbound", 0.003)
        page.tallies.note_receipt(MessageStatus.DELIVERED)
        for end in (MessageStatus.QUEUED, MessageStatus.INDETERMINATE, MessageStatus.SENT, None):
            page.tallies.note_settled(end)
        found = await page.read()
    name = "consentry_http_requests_total route=/v1/check status="
    assert {k: found[name + k] for k in ("2xx", "4xx", "5xx", "other")} == {
        "2xx": 2,
        "4xx": 1,
        "5xx": 1,
        "other": 1,
    }
    assert found["consentry_webhook_durable_seconds_bucket kind=inbound le=0.005"] == 1
    assert found["consentry_webhook_durable_seconds_count kind=inbound"] == 1
    assert found["consentry_receipts_total status=delivered"] == 1
    assert found["consentry_retries_total"] == 1
    assert found["consentry_indeterminate_total"] == 1


async def test_the_newest_format_that_is_accepted_is_given(tmp_path: Path) -> None:
    """OpenMetrics where it is asked for; its strict parser takes the page, twice."""
    async with scraped(tmp_path) as page:
        page.tallies.note_webhook("status", 0.003)
        page.tallies.note_batch(3, 0.02, Counter(), is_durable=True)
        for _ in range(2):
            text, media_type = await page.exposition.render(OPEN_METRICS)
            families = {family.name for family in parse_new(text.decode())}
    assert media_type.startswith(b"application/openmetrics-text")
    assert {"consentry_webhook_durable_seconds", "consentry_batch_commands"} <= families


async def test_every_metric_of_the_list_is_on_the_page(tmp_path: Path) -> None:
    """The reference lists what is shown, each with its kind and help."""
    async with scraped(tmp_path) as page:
        text, _ = await page.exposition.render("")
    shown = {family.name: family for family in parse_old(text.decode())}
    for metric in METRICS:
        family = shown[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        assert metric.help.endswith(".")


async def test_a_store_that_is_closed_is_shown_as_not_ready(tmp_path: Path) -> None:
    """The page itself still answers: an outage is what it is there to tell of."""
    async with scraped(tmp_path) as page:
        pass
    found = await page.read()
    assert found["consentry_ready"] == 0
    assert "consentry_outbox_jobs" not in found
