"""The log of texts on their way: which message and carrier, never to whom or what."""

import asyncio
import io
import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from delivery_world import OTHER_SENDER, PATIENCE_SECONDS, SENDER, Answer, World, world
from hypothesis import given, settings
from hypothesis import strategies as st

from consentry.actions.deliver_job import RecordSubmission
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    CarrierRefusal,
    OutboundText,
    StoreUnavailable,
    Submission,
    Unanswered,
)
from consentry.telemetry.logs import set_up_logging

NUMBERS = st.from_regex(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True)
TEXT = "these are my private words"
WAYS = ("taken", "refused", "busy", "silent", "broken", "not noted", "unknown carrier")


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Write the log into memory, at its most talkative, and put everything back."""
    root = logging.getLogger()
    before, level_before = list(root.handlers), root.level
    out = io.StringIO()
    set_up_logging("debug", stream=out)
    try:
        yield out
    finally:
        root.handlers[:] = before
        root.setLevel(level_before)


def answer_of(made: World, way: str) -> Answer:
    """Make the carrier's answer of a way; all that it says tells number and words."""

    async def answer(text: OutboundText) -> Submission:
        words = f"{text.recipient} {text.body}"
        match way:
            case "refused":
                return CarrierRefusal(permanent=True, opted_out=True, code="21610", text=words)
            case "busy":
                return CarrierRefusal(permanent=False, opted_out=False, code="429", text=words)
            case "silent":
                return Unanswered(words)
            case "broken":
                raise RuntimeError(text.recipient)
            case _:
                return await made.carrier.take(text)

    return answer


async def deliver(made: World, way: str, number: str) -> None:
    """Send a text to somebody whose delivery goes this way, and wait until that is noted."""

    async def lose(_command: Any) -> NoReturn:
        made.store.before.clear()
        raise StoreUnavailable(f"no place for {number}")

    noted = asyncio.Event()

    async def note(_command: Any) -> None:
        noted.set()

    made.carrier.answer = answer_of(made, way)
    made.store.after[RecordSubmission] = note
    if way == "not noted":
        made.store.before[RecordSubmission] = lose
    if way == "unknown carrier":
        made.book.carriers.clear()
    await made.send(TEXT, recipient=number)
    # The line is written right after, in the same turn.
    await asyncio.wait_for(noted.wait(), PATIENCE_SECONDS)


@pytest.mark.property
@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(WAYS), NUMBERS), min_size=1, max_size=3))
def test_no_line_about_a_text_tells_its_recipient_or_its_words(
    steps: list[tuple[str, str]],
) -> None:
    """Taken, refused, busy, silent, broken or not noted: the recipient is masked in every line."""

    async def story() -> None:
        for place, (way, number) in enumerate(steps):
            async with world(folders[place]) as made:
                await made.opt_in(number)
                await deliver(made, way, number)

    with tempfile.TemporaryDirectory() as root, logged() as out:
        folders = [Path(root, str(place)) for place in range(len(steps))]
        for folder in folders:
            folder.mkdir()
        asyncio.run(story())
    told = out.getvalue()
    lines = [json.loads(line) for line in told.splitlines()]
    settled = [line for line in lines if line["event"] == "text_settled"]
    assert len(settled) >= len(steps)
    assert all(line["message_id"].startswith("msg_") for line in settled)
    assert TEXT not in told
    for number in (SENDER, OTHER_SENDER, *(number for _, number in steps)):
        assert number[1:] not in told
        assert number[2:] not in told


@pytest.mark.integration
async def test_a_fault_in_a_carrier_is_told_with_message_and_carrier(tmp_path: Path) -> None:
    """The line says which message and which account, so that both can be looked up."""
    async with world(tmp_path) as made:

        async def fail(_text: OutboundText) -> NoReturn:
            raise ZeroDivisionError

        made.carrier.answer = fail
        with logged() as out:
            sent = await made.send(TEXT)
            await made.until_status(sent, MessageStatus.INDETERMINATE)
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
    [failed] = [line for line in lines if line["event"] == "submission_failed"]
    assert (failed["message_id"], failed["carrier"]) == (sent, "one")
    assert "ZeroDivisionError" in failed["exception"]
