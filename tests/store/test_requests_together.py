"""Two requests at the same moment, and a STOP beside one: one question, and the STOP wins."""

import pytest
from store_world import ANN, submit_together

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveProgram, SaveSender
from consentry.actions.deliver_job import ClaimJobs
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_consent import Statement
from consentry.actions.request_consent import RequestConsent
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.entries import Actor, ActorKind, Evidence, Medium
from consentry.domain.reading import SenderKind
from consentry.domain.standing import ConsentState
from consentry.ports import CarrierAccount, InboundText, Store
from memory_store import START

pytestmark = pytest.mark.integration

SENDER = Sender("+14155550100", SenderKind.LONG_CODE, "acme", "twilio-1")
NEWS = Program("news", "acme", Purpose.INFORMATIONAL, "News")


def request() -> RequestConsent:
    """Have Ann asked."""
    told = Statement(ANN, Actor(ActorKind.KEY, "key-1"), "signed up", Evidence(Medium.WEB))
    return RequestConsent(told, NEWS.id)


def stop() -> ReceiveMessage:
    """Let Ann text STOP."""
    return ReceiveMessage(
        "twilio-1", "twilio", InboundText("SM1", ANN, SENDER.number, "STOP"), START
    )


@pytest.fixture(autouse=True)
async def company(store: Store) -> None:
    """Set up who asks."""
    await store.submit(SaveBrand(Brand("acme", "Acme")))
    await store.submit(
        SaveCarrier(
            CarrierAccount("twilio-1", "twilio", "AC1", "secret", "https://carrier.example")
        )
    )
    await store.submit(SaveSender(SENDER))
    await store.submit(SaveProgram(NEWS))


async def test_two_requests_at_once_send_one_question(store: Store) -> None:
    """Whichever comes second sees the first, in one batch or in two."""
    first, second = await submit_together(store, request(), request())
    assert [first.message is None, second.message is None] == [False, True]
    works = await store.submit(ClaimJobs(((SENDER.number, 9),), "prc_1"))
    assert [work.message.id for work in works] == [first.message]


async def test_a_stop_beside_a_request_wins(store: Store) -> None:
    """The question that was put in the outbox just before never leaves."""
    asked, _ = await submit_together(store, request(), stop())
    assert asked.message is not None
    assert await store.submit(ClaimJobs(((SENDER.number, 9),), "prc_1")) == ()
    consent = (await store.read_standing(ANN)).consent(NEWS.id)
    assert consent is not None
    assert consent.state is ConsentState.REVOKED
