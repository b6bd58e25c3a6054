"""Who may see what: every page of the console for every account, from one matrix."""

import re
from typing import Final

import httpx
import pytest
from accounts import (
    ADMIN,
    FOREIGN_AGENT,
    LONG_CODE,
    NO_ACCESS,
    NOW,
    Console,
    read_form_token,
)

from consentry.actions.administer import SaveCarrier, SaveKey, SaveProgram
from consentry.actions.keep_agents import SaveAgent
from consentry.actions.keep_templates import SaveTemplate
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.console.app import PAGES
from consentry.console.pages import Page
from consentry.domain.agents import Agent, Permission, Role
from consentry.domain.calls_to_action import CallMedium, Wording
from consentry.domain.directory import Program, Purpose
from consentry.domain.templates import Template
from consentry.domain.webhooks import Webhook
from consentry.domain.wording_lint import WordingKind
from consentry.ports import (
    APIKey,
    CarrierAccount,
    Change,
    Facts,
    InboundText,
    Needs,
    Scope,
)
from consentry.ports import Page as ListPage

pytestmark = pytest.mark.integration

COMPLIANCE: Final = "compliance@example.org"
AGENT: Final = "agent@example.org"

MATRIX: Final[dict[Permission, set[str]]] = {
    Permission.READ_CONVERSATIONS: {ADMIN, COMPLIANCE, AGENT, FOREIGN_AGENT},
    Permission.SEND: {ADMIN, AGENT, FOREIGN_AGENT},
    Permission.EDIT_CUSTOMERS: {ADMIN, AGENT, FOREIGN_AGENT},
    Permission.RECORD_CONSENT: {ADMIN, COMPLIANCE, AGENT, FOREIGN_AGENT},
    Permission.READ_OPT_OUTS: {ADMIN, COMPLIANCE, AGENT, FOREIGN_AGENT},
    Permission.IMPORT_OPT_OUTS: {ADMIN, COMPLIANCE},
    Permission.EXPORT: {ADMIN, COMPLIANCE},
    Permission.READ_REPORTS: {ADMIN, COMPLIANCE},
    Permission.READ_AUDIT: {ADMIN, COMPLIANCE},
    Permission.READ_SETTINGS: {ADMIN, COMPLIANCE},
    Permission.CHANGE_SETTINGS: {ADMIN},
    Permission.MANAGE_AGENTS: {ADMIN},
    Permission.MANAGE_KEYS: {ADMIN},
    Permission.SETTLE_DRIFT: {ADMIN},
    Permission.ERASE: {ADMIN},
}
"""Written out on purpose, and not taken from the domain: a change there must be meant here too."""

STREAM: Final = "/live"
TOO_OLD: Final = "This page is too old to send from."
PERSON: Final = "+14155550142"


class KeepAgent(Agent, frozen=True):
    """An agent under an id of the test's own, which the product would choose by itself."""

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Keep it as it is."""
        del facts
        fields = {name: getattr(self, name) for name in Agent.__struct_fields__}
        return None, Change(records=(Agent(**fields),))


class KeepWebhook(Webhook, frozen=True):
    """A webhook under an id of the test's own, likewise."""

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Keep it as it is."""
        del facts
        fields = {name: getattr(self, name) for name in Webhook.__struct_fields__}
        return None, Change(records=(Webhook(**fields),))


@pytest.fixture
async def customer(console: Console) -> str:
    """Somebody who texted a sender of one brand, and what pages are about; give their id."""
    store = console.store
    account = CarrierAccount("fake", "twilio", "AC1", "secret", "https://carrier.example")
    await store.submit(SaveCarrier(account))
    await store.submit(SaveProgram(Program("promo", "acme", Purpose.MARKETING, "Deals")))
    await store.submit(
        SaveCallToAction("deals", "promo", CallMedium.WEB, "en", Wording("Deals by text"))
    )
    sale = "{brand}: 20% off. Reply STOP to opt out."
    await store.submit(
        SaveTemplate(Template("friday", "acme", "Sale", WordingKind.MARKETING, sale, NOW, NOW))
    )
    inbound = InboundText("SM-1", PERSON, LONG_CODE.number, "Hello")
    await store.submit(ReceiveMessage("fake", "twilio", inbound, NOW))
    for email, role in ((COMPLIANCE, Role.COMPLIANCE), (AGENT, Role.AGENT)):
        console.agents[email] = await store.submit(SaveAgent(Agent("", email, email, role, NOW)))
    await store.submit(SaveKey(APIKey("key_1", "shop", "csk_", "hash", (Scope.CHECK,), NOW)))
    await store.submit(KeepWebhook("whk_1", "https://shop.example", NOW, NOW))
    await store.submit(KeepAgent("agt_1", "old@example.org", "Old", Role.AGENT, NOW))
    (made,) = await store.read_customers(ListPage())
    return made.id


def address_of(page: Page, customer: str) -> str:
    """Fill the parameters of a page's path."""
    path = page.path
    for name, value in {"id": customer, **page.example}.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"{page.path} needs an example"
    return f"/console{path}"


async def look(browser: httpx.AsyncClient, page: Page, customer: str) -> httpx.Response:
    """Open a page, or send its form without a token, which changes nothing."""
    return await browser.request(page.method, address_of(page, customer))


def is_shown(page: Page, answer: httpx.Response) -> bool:
    """Tell whether the guard let somebody in: to the page, or as far as the form's token."""
    if page.method == "POST":
        return answer.status_code == 403 and TOO_OLD in answer.text
    return answer.status_code in {200, 204, 303}


@pytest.mark.parametrize("email", [ADMIN, COMPLIANCE, AGENT, FOREIGN_AGENT])
async def test_each_role_sees_its_pages_and_no_others(
    console: Console, customer: str, email: str
) -> None:
    """Allowed, 403, or 404 for what is another brand's; a form without its token is not taken."""
    browser = await console.signed_in(email)
    wrong = {}
    for page in PAGES:
        may = page.permission is None or email in MATRIX[page.permission]
        if may and page.path == STREAM:
            continue
        answer = await look(browser, page, customer)
        is_foreign = email == FOREIGN_AGENT and page.path.startswith("/customers/{id}")
        if not may:
            fits = answer.status_code == 403 and "no access to this page" in answer.text
        elif is_foreign and page.method == "GET":
            fits = answer.status_code == 404 and PERSON not in answer.text
        else:
            fits = is_shown(page, answer)
        if not fits:
            wrong[f"{page.method} {page.path}"] = answer.status_code
    assert wrong == {}


async def test_who_has_no_access_sees_no_page(console: Console, customer: str) -> None:
    """Whatever is asked for: 403, and whom to ask. Only signing out is theirs."""
    browser = await console.signed_in(NO_ACCESS)
    wrong = {}
    for page in PAGES:
        answer = await look(browser, page, customer)
        if page.needs_no_access:
            fits = is_shown(page, answer)
        else:
            fits = answer.status_code == 403 and "You have no access yet" in answer.text
        if not fits:
            wrong[f"{page.method} {page.path}"] = answer.status_code
    assert wrong == {}


async def test_who_is_signed_out_is_led_to_sign_in(console: Console, customer: str) -> None:
    """From every page, and with nothing of it; a script is told to lead there too."""
    browser = console.browser()
    wrong = {}
    for page in PAGES:
        answer = await look(browser, page, customer)
        led = answer.headers.get("location", "")
        if answer.status_code != 303 or not led.startswith("/console/sign-in?next=%2Fconsole"):
            wrong[f"{page.method} {page.path}"] = answer.status_code
        asked = address_of(page, customer)
        scripted = await browser.request(page.method, asked, headers={"hx-request": "true"})
        if (scripted.status_code, scripted.text) != (401, ""):
            wrong[f"script: {page.method} {page.path}"] = scripted.status_code
    assert wrong == {}


async def test_every_page_is_private_and_runs_nothing_from_elsewhere(
    console: Console, customer: str
) -> None:
    """Kept by no cache, told to no other site, framed by nobody, under a strict policy."""
    browser = await console.signed_in()
    wrong = {}
    for page in PAGES:
        if page.path == STREAM:
            continue
        answer = await look(browser, page, customer)
        headers = answer.headers
        if headers.get("cache-control") != "no-store":
            wrong[f"{page.method} {page.path}"] = "is kept"
        if "text/html" not in headers.get("content-type", ""):
            continue
        policy = headers.get("content-security-policy", "")
        for part in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"):
            if part not in policy:
                wrong[f"{page.method} {page.path}"] = part
        if headers.get("referrer-policy") not in {"same-origin", "no-referrer"}:
            wrong[f"{page.method} {page.path}"] = "tells where it is"
    assert wrong == {}


async def test_an_empty_form_is_an_answer_and_no_fault(console: Console, customer: str) -> None:
    """With the right token and nothing else in it: told what is missing, or done; never a 500."""
    wrong = {}
    forms = [page for page in PAGES if page.method == "POST"]
    for count, page in enumerate(forms):
        browser = await console.signed_in(address=f"198.51.100.{count}")
        token = {"form_token": await read_form_token(browser)}
        answer = await browser.post(address_of(page, customer), data=token)
        if answer.status_code >= 500 or TOO_OLD in answer.text:
            wrong[page.path] = answer.status_code
    assert wrong == {}


async def test_a_role_that_is_taken_away_counts_at_the_next_click(console: Console) -> None:
    """No new sign-in is waited for; nor is one for a role that is given."""
    browser = await console.signed_in(FOREIGN_AGENT)
    agent = console.agents[FOREIGN_AGENT]
    assert (await browser.get("/console/opt-outs")).status_code == 200
    for role, status in ((None, 403), (Role.COMPLIANCE, 200)):
        changed = Agent(agent.id, agent.email, agent.name, role, NOW, agent.brands)
        await console.store.submit(SaveAgent(changed))
        assert (await browser.get("/console/opt-outs")).status_code == status


TELLING: Final = re.compile(
    r"Acme|acme|Deals|Sale\b|friday|202.{0,2}555.?0101|\+1\W{0,2}415\W{0,2}555.?0142|%2B14155550142"
)
"""What tells of the other brand: its names and numbers, and who texted it."""

SAMPLE_NUMBER: Final = "+1 415 555 0142"
"""Forms show how a number may be written; it happens to be the one that texted."""


async def sign_in_beth(console: Console) -> httpx.AsyncClient:
    """Let an admin sign in who works for another brand alone."""
    email = "beth@example.org"
    if email not in console.agents:
        beth = Agent("", email, "Beth", Role.ADMIN, NOW, brands=("other",))
        console.agents[email] = await console.store.submit(SaveAgent(beth))
    return await console.signed_in(email, address=f"198.51.100.{console.links}")


async def test_an_admin_of_another_brand_sees_nothing_of_this_one(
    console: Console, customer: str
) -> None:
    """Whatever page is opened, a new one too: not there, not theirs, or without a word of it."""
    browser = await sign_in_beth(console)
    wrong = {}
    for page in PAGES:
        if page.path == STREAM or page.method == "POST":
            continue
        address = address_of(page, customer)
        answer = await browser.get(address)
        # What was asked for by name may be named in the answer that there is no such thing.
        shown = answer.text.replace(SAMPLE_NUMBER, "")
        told = {word for word in TELLING.findall(shown) if word not in address}
        if answer.status_code >= 500 or told:
            wrong[f"{answer.status_code} {page.path}"] = told
    assert wrong == {}


async def test_an_admin_of_another_brand_changes_nothing_of_this_one(
    console: Console, customer: str
) -> None:
    """Every form is sent, with its token, about what is this brand's: all stays as it was."""
    store = console.store

    async def look_at_all() -> list[object]:
        return [
            await store.read_directory(),
            await store.read_keys(),
            await store.read_templates(),
            await store.read_carriers(),
            await store.read_customer(customer),
            await store.read_standing(PERSON),
            await store.read_entries(PERSON, ListPage(limit=100)),
        ]

    before = await look_at_all()
    wrong = {}
    for page in PAGES:
        if page.method == "GET":
            continue
        browser = await sign_in_beth(console)
        form = {"form_token": await read_form_token(browser), "reason": "told", "recipient": PERSON}
        answer = await browser.post(address_of(page, customer), data=form)
        if answer.status_code >= 500 or TOO_OLD in answer.text or await look_at_all() != before:
            wrong[page.path] = answer.status_code
    assert wrong == {}
