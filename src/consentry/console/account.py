"""An agent's own account: who they are here, their password, where they are signed in."""

from typing import Final

from starlette.responses import RedirectResponse, Response

from consentry.actions.count_try import CountTry, ForgetTries
from consentry.actions.keep_agents import SetPassword
from consentry.actions.sign_in import (
    CloseSession,
    OpenSession,
    RevokeSession,
    RevokeSessionsOf,
    Way,
)
from consentry.console.pages import Page, Visit
from consentry.console.sessions import client_address
from consentry.domain.agents import find_password_fault
from consentry.domain.directory import Brand
from consentry.ports import Session

ACCOUNT: Final = "/console/account"
_ALL_OTHERS: Final = "others"
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_BROWSER_SHOWN_MAX: Final = 40


def name_browser(user_agent: str) -> str:
    """Name a browser as its owner would; what is not known is shown as it names itself, cut."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser is None or system is None:
        return browser or user_agent[:_BROWSER_SHOWN_MAX] or "Unknown"
    return f"{browser} on {system}"


def _first(words: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for word, name in words if word in user_agent), None)


async def show_account(visit: Visit) -> Response:
    """Show the account."""
    done = {"password": "Your password is changed. All other sessions have ended."}
    return await _show(visit, done=done.get(visit.query("done"), ""))


async def _show(visit: Visit, *, error: str = "", done: str = "", status: int = 200) -> Response:
    brands = (await visit.services.store.read_directory()).brands
    return visit.render(
        "account.html",
        status=status,
        brands=[_name(brands, brand) for brand in visit.agent.brands],
        sessions=await _list_open(visit),
        session=visit.session,
        name_browser=name_browser,
        error=error,
        done=done,
    )


def _name(brands: dict[str, Brand], brand: str) -> str:
    return brands[brand].name if brand in brands else brand


async def _list_open(visit: Visit) -> list[Session]:
    now = visit.services.clock.now()
    known = await visit.services.store.read_sessions(visit.agent.id)
    return [session for session in known if session.lets_in(visit.agent, now)]


async def change_password(visit: Visit) -> Response:
    """Change the password: the one there is must be known, and all other sessions end."""
    password, agent = visit.field("password"), visit.agent
    fault = find_password_fault(password, email=agent.email, name=agent.name)
    if fault is None and password != visit.field("again"):
        fault = "The two new passwords are not the same."
    if fault is not None:
        return await _show(visit, error=fault, status=422)
    refusal = await _check_present(visit)
    if refusal is not None:
        return refusal
    services = visit.services
    password_hash = await services.passwords.hash(password)
    await services.store.submit(SetPassword(agent.id, password_hash, visit.actor))
    secret, opening = services.sessions.prepare(visit.request)
    await services.store.submit(OpenSession(agent.id, Way.PASSWORD, password_hash, opening))
    response = visit.go(f"{ACCOUNT}?done=password")
    services.sessions.hand_out(response, visit.request, secret)
    return response


async def _check_present(visit: Visit) -> Response | None:
    """Check the password there is, counted like a sign-in; None where it is right."""
    agent, services = visit.agent, visit.services
    if agent.password_hash is None:
        return None
    command = CountTry(client_address(visit.request), agent.email, services.try_limits)
    wait = await services.store.submit(command)
    if wait is not None:
        error = f"There were too many tries. Try again in {wait.seconds} seconds."
        response = await _show(visit, error=error, status=429)
        response.headers["Retry-After"] = str(wait.seconds)
        return response
    verdict = await services.passwords.verify(visit.field("present"), agent.password_hash)
    if not verdict.is_right:
        return await _show(visit, error="The present password is not right.", status=422)
    await services.store.submit(ForgetTries(agent.email))
    return None


async def end_sessions(visit: Visit) -> Response:
    """End one of the agent's sessions, or all but this one."""
    chosen, services = visit.field("session"), visit.services
    if chosen == _ALL_OTHERS:
        command = RevokeSessionsOf(visit.agent.id, visit.actor, keep=visit.session.id)
        await services.store.submit(command)
    else:
        await services.store.submit(RevokeSession(chosen, visit.agent.id, visit.actor))
    return visit.go(ACCOUNT)


async def sign_out(visit: Visit) -> Response:
    """End this session."""
    await visit.services.store.submit(CloseSession(visit.session.id))
    response = RedirectResponse("/console/sign-in", status_code=303)
    visit.services.sessions.take_back(response, visit.request)
    return response


PAGES: Final = (
    Page(path="/account", view=show_account, permission=None),
    Page(path="/account/password", view=change_password, permission=None, method="POST"),
    Page(path="/account/sessions", view=end_sessions, permission=None, method="POST"),
    Page(path="/sign-out", view=sign_out, permission=None, needs_no_access=True, method="POST"),
)
