"""An account of ours with a scripted SMSC, bound, in shorter times than it has in earnest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from recording_intake import RecordingIntake

from consentry.carriers.smpp.options import read_link_options, read_submit_options
from consentry.carriers.smpp.settings import SMPPCarrier
from consentry.ports import CarrierAccount, OutboundText
from scripted_smsc import Answer, ScriptedSMSC, accept, scripted_smsc

PERSON, OURS = "+12125550142", "+14155550100"
TEXT = OutboundText("msg_1", PERSON, OURS, "Hello")
LONG = msgspec.structs.replace(TEXT, body="x" * 161)


@dataclass
class Scene:
    """The SMSC, the account, and who takes what comes."""

    smsc: ScriptedSMSC
    carrier: SMPPCarrier
    intake: RecordingIntake


@asynccontextmanager
async def scene(
    answer: Answer = accept,
    *,
    more: dict[str, str] | None = None,
    limits: dict[str, Any] | None = None,
    inbox: dict[str, Any] | None = None,
    link: dict[str, Any] | None = None,
    is_bound: bool = True,
) -> AsyncIterator[Scene]:
    """Keep the link as long as the block; `limits`, `inbox` and `link` are options changed."""
    async with scripted_smsc(answer) as smsc:
        account = CarrierAccount("main", "smpp", "us", "ours", smsc.url, more=more or {})
        options, change = read_link_options(account), msgspec.structs.replace
        options = change(
            options,
            limits=change(options.limits, **(limits or {})),
            inbox=change(options.inbox, **(inbox or {})),
            **{"pause_seconds": 0.05, **(link or {})},
        )
        submit = change(read_submit_options(account), bind_seconds=1.0, throttle_seconds=0.05)
        carrier = SMPPCarrier(account, link=options, submit=submit)
        made = Scene(smsc, carrier, RecordingIntake())
        keeping = asyncio.create_task(carrier.link.keep(made.intake))
        try:
            if is_bound:
                assert await carrier.link.wait_bound(60) is not None
            yield made
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
