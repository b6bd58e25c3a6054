"""Is this server alive, can it work, and what has it counted?"""

from typing import Final

import msgspec

from consentry.actions.check_readiness import ADVICE
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.problems import Header, Problem
from consentry.api.views import ReadinessView, view_readiness
from consentry.ports import Scope

_RETRY: Final[Header] = (b"retry-after", b"2")


class Health(msgspec.Struct, frozen=True):
    """`ok` where it is alive."""

    status: str


async def say_alive(call: Call[None, None]) -> Answer:
    """Answer without asking anybody."""
    del call
    return Answer(Health("ok"))


async def say_ready(call: Call[None, None]) -> Answer:
    """Tell how the store, its writer and the outbox are; 503 where nothing should be sent here."""
    found = await call.services.readiness.look()
    shown = view_readiness(found)
    if found.not_ready is None:
        return Answer(shown)
    advice = ADVICE[found.not_ready]
    raise Problem(str(found.not_ready), advice, headers=(_RETRY,), readiness=shown)


async def show_metrics(call: Call[None, None]) -> Answer:
    """Give the counts in Prometheus's format."""
    accept = call.header(b"accept") or b""
    text, media_type = await call.services.exposition.render(accept.decode("latin-1"))
    return Answer(text, media_type=media_type)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/healthz",
        tag=Tag.SERVICE,
        summary="Alive?",
        handler=say_alive,
        answers={200: Health},
        answer_example={"status": "ok"},
    ),
    Operation(
        method="GET",
        path="/readyz",
        tag=Tag.SERVICE,
        summary="Ready to work?",
        description="For balancers. An answer is kept for a second. It holds counts and seconds, "
        "and nothing about anybody. A server whose ledger's log does not go on is ready: it hears "
        "STOP. `ledger.held` says why, and what to do.",
        handler=say_ready,
        answers={200: ReadinessView},
        errors=("store_unavailable", "writer_stuck", "draining"),
        answer_example={
            "status": "ready",
            "store": {"reads": True, "writes": True},
            "writer": {"waiting": 0, "lag_seconds": 0.0},
            "outbox": {"jobs": 12, "age_seconds": 0.4},
            "ledger": {"held": None},
        },
    ),
    Operation(
        method="GET",
        path="/metrics",
        tag=Tag.SERVICE,
        summary="Metrics for Prometheus",
        description="Counts and durations since the start of this process, and nothing about "
        "anybody. The setting CONSENTRY_METRICS_ACCESS may let others in than a key.",
        handler=show_metrics,
        scope=Scope.METRICS,
        answers={200: bytes},
        text_types=("text/plain", "application/openmetrics-text"),
        text_told="The metrics, in the newest format that is accepted.",
    ),
)
