"""What is true of every carrier, over the tables of all."""

import json

import msgspec
import pytest
from _pytest.mark import ParameterSet
from carrier_loopback import OPEN, http, loopback
from carrier_table import CarrierTable, Posted, Sent, read_tables

from consentry.bootstrap import CARRIERS
from consentry.ports import (
    Carrier,
    CarrierEvent,
    CarrierRefusal,
    Forged,
    Malformed,
    Unanswered,
    WebhookRequest,
)

pytestmark = pytest.mark.unit

TABLES = read_tables()


def build(table: CarrierTable, base_url: str | None = None) -> Carrier:
    """Build the carrier of a table's account, at its own address or another."""
    account = table.account
    if base_url is not None:
        account = msgspec.structs.replace(account, base_url=base_url)
    return table.kind.build(account, "https://texts.example.com")


def read(table: CarrierTable, posted: Posted, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
    """Read a request by the address that it came to."""
    carrier = build(table)
    return carrier.read_inbound(request) if posted.to == "inbound" else carrier.read_status(request)


def each_posted(*, readable: bool | None = None) -> list[ParameterSet]:
    """Give the webhooks of all carriers, or only those that can be read, or cannot."""
    return [
        pytest.param(table, posted, id=f"{name}: {posted.name}")
        for name, table in TABLES.items()
        for posted in table.posted
        if readable in (None, not posted.reason)
    ]


def each_sent() -> list[ParameterSet]:
    """Give the texts of all carriers."""
    return [
        pytest.param(table, sent, id=f"{name}: {sent.name}")
        for name, table in TABLES.items()
        for sent in table.sent
    ]


def test_every_carrier_has_its_table() -> None:
    """No carrier is offered that is not tested, and the table is that of its kind."""
    assert {name: table.kind for name, table in TABLES.items()} == dict(CARRIERS)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_an_account_of_a_table_has_what_its_carrier_needs(table: CarrierTable) -> None:
    """The kind asks for what the carrier is built from, and for nothing else."""
    assert table.kind.list_missing(table.account) == []
    assert table.kind.list_foreign(table.account) == []
    carrier = build(table)
    assert (carrier.id, carrier.kind) == (table.account.id, table.kind.name)


@pytest.mark.parametrize(("table", "posted"), each_posted(readable=True))
def test_a_webhook_says_exactly_this(table: CarrierTable, posted: Posted) -> None:
    """Each recorded webhook gives exactly these events."""
    assert read(table, posted, table.sign(table.request(posted))) == posted.events


@pytest.mark.parametrize(("table", "posted"), each_posted(readable=False))
def test_a_webhook_that_cannot_be_read_says_why(table: CarrierTable, posted: Posted) -> None:
    """It is malformed, and the reason names what is wrong in it."""
    with pytest.raises(Malformed) as told:
        read(table, posted, table.sign(table.request(posted)))
    assert str(told.value).startswith(posted.reason)


@pytest.mark.parametrize(("table", "posted"), each_posted())
def test_what_is_not_signed_is_forged(table: CarrierTable, posted: Posted) -> None:
    """Without a signature, or with one of another secret, nothing is read at all."""
    request = table.request(posted)
    with pytest.raises(Forged):
        read(table, posted, table.forge(request))
    with pytest.raises(Forged):
        read(table, posted, request)


@pytest.mark.parametrize(("table", "sent"), each_sent())
async def test_an_answer_means_exactly_this(table: CarrierTable, sent: Sent) -> None:
    """Each text is handed over by this request, and each answer to it means this."""
    async with loopback((http(sent.status, sent.answer, **sent.answer_headers),)) as server:
        carrier = build(table, server.url)
        try:
            answer = await carrier.submit(sent.text, OPEN)
        finally:
            await carrier.close()
        [seen] = server.seen
    assert answer == sent.means
    assert sent.path in (None, seen.target)
    assert sent.headers.items() <= seen.headers.items()
    if sent.form is not None:
        assert seen.form == sent.form
    if sent.body_json is not None:
        assert json.loads(seen.body) == sent.body_json


@pytest.mark.parametrize("table", [t for t in TABLES.values() if t.sent], ids=lambda t: t.kind.name)
async def test_a_text_that_may_have_gone_out_is_unanswered(table: CarrierTable) -> None:
    """HTTP 408, 500, 502 and 504 leave it open: it must not go back into the line."""
    async with loopback() as server:
        carrier = build(table, server.url)
        for status in (408, 500, 502, 504):
            server.answer(http(status, b"<html>"))
            assert isinstance(await carrier.submit(table.sent[0].text, OPEN), Unanswered), status
        await carrier.close()


@pytest.mark.parametrize("table", [t for t in TABLES.values() if t.sent], ids=lambda t: t.kind.name)
def test_a_refusal_opts_out_only_for_good(table: CarrierTable) -> None:
    """A table shows a code that opts out where there is one, one that may pass, and an unknown."""
    refusals = [sent.means for sent in table.sent if isinstance(sent.means, CarrierRefusal)]
    assert any(not refusal.permanent for refusal in refusals)
    assert all(refusal.permanent for refusal in refusals if refusal.opted_out)
