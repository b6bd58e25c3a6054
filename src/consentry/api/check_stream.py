"""Any number of questions as lines of JSON, answered line by line while they come in."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final

import msgspec

from consentry.actions.check import check_many, check_same
from consentry.actions.replay import Past
from consentry.api.bodies import JSON_LINES, LINE_BYTES_MAX, ClientGone, decode_json, read_chunks
from consentry.api.operations import Answer, Call
from consentry.api.parameters import to_utc
from consentry.api.problems import Problem, describe_problem
from consentry.api.questions import LineQuery, Question, build_request
from consentry.api.spool import Spool
from consentry.api.views import CheckedRecipient, ProblemDetails, view_checked, view_past_checked
from consentry.domain.directory import Purpose
from consentry.domain.phone import NORTH_AMERICAN
from consentry.domain.same_question import Ruled

_BATCH_LINES: Final = 240
"""So many answers are less than 128 KiB: from there on memory is taken from the system, page by
page, and given back for each piece, which takes longer than looking up what is in it."""
_BATCHES_BEGUN: Final = 2
_PLAIN_LINE: Final = f'"{NORTH_AMERICAN}"'
_PLAIN_LINES: Final = re.compile(f"{_PLAIN_LINE}(?:\\n{_PLAIN_LINE})*".encode("ascii"))
_ENCODER: Final = msgspec.json.Encoder()


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line: a question as for /v1/check; what it leaves out is taken from the query."""

    recipient: str
    sender: str | None = None
    purpose: Purpose | None = None
    program: str | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


_DECODER: Final[msgspec.json.Decoder[Line | str]] = msgspec.json.Decoder(Line | str)
_Asked = tuple[Question, datetime | None]


async def stream_checks(call: Call[None, LineQuery]) -> Answer:
    """Answer a stream of lines with a stream of lines."""
    return Answer(stream=_answer(call), media_type=JSON_LINES)


async def _answer(call: Call[None, LineQuery]) -> AsyncIterator[bytes]:
    spool = Spool()
    reading = asyncio.create_task(_answer_into(spool, call))
    try:
        async for chunk in spool.chunks():
            yield chunk
        await reading
    finally:
        reading.cancel()
        spool.close()


async def _answer_into(spool: Spool, call: Call[None, LineQuery]) -> None:
    """Answer batches of lines as they come; an end of any kind ends the answer.

    While one batch is decided the store looks the next ones up; they are answered in order.
    """
    begun: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(_BATCHES_BEGUN)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_begin_batches(begun, group, call))
            while (batch := await begun.get()) is not None:
                spool.put(await batch)
    finally:
        spool.finish()


async def _begin_batches(
    begun: asyncio.Queue[asyncio.Task[bytes] | None],
    group: asyncio.TaskGroup,
    call: Call[None, LineQuery],
) -> None:
    """Begin each batch as its lines come in; a caller that goes away ends it as its end does."""
    number = 0
    with suppress(ClientGone):
        async for lines in _read_lines(call):
            for start in range(0, len(lines), _BATCH_LINES):
                batch = lines[start : start + _BATCH_LINES]
                await begun.put(group.create_task(_answer_lines(batch, number, call)))
                number += len(batch)
    await begun.put(None)


async def _read_lines(call: Call[None, LineQuery]) -> AsyncIterator[list[bytes]]:
    """Split the body into lines; one beyond the limit is cut short, which marks it."""
    rest = b""
    async for chunk in read_chunks(call.receive):
        *lines, last = chunk.split(b"\n")
        if not lines:
            rest = (rest + last)[: LINE_BYTES_MAX + 1]
            continue
        lines[0] = (rest + lines[0])[: LINE_BYTES_MAX + 1]
        rest = last[: LINE_BYTES_MAX + 1]
        yield lines
    if rest:
        yield [rest]


async def _answer_lines(lines: list[bytes], number: int, call: Call[None, LineQuery]) -> bytes:
    """Answer each line that is not blank, in order; `number` lines came before them."""
    plain = _read_plain(lines, call.query)
    if plain is not None:
        return await _answer_plain(plain, call)
    asked: list[_Asked | ProblemDetails] = []
    for offset, line in enumerate(lines, start=1):
        if line.strip():
            asked.append(_read_line(line, number + offset, call.query))
    questions = [item for item in asked if not isinstance(item, ProblemDetails)]
    answers = iter(await _decide(questions, call))
    given = [item if isinstance(item, ProblemDetails) else next(answers) for item in asked]
    return _ENCODER.encode_lines(given)


def _read_plain(lines: list[bytes], query: LineQuery) -> list[str] | None:
    """Read lines that are all just a North American number, as most long lists are, at once.

    They need no parsing and no normal form. None: some are different, and each is read alone.
    """
    text = b"\n".join(lines)
    if not query.sender or _PLAIN_LINES.fullmatch(text) is None:
        return None
    return text[1:-1].decode("ascii").split('"\n"')


async def _answer_plain(recipients: list[str], call: Call[None, LineQuery]) -> bytes:
    """Answer the query's question about each of these."""
    question, _ = _complete(recipients[0], call.query)
    services = call.services
    ruled = await check_same(
        await build_request(question, services),
        recipients,
        services.store,
        services.policy,
        now=services.clock.now(),
    )
    services.measuring.note_decisions([one.ruling for one in ruled])
    return _ENCODER.encode_lines(list(map(view_checked, recipients, ruled)))


def _read_line(line: bytes, number: int, query: LineQuery) -> _Asked | ProblemDetails:
    try:
        return _complete(_decode_line(line), query)
    except Problem as problem:
        return describe_problem(problem, line=number)


def _decode_line(line: bytes) -> Line | str:
    if len(line) > LINE_BYTES_MAX:
        raise Problem(
            "line_too_long", f"A line may have {LINE_BYTES_MAX} bytes. Send shorter lines."
        )
    return decode_json(line, _DECODER)


def _complete(given: Line | str, query: LineQuery) -> _Asked:
    line = Line(given) if isinstance(given, str) else given
    sender = line.sender or query.sender or ""
    if not sender:
        raise Problem(
            "invalid_body", "The line names no sender. Add it to the line or to the query."
        )
    purpose, program = line.purpose or query.purpose, line.program or query.program
    question = Question(sender, line.recipient, purpose or None, program or None)
    return question, None if line.at is None else to_utc(line.at, "at")


async def _decide(asked: list[_Asked], call: Call[None, LineQuery]) -> list[CheckedRecipient]:
    services = call.services
    requests = [await build_request(question, services) for question, _ in asked]
    decisions = await check_many(requests, services.store, services.policy, services.clock.now())
    # Those of a past time are replayed below: they decide nothing now.
    services.measuring.note_decisions(
        [decision for (_, at), decision in zip(asked, decisions, strict=True) if at is None]
    )
    past = Past(services.store, services.policy)
    return [
        view_checked(question.recipient, Ruled.alone(decision))
        if at is None
        else view_past_checked(question.recipient, await past.check(request, at))
        for (question, at), request, decision in zip(asked, requests, decisions, strict=True)
    ]
