"""The metrics by name: what each counts, and by what. The reference page is made from this list."""

from typing import Final

import msgspec

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COMMANDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Metric(msgspec.Struct, frozen=True):
    """One metric. `buckets`: the upper bounds of a histogram; others have none."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


REQUESTS: Final = Metric(
    "consentry_http_requests_total",
    "counter",
    "Answers of the API and the console, by route and status class.",
    ("route", "status"),
)
DECISIONS: Final = Metric(
    "consentry_decisions_total",
    "counter",
    "Answers of the gate, by door (check: asked by a program; send: a text was let in or refused; "
    "deliver: asked again as it left), outcome and reason.",
    ("door", "decision", "reason"),
)
ENTRIES: Final = Metric(
    "consentry_entries_total", "counter", "Entries made durable in the ledger, by kind.", ("kind",)
)
WEBHOOK_SECONDS: Final = Metric(
    "consentry_webhook_durable_seconds",
    "histogram",
    "From taking up a carrier's webhook until it was durable, by kind (inbound, status).",
    ("kind",),
    _SECONDS,
)
RECEIPTS: Final = Metric(
    "consentry_receipts_total", "counter", "Delivery reports taken, by status.", ("status",)
)
SUBMISSIONS: Final = Metric(
    "consentry_submissions_total",
    "counter",
    "Carriers' answers to texts, by answer (accepted, refused, refused_for_now, opted_out, "
    "unanswered, withheld).",
    ("answer",),
)
SUBMISSION_SECONDS: Final = Metric(
    "consentry_submission_seconds",
    "histogram",
    "From handing a text to a carrier until its answer.",
    (),
    _SECONDS,
)
RETRIES: Final = Metric(
    "consentry_retries_total", "counter", "Texts put back in line after a passing refusal."
)
INDETERMINATE: Final = Metric(
    "consentry_indeterminate_total",
    "counter",
    "Texts that may or may not have gone out, whose carrier is asked.",
)
BATCH_COMMANDS: Final = Metric(
    "consentry_batch_commands",
    "histogram",
    "Commands that shared a commit.",
    (),
    _COMMANDS,
)
BATCH_SECONDS: Final = Metric(
    "consentry_batch_seconds",
    "histogram",
    "From beginning a batch of commands until it was durable.",
    (),
    _SECONDS,
)
BATCHES_FAILED: Final = Metric(
    "consentry_batches_failed_total",
    "counter",
    "Batches that the store could not make durable; nothing of them was kept.",
)
WAITING: Final = Metric(
    "consentry_writer_waiting", "gauge", "Commands that are not durable yet."
)  # fmt: skip
LAG_SECONDS: Final = Metric(
    "consentry_writer_lag_seconds", "gauge", "How long the oldest of them has been waiting."
)
DROPPED: Final = Metric(
    "consentry_commands_dropped_total",
    "counter",
    "Notes that nobody waited for (refused attempts) and that found no room in the queue.",
)
OUTBOX_JOBS: Final = Metric(
    "consentry_outbox_jobs", "gauge", "Texts in the outbox, those for later too."
)
OUTBOX_AGE_SECONDS: Final = Metric(
    "consentry_outbox_age_seconds",
    "gauge",
    "How long the oldest text that is due has been due; a slow sender's campaign makes it grow.",
)
NOTICES: Final = Metric(
    "consentry_notices_total",
    "counter",
    "Tries to tell a program something at its own URL, by what (status, received, event) and "
    "outcome (told, postponed, given_up).",
    ("kind", "outcome"),
)
NOTICES_WAITING: Final = Metric(
    "consentry_notices_waiting", "gauge", "What programs are still to be told."
)
DRIFTS_OPEN: Final = Metric(
    "consentry_drifts_open",
    "gauge",
    "Differences between a carrier and our ledger that nobody has settled, by kind.",
    ("kind",),
)
RECONCILE_AGE_SECONDS: Final = Metric(
    "consentry_reconcile_age_seconds",
    "gauge",
    "How long ago the last comparison with a carrier account began that came to its end.",
    ("carrier",),
)
REVIEWS_OPEN: Final = Metric(
    "consentry_reviews_open", "gauge", "Texts that may be an opt-out and wait for an answer."
)
LEDGER_WAITING: Final = Metric(
    "consentry_ledger_waiting",
    "gauge",
    "Entries that are durable and not in the ledger's log yet, counted up to 100,000.",
)
LEDGER_STALLED_SECONDS: Final = Metric(
    "consentry_ledger_stalled_seconds",
    "gauge",
    "How long entries have been seen to wait for the log while it did not grow; else 0.",
)
READY: Final = Metric("consentry_ready", "gauge", "1 where /readyz says ready, else 0.")
INFO: Final = Metric("consentry_info", "gauge", "Always 1; tells the version.", ("version",))

METRICS: Final = (
    DECISIONS,
    ENTRIES,
    WEBHOOK_SECONDS,
    REQUESTS,
    RECEIPTS,
    SUBMISSIONS,
    SUBMISSION_SECONDS,
    RETRIES,
    INDETERMINATE,
    BATCH_COMMANDS,
    BATCH_SECONDS,
    BATCHES_FAILED,
    WAITING,
    LAG_SECONDS,
    DROPPED,
    OUTBOX_JOBS,
    OUTBOX_AGE_SECONDS,
    NOTICES,
    NOTICES_WAITING,
    DRIFTS_OPEN,
    RECONCILE_AGE_SECONDS,
    REVIEWS_OPEN,
    LEDGER_WAITING,
    LEDGER_STALLED_SECONDS,
    READY,
    INFO,
)
"""Every metric of ours; beside them stand `process_*`, which the Prometheus client tells."""
