"""Signing in and out as a browser does: by password, by link, and what is refused."""

import asyncio
from pathlib import Path

import httpx
import msgspec
import pytest
from accounts import (
    ADMIN,
    COOKIE,
    FOREIGN_AGENT,
    HOST,
    LIMITS,
    NO_ACCESS,
    NOW,
    PASSWORD,
    Console,
    hash_of_password,
    open_console,
    read_form_token,
)
from argon2 import PasswordHasher

from consentry.actions.keep_agents import SaveAgent, SetPassword
from consentry.console.passwords import hash_password
from consentry.domain.entries import ActorKind, EntryKind
from consentry.ports import Page

pytestmark = pytest.mark.integration

NOBODYS = "no agent has this email"
WRONG = "Email and password do not belong together."


async def sign_in(
    browser: httpx.AsyncClient, email: str = ADMIN, password: str = PASSWORD, **more: str
) -> httpx.Response:
    """Send the sign-in form."""
    form = {"email": email, "password": password, "next": "/console", **more}
    return await browser.post("/console/sign-in", data=form)


async def test_who_is_not_signed_in_is_led_to_sign_in_and_back(console: Console) -> None:
    """The page first asked for is opened after signing in, with its query."""
    async with console.browser() as browser:
        led = await browser.get("/console/account?done=password")
        assert (led.status_code, led.headers["location"]) == (
            303,
            "/console/sign-in?next=%2Fconsole%2Faccount%3Fdone%3Dpassword",
        )
        page = await browser.get(led.headers["location"])
        assert page.status_code == 200
        assert 'value="/console/account?done=password"' in page.text
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        answer = await sign_in(browser, next="/console/account?done=password")
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/console/account?done=password",
        )
        assert (await browser.get(answer.headers["location"])).status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/console",
        "/\\evil.example",
        "/console\\..\\x",
        "javascript:alert(1)",
        "/console/sign-out",
        "/console/sign-in?token=x",
        "/consolex",
        "/v1/keys",
        "/console\r\nSet-Cookie: a=b",
        "",
    ],
)
async def test_only_own_pages_are_led_to(console: Console, elsewhere: str) -> None:
    """Whatever `next` says, the way leads to a page of the console."""
    async with console.browser() as browser:
        form = {"token": (await console.make_link()).partition("token=")[2], "next": elsewhere}
        answer = await browser.post("/console/sign-in", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")
        again = await browser.get("/console/sign-in", params={"next": elsewhere})
        assert (again.status_code, again.headers["location"]) == (303, "/console")


async def test_a_session_is_kept_as_a_hash_and_lasts_its_time(console: Console) -> None:
    """The cookie is for this host, HTTP only, lax; the store never learns what is in it."""
    async with console.browser() as browser:
        answer = await sign_in(browser)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Max-Age=43200" in cookie
        assert "Secure" not in cookie
        secret = browser.cookies[COOKIE]
        (session,) = await console.store.read_sessions(console.agents[ADMIN].id)
        assert secret not in str(session)
        assert (session.address, session.user_agent) == ("192.0.2.7", "Firefox")
        assert (await browser.get("/console/account")).status_code == 200
        console.clock.advance(12 * 3600)
        assert (await browser.get("/console/account")).status_code == 303


async def test_over_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    """`__Host-` and Secure over https, also where a proxy before us speaks it; no other counts."""
    for scheme, public_url in (("https", None), ("http", f"https://{HOST}")):
        folder = tmp_path / scheme
        folder.mkdir()
        async with open_console(folder, public_url=public_url) as console:
            browser = console.browser(scheme=scheme)
            cookie = (await sign_in(browser)).headers["set-cookie"]
            assert cookie.startswith(f"__Host-{COOKIE}=")
            assert "Secure" in cookie
            assert "Path=/" in cookie
            assert "Domain" not in cookie
            secret = cookie.partition("=")[2].partition(";")[0]
            for name, status in ((f"__Host-{COOKIE}", 200), (COOKIE, 303)):
                headers = {"cookie": f"{name}={secret}"}
                other = console.browser(scheme=scheme, headers=headers)
                assert (await other.get("/console/account")).status_code == status


async def test_signing_in_gives_a_new_secret_and_ends_the_session_before(console: Console) -> None:
    """A secret that somebody else has put into the browser is worth nothing after it."""
    async with console.browser(headers={"cookie": f"{COOKIE}=chosen-by-somebody-else"}) as browser:
        answer = await sign_in(browser)
        assert "chosen-by-somebody-else" not in answer.headers["set-cookie"]
        assert (await browser.get("/console/account")).status_code == 303
    async with console.browser() as browser:
        await sign_in(browser)
        first = browser.cookies[COOKIE]
        await sign_in(browser)
        assert browser.cookies[COOKIE] != first
        old = console.browser(headers={"cookie": f"{COOKIE}={first}"})
        assert (await old.get("/console/account")).status_code == 303


@pytest.mark.parametrize(
    ("typed", "tried", "why"),
    [
        ((ADMIN, "wrong"), ADMIN, "wrong password"),
        ((ADMIN, ""), ADMIN, "wrong password"),
        (("  ADMIN@Example.org ", "wrong"), ADMIN, "wrong password"),
        (("unknown@example.org", PASSWORD), "unknown@example.org", NOBODYS),
        ((PASSWORD, ""), "something that is no email address", NOBODYS),
        (("", ""), "something that is no email address", NOBODYS),
    ],
)
async def test_a_wrong_password_and_an_unknown_email_look_alike(
    console: Console, typed: tuple[str, str], tried: str, why: str
) -> None:
    """The page says the same of both; the audit says which, and never a password."""
    async with console.browser() as browser:
        answer = await sign_in(browser, *typed)
        assert answer.status_code == 401
        assert WRONG in answer.text
        assert "set-cookie" not in answer.headers
        assert (await browser.get("/console")).status_code == 303
    assert await console.refusals() == [(f"{tried} by password from 192.0.2.7", why)]
    told = msgspec.json.encode(await console.audit()).decode()
    assert PASSWORD not in told


async def test_who_has_no_password_is_not_let_in_by_one(console: Console) -> None:
    """Not by an empty one either; it looks as any wrong one does."""
    await console.store.submit(SetPassword(console.agents[ADMIN].id, None))
    async with console.browser() as browser:
        for password in ("", "None", PASSWORD):
            answer = await sign_in(browser, password=password)
            assert (answer.status_code, WRONG in answer.text) == (401, True)
    assert {why for _, why in await console.refusals()} == {"the agent has no password"}


async def test_who_is_disabled_is_told_so_once_they_have_shown_who_they_are(
    console: Console,
) -> None:
    """With the right password only: a wrong one tells nothing."""
    agent = msgspec.structs.replace(console.agents[FOREIGN_AGENT], disabled_at=NOW)
    await console.store.submit(SaveAgent(agent))
    async with console.browser() as browser:
        answer = await sign_in(browser, FOREIGN_AGENT)
        assert answer.status_code == 403
        assert "is disabled. Ask an admin" in answer.text
        assert "disabled" not in (await sign_in(browser, FOREIGN_AGENT, "wrong")).text
    reasons = [why for _, why in await console.refusals()]
    assert reasons == ["wrong password", f"{FOREIGN_AGENT} is disabled."]


async def test_a_password_is_the_same_however_its_accents_were_typed(console: Console) -> None:
    """Composed or not, and with an old hash it comes in and is hashed anew."""
    agent = console.agents[ADMIN]
    await console.store.submit(SetPassword(agent.id, hash_password("Z\u00fcrich am See liegt")))
    async with console.browser() as browser:
        answer = await sign_in(browser, password="Zu\u0308rich am See liegt")
        assert answer.status_code == 303


async def test_a_hash_with_older_parameters_is_renewed_at_sign_in(console: Console) -> None:
    """Its owner comes in, and the hash is made anew; the session goes on."""
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    agent = console.agents[ADMIN]
    await console.store.submit(SetPassword(agent.id, weak))
    async with console.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
        # What is posted is carried out before what is submitted after it.
        await console.store.submit(SetPassword(console.agents[NO_ACCESS].id, None))
        renewed = next(a for a in await console.store.read_agents() if a.id == agent.id)
        assert renewed.password_hash is not None
        assert renewed.password_hash != weak
        assert renewed.password_hash.split("$")[3] == hash_of_password().split("$")[3]
        assert (await browser.get("/console/account")).status_code == 200


async def test_too_many_tries_for_one_account_wait(console: Console) -> None:
    """From wherever they come; the page says until when, a link still works, and time heals."""
    browsers = [console.browser(address=f"192.0.2.{host}") for host in range(5)]
    for browser in browsers[: LIMITS.per_account]:
        assert (await sign_in(browser, password="wrong")).status_code == 401
    for browser in browsers[LIMITS.per_account :]:
        console.clock.advance(60)
        answer = await sign_in(browser)
        assert answer.status_code == 429
    assert answer.headers["retry-after"] == "780"
    assert "Try again in 13 minutes, at 12:15:00 UTC." in answer.text
    told = [why for _, why in await console.refusals()]
    assert told == ["too many tries", *["wrong password"] * LIMITS.per_account]
    link = await console.make_link()
    assert (await browsers[-1].get(link)).status_code == 303
    async with console.browser() as browser:
        console.clock.advance(780)
        assert (await sign_in(browser)).status_code == 303


async def test_too_many_tries_from_one_address_wait(console: Console) -> None:
    """Whichever accounts they are for, links among them; another address is not held up."""
    async with console.browser() as browser:
        for count in range(LIMITS.per_address - 1):
            await sign_in(browser, f"guess-{count}@example.org")
        unknown = await browser.get("/console/sign-in?token=guessed")
        assert unknown.status_code == 401
        assert (await sign_in(browser)).status_code == 429
        link = await console.make_link()
        assert (await browser.get(link)).status_code == 429
    async with console.browser(address="192.0.2.8") as other:
        assert (await other.get(link)).status_code == 303


async def test_a_right_password_gives_all_tries_back(console: Console) -> None:
    """Who mistypes now and then is never held up."""
    async with console.browser() as browser:
        for _ in range(2):
            for _ in range(LIMITS.per_account - 1):
                assert (await sign_in(browser, password="wrong")).status_code == 401
            assert (await sign_in(browser)).status_code == 303


async def test_a_link_signs_in_at_once_and_only_once(console: Console) -> None:
    """Opened in a browser it leads to the console; the second time it says that it was used."""
    link = await console.make_link()
    async with console.browser(headers={"sec-fetch-site": "none"}) as browser:
        answer = await browser.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")
        assert answer.headers["cache-control"] == "no-store"
    async with console.browser() as other:
        answer = await other.get(link)
        assert answer.status_code == 401
        assert "This sign-in link was used already." in answer.text
    assert await console.refusals() == [
        ("somebody by link from 192.0.2.7", "This sign-in link was used already.")
    ]


async def test_two_browsers_with_one_link_let_one_in(console: Console) -> None:
    """Also at the same moment."""
    link = await console.make_link()
    answers = await asyncio.gather(*(console.browser().get(link) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 401, 401, 401, 401]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"sec-purpose": "prefetch;prerender"}),
        ("GET", {"purpose": "prefetch"}),
        ("GET", {"sec-fetch-site": "cross-site"}),
    ],
)
async def test_a_preview_does_not_use_a_link_up(
    console: Console, method: str, headers: dict[str, str]
) -> None:
    """It gets a button; pressing it signs in."""
    link = await console.make_link()
    async with console.browser(headers=headers) as preview:
        answer = await preview.request(method, link)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    async with console.browser(headers={"sec-fetch-site": "same-origin"}) as browser:
        token = link.partition("token=")[2]
        answer = await browser.post("/console/sign-in", data={"token": token})
        assert answer.status_code == 303
        assert (await browser.get("/console/account")).status_code == 200


async def test_a_link_does_not_sign_somebody_in_over_somebody_else(console: Console) -> None:
    """Who is signed in already is asked first, so that no page can swap who they are."""
    browser = await console.signed_in(ADMIN)
    link = await console.make_link(FOREIGN_AGENT)
    page = await browser.get(link)
    assert page.status_code == 200
    assert f"You are signed in as {ADMIN}." in page.text
    assert ADMIN in (await browser.get("/console/account")).text
    await browser.post("/console/sign-in", data={"token": link.partition("token=")[2]})
    assert FOREIGN_AGENT in (await browser.get("/console/account")).text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": f"http://{HOST}"}, 303),
        ({"origin": f"https://{HOST}"}, 303),
        ({}, 303),
    ],
)
async def test_a_form_from_another_site_is_not_taken(
    console: Console, headers: dict[str, str], status: int
) -> None:
    """Neither to sign in nor, with the right token, to sign out."""
    async with console.browser(headers=headers) as browser:
        form = {"token": (await console.make_link()).partition("token=")[2]}
        answer = await browser.post("/console/sign-in", data=form)
        assert answer.status_code == status
    inside = await console.signed_in()
    token = await read_form_token(inside)
    answer = await inside.post("/console/sign-out", data={"form_token": token}, headers=headers)
    assert answer.status_code == status


async def test_signing_out_ends_the_session_and_forgets_the_cookie(console: Console) -> None:
    """With the form's token only; the secret is worth nothing afterwards."""
    browser = await console.signed_in()
    secret, token = browser.cookies[COOKIE], await read_form_token(browser)
    assert (await browser.post("/console/sign-out", data={})).status_code == 403
    wrong = {"form_token": token[:-1] + ("0" if token[-1] != "0" else "1")}
    assert (await browser.post("/console/sign-out", data=wrong)).status_code == 403
    answer = await browser.post("/console/sign-out", data={"form_token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    thief = console.browser(headers={"cookie": f"{COOKIE}={secret}"})
    assert (await thief.get("/console/account")).status_code == 303
    newest = (await console.audit())[0]
    assert (newest.kind, newest.text) == (EntryKind.SIGNED_OUT, "signed out from 192.0.2.7")
    assert newest.actor.kind is ActorKind.AGENT


async def test_one_sessions_token_is_not_anothers(console: Console) -> None:
    """A form of one agent cannot be sent by another."""
    mine, theirs = await console.signed_in(ADMIN), await console.signed_in(FOREIGN_AGENT)
    token = await read_form_token(theirs)
    assert (await mine.post("/console/sign-out", data={"form_token": token})).status_code == 403


async def test_who_has_no_access_is_told_whom_to_ask(console: Console) -> None:
    """Every page says so, with 403, and signing out works."""
    browser = await console.signed_in(NO_ACCESS)
    for path in ("/console", "/console/account"):
        page = await browser.get(path)
        assert page.status_code == 403
        assert "Ask an admin" in page.text
    token = await read_form_token(browser, "/console")
    answer = await browser.post("/console/sign-out", data={"form_token": token})
    assert answer.status_code == 303


async def test_sign_ins_are_in_the_audit_and_secrets_are_not(console: Console) -> None:
    """Who, how and from where; neither the link's secret nor the session's."""
    browser = await console.signed_in()
    newest = (await console.audit())[0]
    assert (newest.kind, newest.text) == (
        EntryKind.SIGNED_IN,
        f"{ADMIN} by link from 192.0.2.7",
    )
    told = msgspec.json.encode(await console.audit()).decode()
    assert browser.cookies[COOKIE] not in told
    assert "link-1" not in told
    mine = await console.store.read_audit(Page(), agent=console.agents[ADMIN].id)
    assert newest in mine


async def test_forms_that_cannot_be_read_are_told_so(console: Console) -> None:
    """Too large, or no form at all: a page says what is wrong."""
    async with console.browser() as browser:
        large = await browser.post("/console/sign-in", data={"email": "x" * 20_000})
        assert (large.status_code, "larger than" in large.text) == (413, True)
        broken = await browser.post("/console/sign-in", content=b"email=%zz")
        assert (broken.status_code, "cannot be read" in broken.text) == (400, True)
