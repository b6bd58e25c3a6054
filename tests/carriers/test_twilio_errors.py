"""Twilio's error codes: a table, and what becomes of a code that is in none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.carriers.shared.twilio_like import read_refusal
from consentry.carriers.shared.way_out import Answer
from consentry.carriers.twilio.errors import TABLE as CODES
from consentry.ports import CarrierRefusal

pytestmark = pytest.mark.unit

TABLE = [
    # code, HTTP status, permanent, opted_out
    (20003, 401, True, False),
    (20404, 404, True, False),
    (20429, 429, False, False),
    (20503, 503, False, False),
    (21211, 400, True, False),
    (21408, 400, True, False),
    (21602, 400, True, False),
    (21603, 400, True, False),
    (21604, 400, True, False),
    (21606, 400, True, False),
    (21610, 400, True, True),
    (21611, 400, False, False),
    (21614, 400, True, False),
    (21617, 400, True, False),
    (21701, 400, True, False),
    (21703, 400, True, False),
    (30001, 400, False, False),
    (30004, 400, True, False),
    (30007, 400, True, False),
    (30610, 400, True, False),
    (39999, 400, False, False),
]


def refused(status: int, body: bytes, headers: dict[str, str] | None = None) -> CarrierRefusal:
    """Read an answer."""
    return read_refusal(CODES, Answer(status, headers or {}, body))


@pytest.mark.parametrize(("code", "status", "permanent", "opted_out"), TABLE)
def test_each_code_means_one_thing(
    code: int, status: int, permanent: bool, opted_out: bool
) -> None:
    """A refusal carries Twilio's code and sentence, and what they mean to us."""
    body = json.dumps({"code": code, "message": "Said so", "more_info": "", "status": status})
    assert refused(status, body.encode()) == CarrierRefusal(
        permanent=permanent,
        opted_out=opted_out,
        code=str(code),
        text=f"Twilio refused it ({code}): Said so",
    )


def test_one_code_alone_opts_out() -> None:
    """429, 5xx and any other code never opt anyone out; each row says what it means."""
    assert {code for code, row in CODES.rows.items() if row.opted_out} == {"21610"}
    assert all(row.meaning for row in CODES.rows.values())


@given(st.integers(0, 999_999).filter(lambda code: str(code) not in CODES.rows) | st.none())
def test_an_unknown_code_may_pass_and_opts_nobody_out(code: int | None) -> None:
    """A code that is new to us neither drops a text at once nor says anything of consent."""
    told = refused(400, json.dumps({"code": code}).encode())
    assert (told.permanent, told.opted_out) == (False, False)
    assert not CODES.is_opted_out(None if code is None else str(code))


@pytest.mark.parametrize(
    "body", [b"", b"<html>502</html>", b"[]", b'{"code": ""}', b"\xff", b'{"message": "x"}']
)
def test_an_answer_without_a_code_is_named_by_its_status(body: bytes) -> None:
    """A proxy's page is a refusal that may pass."""
    told = refused(418, body)
    assert (told.code, told.permanent, told.opted_out) == ("http_418", False, False)


def test_a_code_may_be_written_as_a_text() -> None:
    """Whether a number or a text: who is told of an opt-out may not overlook it."""
    assert refused(400, b'{"code": "21610"}').opted_out


def test_the_time_to_wait_is_the_carriers() -> None:
    """Retry-After of a 429 is kept."""
    assert refused(429, b"", {"Retry-After": "7"}).retry_after_seconds == 7.0
    assert refused(429, b"").retry_after_seconds is None
