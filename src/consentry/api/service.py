"""Is this server alive, and can it work?"""

from typing import Final

import msgspec

from consentry.api.operations import Answer, Call, Operation, Tag

_NOBODY: Final = "+10000000000"


class Health(msgspec.Struct, frozen=True):
    """`ok` where it is alive, `ready` where it can work."""

    status: str


async def say_alive(call: Call[None, None]) -> Answer:
    """Answer without asking anybody."""
    del call
    return Answer(Health("ok"))


async def say_ready(call: Call[None, None]) -> Answer:
    """Ask the store something; raises `StoreUnavailable` where it cannot answer."""
    await call.services.store.read_standing(_NOBODY)
    return Answer(Health("ready"))


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
        handler=say_ready,
        answers={200: Health},
        errors=("store_unavailable",),
        answer_example={"status": "ready"},
    ),
)
