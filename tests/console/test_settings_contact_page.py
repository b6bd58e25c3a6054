"""Settings, contact page: opt-in language for a sender, ready to copy in two forms."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from accounts import FOREIGN, LONG_CODE
from settings_world import ACME_ADMIN, AGENT, COMPLIANCE, SHORT_CODE, World, open_world, read_page

from consentry.actions.administer import SaveBrand
from consentry.console.wording import show_number
from consentry.domain.directory import Brand

pytestmark = pytest.mark.integration

LINKS = {"terms": "https://acme.example/t", "privacy": "https://acme.example/p?a=1&b=2"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with a sender of every kind; the brand has a contact."""
    async with open_world(tmp_path) as made:
        await made.console.store.submit(SaveBrand(Brand("acme", "Acme", "help@acme.example")))
        yield made


async def test_the_text_is_ready_to_copy(world: World) -> None:
    """Both forms say all that carriers look for; the number opens the phone's messages."""
    desk = await world.desk()
    shown = await desk.open(f"/contact-page?{urlencode({'about': 'your order', **LINKS})}")
    html, text = shown.copies
    assert f'<a href="sms:{LONG_CODE.number}">{show_number(LONG_CODE.number)}</a>' in html
    assert 'href="https://acme.example/p?a=1&amp;b=2"' in html
    assert "<script" not in html
    for said in ("Acme may answer you", "your order", "HELP", "STOP", "Msg & data rates"):
        assert said in text
        assert said in shown.text
    assert "Missing" not in shown.text
    assert f"sms:{LONG_CODE.number}" in shown.links


async def test_each_sender_has_its_own(world: World) -> None:
    """The sender that is asked for; names, which nobody can text, are not offered."""
    desk = await world.desk()
    shown = await desk.open(f"/contact-page?sender={SHORT_CODE.number}")
    assert shown.value("sender") == SHORT_CODE.number
    assert 'href="sms:55555"' in shown.copies[0]
    assert "Acme Shop" not in shown.text


async def test_what_is_missing_is_told(world: World) -> None:
    """Links and a contact are asked for, and the text stands without them."""
    await world.console.store.submit(SaveBrand(Brand("acme", "Acme")))
    shown = await (await world.desk()).open("/contact-page")
    assert "Missing: Links to your terms and your privacy policy" in shown.text
    assert "Missing: A contact for help" in shown.text
    assert len(shown.copies) == 2


async def test_wrong_links_are_told_at_their_fields(world: World) -> None:
    """What was typed stays, and no text is offered that could not stand on a page."""
    typed = {"about": "x" * 201, "terms": "javascript:alert(1)", "privacy": "acme.example"}
    shown = await (await world.desk()).open(f"/contact-page?{urlencode(typed)}")
    assert shown.invalid == set(typed)
    assert {name: shown.value(name) for name in typed} == typed
    assert "Write it as https://example.org/terms." in shown.text
    assert shown.copies == []


async def test_while_one_types_only_the_text_is_sent(world: World) -> None:
    """The script gets the snippet and what is wrong at each field, and no page around it."""
    desk = await world.desk()
    path = "/console/settings/contact-page"
    script = {"hx-request": "true"}
    answer = await desk.browser.get(f"{path}?{urlencode(LINKS)}", headers=script)
    assert "<html" not in answer.text
    assert len(read_page(answer).copies) == 2
    wrong = await desk.browser.get(f"{path}?terms=nothing", headers=script)
    assert 'id="terms-wrong" aria-live="polite" hx-swap-oob="true"><p class="error">' in wrong.text
    assert 'id="privacy-wrong" aria-live="polite" hx-swap-oob="true"></div>' in wrong.text


async def test_html_in_a_name_stays_text(world: World) -> None:
    """A brand called like an element brings none in, neither here nor on the page it is for."""
    name = "<img src=x onerror=alert(1)>"
    await world.console.store.submit(SaveBrand(Brand("acme", name)))
    shown = await (await world.desk()).open("/contact-page")
    assert f"Text {name}" in shown.text
    assert "<img" not in shown.copies[0]
    assert name in shown.copies[1]


async def test_who_may_look(world: World) -> None:
    """Who may read settings; each only with the senders of their brands."""
    assert (await (await world.desk(COMPLIANCE)).open("/contact-page")).status == 200
    assert (await (await world.desk(AGENT)).open("/contact-page")).status == 403
    held = await world.desk(ACME_ADMIN)
    shown = await held.open(f"/contact-page?sender={FOREIGN.number}")
    assert "+1 202 555 0199" not in shown.text
    assert shown.value("sender") == LONG_CODE.number
