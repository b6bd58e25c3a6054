"""Which codes of Bandwidth, Vonage and Sinch say that somebody opted out: these alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.carriers.bandwidth.errors import TABLE as BANDWIDTH
from consentry.carriers.bandwidth.errors import read_refusal as read_bandwidth
from consentry.carriers.shared.refusals import CodeTable
from consentry.carriers.shared.way_out import Answer
from consentry.carriers.sinch.errors import TABLE as SINCH
from consentry.carriers.sinch.errors import read_refusal as read_sinch
from consentry.carriers.vonage.errors import ANSWERS, RECEIPTS
from consentry.carriers.vonage.errors import read_refusal as read_vonage

pytestmark = pytest.mark.unit

TABLES = [
    pytest.param(BANDWIDTH, {"4482", "4772", "4775"}, id="bandwidth"),
    pytest.param(ANSWERS, set(), id="vonage, answers"),
    pytest.param(RECEIPTS, {"9"}, id="vonage, receipts"),
    pytest.param(SINCH, {"257"}, id="sinch"),
]


@pytest.mark.parametrize(("table", "codes"), TABLES)
def test_only_these_codes_opt_out(table: CodeTable, codes: set[str]) -> None:
    """They are those of the specification and of the carrier's page; each is for good."""
    opted_out = {code: row for code, row in table.rows.items() if row.opted_out}
    assert opted_out.keys() == codes
    assert all(row.permanent for row in opted_out.values())
    assert all(row.meaning for row in table.rows.values())
    assert table.source.startswith("https://")


def test_the_same_number_means_two_things_to_vonage() -> None:
    """9 is no credit in an answer and an opt-out in a receipt."""
    assert ANSWERS.refuse("status_9").opted_out is False
    assert not ANSWERS.is_opted_out("9")
    assert RECEIPTS.is_opted_out("9")


@given(st.text(max_size=8) | st.integers(0, 99_999).map(str))
def test_an_unknown_code_may_pass_and_opts_nobody_out(code: str) -> None:
    """A code that is new to us neither drops a text at once nor says anything of consent."""
    for table in (BANDWIDTH, ANSWERS, RECEIPTS, SINCH):
        if code not in table.rows:
            told = table.refuse(code)
            assert (told.permanent, told.opted_out) == (False, False)
            assert not table.is_opted_out(code)


@pytest.mark.parametrize("read", [read_bandwidth, read_vonage, read_sinch])
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"\xff", b'{"a":' * 2000, json.dumps({"code": None}).encode()]
)
def test_an_answer_without_a_code_is_named_by_its_status(read: object, body: bytes) -> None:
    """A proxy's page is a refusal that may pass."""
    assert callable(read)
    told = read(Answer(418, {"Retry-After": "2"}, body))
    assert (told.code, told.permanent, told.opted_out) == ("http_418", False, False)
    assert told.retry_after_seconds == 2.0
