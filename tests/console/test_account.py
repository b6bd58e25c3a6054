"""An agent's own account: the password, and where they are signed in."""

import httpx
import pytest
from accounts import (
    ADMIN,
    COOKIE,
    FOREIGN_AGENT,
    LIMITS,
    PASSWORD,
    Console,
    read_form_token,
)

from consentry.actions.keep_agents import SetPassword
from consentry.console.account import name_browser
from consentry.domain.entries import EntryKind

pytestmark = pytest.mark.integration

NEW = "another good one"


async def change(
    browser: httpx.AsyncClient, present: str = PASSWORD, new: str = NEW, again: str | None = None
) -> httpx.Response:
    """Send the form that changes the password."""
    form = {
        "form_token": await read_form_token(browser),
        "present": present,
        "password": new,
        "again": new if again is None else again,
    }
    return await browser.post("/console/account/password", data=form)


async def end(browser: httpx.AsyncClient, session: str) -> httpx.Response:
    """Press one of the buttons that end sessions."""
    form = {"form_token": await read_form_token(browser), "session": session}
    return await browser.post("/console/account/sessions", data=form)


async def test_the_account_says_who_one_is_here(console: Console) -> None:
    """Name, email, role and brands, as others see them."""
    page = (await (await console.signed_in(FOREIGN_AGENT)).get("/console/account")).text
    for part in (FOREIGN_AGENT, "Foreign", "Agent, for Other."):
        assert part in page
    assert "for every brand" in (await (await console.signed_in()).get("/console/account")).text


async def test_a_new_password_ends_every_other_session(console: Console) -> None:
    """This browser goes on with a new secret; the old password and sessions are worth nothing."""
    mine, other = await console.signed_in(), await console.signed_in()
    link = await console.make_link()
    before = mine.cookies[COOKIE]
    answer = await change(mine)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/console/account?done=password",
    )
    page = await mine.get(answer.headers["location"])
    assert "Your password is changed." in page.text
    assert mine.cookies[COOKIE] != before
    thief = console.browser(headers={"cookie": f"{COOKIE}={before}"})
    for gone in (other, thief):
        assert (await gone.get("/console/account")).status_code == 303
    fresh = console.browser()
    assert (await fresh.get(link)).status_code == 401
    for password, status in ((PASSWORD, 401), (NEW, 303)):
        form = {"email": ADMIN, "password": password}
        assert (await fresh.post("/console/sign-in", data=form)).status_code == status
    told = [entry.text or "" for entry in await console.audit()]
    assert f"agent {ADMIN} changed: password changed, all sessions ended" in told
    assert not any(PASSWORD in text or NEW in text for text in told)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("wrong", NEW, NEW), "The present password is not right."),
        (("", NEW, NEW), "The present password is not right."),
        ((PASSWORD, "too short", "too short"), "Use at least 12 characters."),
        ((PASSWORD, ADMIN, ADMIN), "Use something other than your name or email."),
        ((PASSWORD, NEW, NEW + "x"), "The two new passwords are not the same."),
    ],
)
async def test_a_password_that_cannot_be_changed_says_why(
    console: Console, typed: tuple[str, str, str], told: str
) -> None:
    """Nothing ends, nothing is stored, and no password is shown again."""
    browser, other = await console.signed_in(), await console.signed_in()
    answer = await change(browser, *typed)
    assert answer.status_code == 422
    assert told in answer.text
    assert PASSWORD not in answer.text
    assert NEW not in answer.text
    assert (await other.get("/console/account")).status_code == 200
    kept = {agent.id: agent for agent in await console.store.read_agents()}
    assert kept[console.agents[ADMIN].id] == console.agents[ADMIN]


async def test_the_present_password_cannot_be_guessed_here_either(console: Console) -> None:
    """Tries count like those at the sign-in page."""
    browser = await console.signed_in()
    for _ in range(LIMITS.per_account):
        assert (await change(browser, "guess")).status_code == 422
    answer = await change(browser)
    assert answer.status_code == 429
    assert "retry-after" in answer.headers
    console.clock.advance(LIMITS.window_seconds)
    assert (await change(browser)).status_code == 303


async def test_who_has_no_password_sets_the_first(console: Console) -> None:
    """Who came by a link or through a provider has none to be asked for."""
    await console.store.submit(SetPassword(console.agents[ADMIN].id, None))
    browser = await console.signed_in()
    page = (await browser.get("/console/account")).text
    assert "You have none yet: you sign in by link." in page
    assert "Present password" not in page
    assert (await change(browser, present="")).status_code == 303
    form = {"email": ADMIN, "password": NEW}
    assert (await console.browser().post("/console/sign-in", data=form)).status_code == 303


async def test_sessions_are_listed_and_ended_one_by_one(console: Console) -> None:
    """One's own only; the one that asks is marked, and has no button."""
    mine, other = await console.signed_in(), await console.signed_in()
    foreign = await console.signed_in(FOREIGN_AGENT)
    page = (await mine.get("/console/account")).text
    assert page.count(">Firefox<") == 2
    assert page.count("this one") == 1
    newest, _ = await console.store.read_sessions(console.agents[ADMIN].id)
    assert (await end(mine, newest.id)).status_code == 303
    assert (await other.get("/console/account")).status_code == 303
    assert (await mine.get("/console/account")).status_code == 200
    (theirs,) = await console.store.read_sessions(console.agents[FOREIGN_AGENT].id)
    answer = await end(mine, theirs.id)
    assert answer.status_code == 404
    assert (await foreign.get("/console/account")).status_code == 200
    entry = (await console.audit())[0]
    assert (entry.kind, entry.text) == (
        EntryKind.SESSION_REVOKED,
        f"a session of {ADMIN} from 192.0.2.7",
    )


async def test_all_other_sessions_end_at_once(console: Console) -> None:
    """This one goes on."""
    mine = await console.signed_in()
    others = [await console.signed_in() for _ in range(3)]
    assert (await end(mine, "others")).status_code == 303
    assert [(await other.get("/console/account")).status_code for other in others] == [303] * 3
    assert (await mine.get("/console/account")).status_code == 200
    assert (await console.audit())[0].text == f"all other sessions of {ADMIN}"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537.36 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140", "Chrome on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile Safari/537", "Chrome on Android"),
        ("Firefox/", "Firefox"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 100, "x" * 40),
        ("", "Unknown"),
    ],
)
def test_browsers_are_named_as_people_know_them(user_agent: str, name: str) -> None:
    """What is not known is shown as it names itself, cut short."""
    assert name_browser(user_agent) == name


async def test_what_a_browser_says_of_itself_is_shown_as_typed(console: Console) -> None:
    """It is anybody's text: it never becomes part of the page."""
    browser = console.browser(headers={"user-agent": "<script>alert(1)</script>"})
    await browser.get(await console.make_link())
    page = (await browser.get("/console/account")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
