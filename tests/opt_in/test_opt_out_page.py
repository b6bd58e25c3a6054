"""The hosted opt-out page: it counts at once, asks nothing, and tells nothing of a number."""

import re

import httpx
import pytest
from starlette.applications import Starlette

from action_world import World
from consent_world import PERSON
from consentry.actions.count_try import TryLimits
from consentry.domain.directory import Purpose
from consentry.domain.entries import EntryKind, Medium
from consentry.domain.legal_clock import read_clock
from consentry.domain.reasons import Reason
from consentry.opt_in.opt_out import OptOutPages
from consentry.opt_in.services import OptInServices

pytestmark = pytest.mark.unit

TYPED = "(415) 555-0142"


class Quiet:
    """Has nothing under way; counts how often it was waited for."""

    count = 0

    def wake(self) -> None:
        """Do nothing."""

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Count it."""
        del messages
        self.count += 1


class Door:
    """The opt-out pages of a company, over HTTP and without a socket."""

    def __init__(self) -> None:
        self.world, self.delivery = World(), Quiet()
        services = OptInServices(
            self.world.store,  # type: ignore[arg-type]
            self.delivery,
            self.world.clock,
            self.world.store.ids,
            "US",
            None,
            TryLimits(per_account=2, per_address=3, window_seconds=3600),
        )
        app = Starlette(routes=OptOutPages(services).routes())
        transport = httpx.ASGITransport(app, client=("192.0.2.7", 1))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://inside")

    async def post(self, phone: str = TYPED, brand: str = "acme") -> httpx.Response:
        """Send the form."""
        headers = {"user-agent": "A browser"}
        return await self.http.post(f"/opt-out/{brand}", data={"phone": phone}, headers=headers)


@pytest.fixture
def door() -> Door:
    """Open a door."""
    return Door()


async def test_the_form_stops_everything_of_the_brand_at_once(door: Door) -> None:
    """With its evidence, on the person's word, and with its legal clock; nothing is asked back."""
    door.world.receive("Hello")
    shown = await door.http.get("/opt-out/acme")
    assert "Stop texts from Acme" in shown.text
    assert "<script" not in shown.text
    sent = await door.post()
    assert (sent.status_code, sent.headers["location"]) == (303, "/opt-out/acme/done")
    assert "Acme sends no more texts" in (await door.http.get("/opt-out/acme/done")).text
    refused = door.world.send(purpose=Purpose.CONVERSATIONAL).decision
    assert refused.reason is Reason.OPTED_OUT
    assert door.delivery.count == 1
    entry = door.world.last_entry(EntryKind.SUPPRESSED)
    assert entry.evidence is not None
    assert (entry.evidence.medium, entry.evidence.ip) == (Medium.WEB, "192.0.2.7")
    assert TYPED in (entry.evidence.action or "")
    assert entry.evidence.user_agent == "A browser"
    assert read_clock(entry) is not None
    (listed,) = door.world.standing(PERSON).suppressions
    assert (listed.by_person, listed.scope) == (True, "acme")


async def test_a_number_that_nobody_knows_is_answered_alike(door: Door) -> None:
    """The page tells nobody whom the company texts."""
    door.world.receive("Hello")
    known, unknown = await door.post(), await door.post("415 555 0143")
    assert (known.status_code, known.headers["location"]) == (
        unknown.status_code,
        unknown.headers["location"],
    )


@pytest.mark.parametrize("phone", ["", "call me", "\x00\x01"])
async def test_what_is_no_number_is_shown_again(door: Door, phone: str) -> None:
    """With what is wrong, in the browser's language; nothing is recorded."""
    refused = await door.post(phone)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert door.world.store.entries == []
    spanish = await door.http.get("/opt-out/acme", headers={"accept-language": "es-MX,en;q=0.5"})
    assert re.search('<html lang="es"', spanish.text)
    assert "No enviar más mensajes" in spanish.text


async def test_too_many_are_turned_away_and_told_of_stop(door: Door) -> None:
    """Per number and per address; STOP by text always works."""
    for _ in range(2):
        assert (await door.post()).status_code == 303
    busy = await door.post()
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "3600")
    assert "text STOP" in busy.text
    assert (await door.post("415 555 0143")).status_code == 303
    assert (await door.post("415 555 0144")).status_code == 429


async def test_a_brand_that_is_not_there_or_a_database_that_is_down_is_told(door: Door) -> None:
    """In a page that says what works all the same."""
    for path in ("/opt-out/nobody", "/opt-out/nobody/done"):
        assert (await door.http.get(path)).status_code == 404
    assert (await door.post(brand="nobody")).status_code == 404
    door.world.store.available = False
    down = await door.post()
    assert down.status_code == 503
    assert "text STOP" in down.text
