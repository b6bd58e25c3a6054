"""What outlives an erasure: the person's last word, and nothing that tells of the person."""

from datetime import timedelta

import msgspec
import pytest
from gate_questions import PROGRAMS, directories, standings
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_world import LONG, PERSON, POLICY, PROMO, SENDERS, block, consent
from consentry.domain.directory import Directory, Purpose
from consentry.domain.erasure import (
    Erasure,
    join_runs,
    keep_last_word,
    list_pieces,
    newest_word,
)
from consentry.domain.gate import Door, Facts, Request, Verdict, decide
from consentry.domain.reasons import Reason
from consentry.domain.standing import (
    BlockState,
    Cause,
    ConsentState,
    Place,
    Standing,
    Suppression,
    Thread,
    apply_pieces,
)
from memory_store import START

ERASED = "ent-erased"
LATER = START + timedelta(days=1)
THEIR_WORD = {
    Reason.CARRIER_BLOCKED,
    Reason.OPTED_OUT,
    Reason.SUPPRESSED,
    Reason.NUMBER_REASSIGNED,
}


@pytest.mark.property
@given(
    standings,
    directories,
    st.sampled_from([None, *PROGRAMS]),
    st.sampled_from([Door.API, Door.CONSOLE]),
)
@settings(max_examples=150)
def test_no_denial_by_the_persons_word_is_lost(
    standing: Standing, directory: Directory, program: str | None, door: Door
) -> None:
    """From every sender for every purpose the same denial stands, and nothing is allowed anew."""
    kept = keep_last_word(standing, ERASED)
    for sender in SENDERS:
        for purpose in Purpose:
            request = Request(PERSON, sender.number, purpose, program, door)
            before = decide(request, Facts(directory, standing), POLICY, START)
            after = decide(request, Facts(directory, kept), POLICY, START)
            assert after.decision is Verdict.DENY
            if before.reason in THEIR_WORD:
                assert (after.reason, after.detail) == (before.reason, before.detail)


@pytest.mark.property
@given(standings)
def test_what_is_kept_is_kept_again_and_comes_back_whole(standing: Standing) -> None:
    """To erase twice keeps the same, and its pieces lead to it again."""
    kept = apply_pieces(Standing(), list_pieces(keep_last_word(standing, ERASED)))
    assert keep_last_word(kept, ERASED) == kept
    assert apply_pieces(Standing(), list_pieces(kept)) == kept
    assert _list_entries(kept) <= {ERASED}


def _list_entries(kept: Standing) -> set[str]:
    pieces = (*kept.blocks, *kept.consents, *kept.suppressions)
    return {piece.entry for piece in pieces}


@pytest.mark.unit
def test_nothing_is_kept_of_who_said_no_to_nothing() -> None:
    """Consents, places, tags and what is open are gone; then there is nothing to keep."""
    standing = Standing(
        blocks=(block(state=BlockState.OPEN), block(cause=Cause.DRIFT, state=BlockState.UNKNOWN)),
        consents=(consent(), consent(PROMO.id, ConsentState.PENDING)),
        suppressions=(Suppression("acme", Cause.AGENT, START, "ent", active=False),),
        threads=(Thread(LONG.number, last_inbound_at=START),),
        sms_tag=True,
        place=Place(zone="Europe/London"),
    )
    kept = keep_last_word(standing, ERASED)
    assert kept == Standing()
    assert newest_word(kept) is None


@pytest.mark.unit
def test_when_somebody_opted_out_outlives_that_they_came_back() -> None:
    """A grant that is older than an opt-out counts for nothing, also after an erasure."""
    withdrawn = msgspec.structs.replace(consent(), withdrawn_at=START)
    kept = keep_last_word(
        Standing(consents=(withdrawn,), threads=(Thread(LONG.number, opted_out_at=LATER),)), ERASED
    )
    assert (kept.consents[0].state, kept.consents[0].withdrawn_at) == (ConsentState.NONE, START)
    assert kept.threads == (Thread(LONG.number, opted_out_at=LATER),)
    assert newest_word(kept) == LATER


@pytest.mark.unit
def test_places_are_written_as_runs() -> None:
    """Neighbours share a pair; an erasure counts what its runs hold."""
    assert join_runs([]) == ()
    assert join_runs([7, 3, 1, 2, 9, 8, 2]) == ((1, 3), (7, 9))
    assert Erasure("k", "h", join_runs([1, 2, 3, 9])).count == 4
