"""Signing in through a certified identity provider, from the button to the audit."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from accounts import ADMIN, HOST, NOW, Console, FakeClock, TryLimits, open_console
from real_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IS_THERE,
    RealProvider,
    open_browser,
    running_provider,
    sign_in_at_provider,
)

from consentry.actions.keep_agents import SaveAgent
from consentry.clock import SystemClock
from consentry.console.oidc import OIDCProvider
from consentry.domain.agents import Agent, Role
from consentry.domain.entries import EntryKind

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not IS_THERE,
        reason="no identity provider here: install node, then "
        "npm ci --prefix tests/console/oidc_provider",
    ),
]


@pytest.fixture(scope="module")
def real() -> Iterator[RealProvider]:
    """One provider for all tests."""
    with running_provider() as provider:
        yield provider


@asynccontextmanager
async def console_with(
    folder: Path, issuer: str, *, secret: str = CLIENT_SECRET, takes_in: bool = False
) -> AsyncIterator[Console]:
    """The console, whose button leads to this provider; both live in the present."""
    provider = OIDCProvider(
        SystemClock(),
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret=secret,
        label="Company sign-in",
        takes_in=takes_in,
    )
    limits = TryLimits(per_address=100)
    async with open_console(folder, provider=provider, limits=limits) as console:
        yield console


async def come_back(console: Console, login: str) -> tuple[httpx.AsyncClient, httpx.Response]:
    """Press the button, sign in there as somebody, and come back."""
    browser = open_browser(console)
    page = await browser.get("/console/sign-in?next=/console/account")
    assert "Company sign-in" in page.text
    led = await browser.get("/console/sign-in/provider?next=/console/account")
    assert led.status_code == 303
    back = await sign_in_at_provider(browser, led.headers["location"], login)
    return browser, await browser.get(back)


async def refused_with(console: Console, answer: httpx.Response, why: str) -> str:
    """See that nobody was signed in, nothing stored but one entry; give the page."""
    assert answer.status_code == 403
    assert "consentry_session" not in str(answer.headers.get_list("set-cookie"))
    ((_, reason),) = await console.refusals()
    assert reason is not None
    assert why in reason
    kinds = {entry.kind for entry in await console.audit()}
    assert EntryKind.SIGNED_IN not in kinds
    for agent in await console.store.read_agents():
        assert agent.subject is None
        assert await console.store.read_sessions(agent.id) == []
    return answer.text


async def test_an_agent_comes_in_and_is_bound_to_their_account(
    real: RealProvider, tmp_path: Path
) -> None:
    """The page first asked for opens; the second time the same account comes in again."""
    async with console_with(tmp_path, real.issuer) as console:
        for _ in range(2):
            browser, answer = await come_back(console, "ada")
            assert (answer.status_code, answer.headers["location"]) == (303, "/console/account")
            page = await browser.get("/console/account")
            assert ADMIN in page.text
        (admin,) = [a for a in await console.store.read_agents() if a.email == ADMIN]
        assert admin.subject == f"{real.issuer} ada"
        told = [entry.text or "" for entry in await console.audit()]
        assert told[0] == f"{ADMIN} by identity provider from 192.0.2.7"
        assert sum("bound to" in text for text in told) == 1


async def test_another_account_with_the_same_email_does_not_come_in(
    real: RealProvider, tmp_path: Path
) -> None:
    """Once the agent is bound; who came first is let in still."""
    async with console_with(tmp_path, real.issuer) as console:
        await come_back(console, "ada")
        _, answer = await come_back(console, "twin")
        assert answer.status_code == 403
        assert "another account" in answer.text
        assert "another account" in str((await console.refusals())[0][1])
        assert (await come_back(console, "ada"))[1].status_code == 303


async def test_a_bound_agent_comes_in_after_their_email_changed_here(
    real: RealProvider, tmp_path: Path
) -> None:
    """The subject is who they are; the email is only how they were found the first time."""
    async with console_with(tmp_path, real.issuer) as console:
        await come_back(console, "ada")
        (admin,) = [a for a in await console.store.read_agents() if a.email == ADMIN]
        renamed = Agent(admin.id, "ada@example.org", "Ada", Role.ADMIN, NOW)
        await console.store.submit(SaveAgent(renamed))
        browser, answer = await come_back(console, "ada")
        assert answer.status_code == 303
        assert "ada@example.org" in (await browser.get("/console/account")).text


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("stranger", ("no agent has this email", "Nobody has added new@example.org")),
        ("sloppy", ("has not verified", "has not verified your email address")),
        ("mute", ("has not verified", "has not verified your email address")),
    ],
)
async def test_who_is_not_known_or_not_verified_stays_out(
    real: RealProvider, tmp_path: Path, login: str, expected: tuple[str, str]
) -> None:
    """The page says whom to ask or what to do; nothing is stored but an entry."""
    async with console_with(tmp_path, real.issuer) as console:
        _, answer = await come_back(console, login)
        why, told = expected
        assert told in await refused_with(console, answer, why)


async def test_others_become_agents_without_access_where_the_setting_says_so(
    real: RealProvider, tmp_path: Path
) -> None:
    """They are known then, and see the page that says whom to ask."""
    async with console_with(tmp_path, real.issuer, takes_in=True) as console:
        browser, answer = await come_back(console, "stranger")
        assert answer.status_code == 303
        page = await browser.get("/console/account")
        assert page.status_code == 403
        assert "Ask an admin" in page.text
        (made,) = [a for a in await console.store.read_agents() if a.email == "new@example.org"]
        assert (made.name, made.role) == ("New Person", None)
        assert made.subject == f"{real.issuer} stranger"


async def test_id_tokens_that_tell_everything_are_enough(tmp_path: Path) -> None:
    """Some providers put the email into the ID token and need not be asked again."""
    with running_provider(userinfo=False) as real:
        async with console_with(tmp_path, real.issuer) as console:
            _, answer = await come_back(console, "ada")
            assert answer.status_code == 303


async def test_a_broken_signature_signs_nobody_in(real: RealProvider, tmp_path: Path) -> None:
    """One character of the signature changed: refused, and told to the audit."""
    async with console_with(tmp_path, real.issuer) as console:
        real.tamper(on=True)
        try:
            _, answer = await come_back(console, "ada")
        finally:
            real.tamper(on=False)
        page = await refused_with(console, answer, "bad_signature")
        assert "does not fit, so nobody was signed in" in page


async def test_a_token_for_another_sign_in_signs_nobody_in(
    real: RealProvider, tmp_path: Path
) -> None:
    """The nonce must be the one that this browser set out with."""
    async with console_with(tmp_path, real.issuer) as console:
        browser = open_browser(console)
        led = await browser.get("/console/sign-in/provider")
        address = httpx.URL(led.headers["location"]).copy_set_param("nonce", "another")
        back = await sign_in_at_provider(browser, str(address), "ada")
        await refused_with(console, await browser.get(back), "nonce")


async def test_an_answer_with_another_state_signs_nobody_in(
    real: RealProvider, tmp_path: Path
) -> None:
    """Nor one that another browser set out for, which is how one is tricked into an account."""
    async with console_with(tmp_path, real.issuer) as console:
        attacker, victim = open_browser(console), open_browser(console)
        led = await attacker.get("/console/sign-in/provider")
        back = await sign_in_at_provider(attacker, led.headers["location"], "ada")
        page = await refused_with(console, await victim.get(back), "state")
        assert "not begun in this browser" in page
        changed = httpx.URL(back).copy_set_param("state", "0" * 64)
        assert (await attacker.get(changed)).status_code == 403
        assert (await attacker.get(back)).status_code == 403


async def test_a_code_works_once(real: RealProvider, tmp_path: Path) -> None:
    """An answer that is sent again finds no sign-in on its way."""
    async with console_with(tmp_path, real.issuer) as console:
        browser = open_browser(console)
        led = await browser.get("/console/sign-in/provider")
        cookie = browser.cookies["consentry_provider"]
        back = await sign_in_at_provider(browser, led.headers["location"], "ada")
        assert (await browser.get(back)).status_code == 303
        assert (await browser.get(back)).status_code == 403
        browser.cookies.set("consentry_provider", cookie, domain=HOST)
        assert (await browser.get(back)).status_code == 403
        assert "invalid_grant" in str((await console.refusals())[0][1])


async def test_a_wrong_client_secret_is_told(real: RealProvider, tmp_path: Path) -> None:
    """The audit says what the provider answered; the secret is nowhere."""
    async with console_with(tmp_path, real.issuer, secret="wrong one") as console:
        _, answer = await come_back(console, "ada")
        page = await refused_with(console, answer, "invalid_client")
        assert "wrong one" not in page


async def test_who_turns_back_at_the_provider_is_told_so(
    real: RealProvider, tmp_path: Path
) -> None:
    """Canceled there: nothing happened here."""
    async with console_with(tmp_path, real.issuer) as console:
        browser = open_browser(console)
        led = await browser.get("/console/sign-in/provider")
        answer = await browser.get(led.headers["location"])
        page = await browser.get(str(answer.url.join(answer.headers["location"])))
        abort = page.text.partition('href="')[2].partition('"')[0]
        assert abort.endswith("/abort"), page.text
        answer = await browser.get(str(page.url.join(abort)))
        answer = await browser.get(str(answer.url.join(answer.headers["location"])))
        answer = await browser.get(answer.headers["location"])
        page_text = await refused_with(console, answer, "canceled at the provider")
        assert "was canceled there" in page_text


async def test_a_provider_that_is_down_is_told_and_the_password_works(tmp_path: Path) -> None:
    """The sign-in page says so; whoever has a password or a link still comes in."""
    async with console_with(tmp_path, "http://127.0.0.1:1") as console:
        browser = console.browser()
        answer = await browser.get("/console/sign-in/provider")
        page = await refused_with(console, answer, "does not answer")
        assert "Company sign-in does not answer." in page
        assert (await browser.get(await console.make_link())).status_code == 303


async def test_a_sign_in_that_took_too_long_begins_again(
    real: RealProvider, tmp_path: Path
) -> None:
    """After ten minutes the answer finds no sign-in on its way."""
    async with console_with(tmp_path, real.issuer) as console:
        assert isinstance(console.clock, FakeClock)
        browser = open_browser(console)
        led = await browser.get("/console/sign-in/provider")
        back = await sign_in_at_provider(browser, led.headers["location"], "ada")
        console.clock.advance(601)
        await refused_with(console, await browser.get(back), "state")
