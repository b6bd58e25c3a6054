"""POST /v1/checks as application/x-ndjson: lines in, lines out, without limit."""

import asyncio

import msgspec
import pytest
from api_world import LONG_CODE, OTHER_PERSON, PERSON, World

from consentry.api.spool import Spool

pytestmark = pytest.mark.integration

LINES = {"content-type": "application/x-ndjson"}


def read_lines(content: bytes) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in content.splitlines()]


async def test_each_line_is_answered_in_order(world: World) -> None:
    """A line is answered as /v1/check answers it, with its recipient, in the order sent."""
    await world.text("Hello")
    await world.text("STOP", recipient=OTHER_PERSON)
    asked = [{"sender": LONG_CODE, "recipient": r} for r in (PERSON, OTHER_PERSON, "nobody")]
    raw = b"\n".join(msgspec.json.encode(line) for line in asked)
    reply = await world.call("POST", "/v1/checks", raw=raw, headers=LINES)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/x-ndjson"
    answers = read_lines(reply.body)
    assert [a["recipient"] for a in answers] == [PERSON, OTHER_PERSON, "nobody"]
    assert [a["reason"] for a in answers] == [None, "opted_out", "invalid_number"]


async def test_a_line_may_be_just_a_recipient(world: World) -> None:
    """With the sender in the query a line is a recipient in quotes; a line's own word wins."""
    raw = b'"+14155550142"\n{"recipient":"+14155550142","sender":"+12025550999"}\n'
    path = f"/v1/checks?sender=%2B{LONG_CODE[1:]}&purpose=marketing"
    reply = await world.call("POST", path, raw=raw, headers=LINES)
    assert [a["reason"] for a in read_lines(reply.body)] == ["no_consent", "unknown_sender"]


async def test_a_plain_list_is_answered_as_each_alone(world: World) -> None:
    """Thousands of numbers alone, in several batches: the order, and each answer of /v1/check."""
    await world.text("Hello")
    await world.text("STOP", recipient=OTHER_PERSON)
    asked = [PERSON, OTHER_PERSON, "+14155550177"] * 700
    path = f"/v1/checks?sender=%2B{LONG_CODE[1:]}&purpose=conversational"
    raw = b"".join(b'"%s"\n' % number.encode() for number in asked)
    reply = await world.call("POST", path, raw=raw, headers=LINES)
    answers = read_lines(reply.body)
    assert [answer.pop("recipient") for answer in answers] == asked
    for number, answer in zip(asked[:3], answers[:3], strict=True):
        question = {"sender": LONG_CODE, "recipient": number, "purpose": "conversational"}
        alone = await world.call("POST", "/v1/check", question)
        assert answer == alone.json
    assert answers == answers[:3] * 700


async def test_one_odd_line_in_a_plain_list_is_read_alone(world: World) -> None:
    """What is no plain number among them changes nothing about the others."""
    await world.text("Hello")
    path = f"/v1/checks?sender=%2B{LONG_CODE[1:]}&purpose=conversational"
    raw = f'"{PERSON}"\n"(415) 555-0142"\n{{oh\n\n"{PERSON}"\n"{OTHER_PERSON}","x"'.encode()
    reply = await world.call("POST", path, raw=raw, headers=LINES)
    answers = read_lines(reply.body)
    assert [a.get("decision") for a in answers] == ["allow", "allow", None, "allow", None]
    assert [a.get("line") for a in answers] == [None, None, 3, None, 6]


async def test_a_plain_list_without_a_sender_is_refused_line_by_line(world: World) -> None:
    """Each line is answered by the problem that it names no sender."""
    raw = f'"{PERSON}"\n"{OTHER_PERSON}"\n'.encode()
    reply = await world.call("POST", "/v1/checks", raw=raw, headers=LINES)
    assert [(a["code"], a["line"]) for a in read_lines(reply.body)] == [
        ("invalid_body", 1),
        ("invalid_body", 2),
    ]


async def test_a_line_may_ask_for_a_past_time(world: World) -> None:
    """`at` in a line is answered from the ledger of that time."""
    await world.text("Hello")
    line = {"sender": LONG_CODE, "recipient": PERSON}
    raw = msgspec.json.encode(line) + b"\n"
    raw += msgspec.json.encode({**line, "at": "2020-01-01T00:00:00Z"})
    reply = await world.call("POST", "/v1/checks", raw=raw, headers=LINES)
    assert [a["decision"] for a in read_lines(reply.body)] == ["allow", "deny"]


async def test_a_bad_line_does_not_end_the_stream(world: World) -> None:
    """A line that cannot be read is answered by a problem with its number; the next goes on."""
    good = msgspec.json.encode({"sender": LONG_CODE, "recipient": PERSON})
    bad = [
        b"{",
        b"\xff",
        b"[1]",
        b'{"sender":"x"}',
        b'"\\u0000"',
        b'"' + b"9" * 70_000 + b'"',
        b'"+14155550142"',
        b'{"sender":"+12025550101","recipient":"x","at":"0001-01-01T00:00:00+05:00"}',
    ]
    raw = b"\n".join([good, b"", *bad, good])
    reply = await world.call("POST", "/v1/checks", raw=raw, headers=LINES)
    first, *problems, last = read_lines(reply.body)
    assert first == last
    assert [p["line"] for p in problems] == list(range(3, 3 + len(bad)))
    assert [p["code"] for p in problems] == [
        "malformed_json",
        "malformed_json",
        "invalid_body",
        "invalid_body",
        "nul_character",
        "line_too_long",
        "invalid_body",
        "invalid_time",
    ]


async def test_cut_lines_are_answered_whole(world: World) -> None:
    """A body in pieces of every size is answered like the body in one piece."""
    raw = b"".join(b'{"sender":"+12025550101","recipient":"%d"}\n' % n for n in range(40))
    whole = await world.call("POST", "/v1/checks", raw=raw, headers=LINES)
    for size in (1, 7, 46, 47, 300):
        chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
        cut = await world.call("POST", "/v1/checks", chunks=chunks, headers=LINES)
        assert cut.body == whole.body


async def test_the_stream_needs_a_key_like_the_rest(world: World) -> None:
    """A stream without a key is refused before anything is read."""
    reply = await world.call("POST", "/v1/checks", raw=b'"x"', headers=LINES, key=None)
    assert (reply.status, reply.json["code"]) == (401, "unauthorized")


async def test_a_spool_gives_what_it_was_given() -> None:
    """Far more than fits in memory comes out in order, also while more is put in."""
    spool = Spool()
    pieces = [b"%06d" % n * 2000 for n in range(100)]
    taken = bytearray()

    async def take() -> None:
        async for chunk in spool.chunks():
            taken.extend(chunk)
            await asyncio.sleep(0)

    taking = asyncio.create_task(take())
    for piece in pieces[:50]:
        spool.put(piece)
    await asyncio.sleep(0.01)
    for piece in pieces[50:]:
        spool.put(piece)
        await asyncio.sleep(0)
    spool.finish()
    await taking
    assert bytes(taken) == b"".join(pieces)
    spool.close()
