"""Reasons: each has its status, its Twilio code and a sentence that says what to do next."""

import re

import pytest

from consentry.domain.reasons import OPTED_OUT_SENTENCE, REASONS, Reason

pytestmark = pytest.mark.unit


def test_the_opted_out_sentence_is_exact() -> None:
    """The refusal of section 1, word for word, for an opt-out and for a carrier's block."""
    exact = (
        "The destination number has disabled receiving messages from this number and must text "
        "'START' to this number to enable"
    )
    assert exact == OPTED_OUT_SENTENCE
    assert REASONS[Reason.OPTED_OUT].detail == exact
    assert REASONS[Reason.CARRIER_BLOCKED].detail == exact


def test_reasons_are_listed_in_the_order_of_precedence() -> None:
    """The order of section 5, which the gate follows."""
    order = """
        invalid_number unknown_sender sender_disabled carrier_blocked opted_out suppressed
        number_reassigned paused_for_review no_consent consent_pending consent_expired
        consent_level body_invalid frequency_cap quiet_hours store_unavailable
    """
    assert [str(reason) for reason in Reason] == order.split()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_row(reason: Reason) -> None:
    """A client or server error, a Twilio code, and at least one whole sentence."""
    row = REASONS[reason]
    assert 400 <= row.status <= 599
    assert 20000 <= row.twilio_code <= 63999
    assert re.fullmatch(r"[A-Z].{20,}", row.detail)


@pytest.mark.parametrize(
    "reason",
    [Reason.CARRIER_BLOCKED, Reason.OPTED_OUT, Reason.SUPPRESSED, Reason.NUMBER_REASSIGNED],
)
def test_an_opt_out_is_told_as_twilio_tells_it(reason: Reason) -> None:
    """Programs written for Twilio know a stop by 21610; over HTTP it is 403."""
    assert (REASONS[reason].twilio_code, REASONS[reason].status) == (21610, 403)


def test_no_store_is_an_outage() -> None:
    """A store that cannot answer is 503, so that a program tries again."""
    assert REASONS[Reason.STORE_UNAVAILABLE].status == 503
