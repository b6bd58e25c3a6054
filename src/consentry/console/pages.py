"""The console's pages: people, their contact card, the timeline, and a composer that obeys."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from consentry.actions.check import check
from consentry.actions.outgoing import Draft
from consentry.actions.send_message import SendMessage
from consentry.console.sessions import SESSION_COOKIE, Sessions
from consentry.console.timeline import build_timeline, show_number
from consentry.domain.consent import PairState, pair_state
from consentry.domain.customers import Customer
from consentry.domain.directory import Sender
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.gate import Decision, Door
from consentry.domain.gate import Request as GateRequest
from consentry.domain.policy import Policy
from consentry.domain.reasons import Reason
from consentry.domain.standing import Standing
from consentry.ports import Clock, Delivery, MessageFilter, Page, Store
from consentry.wire.forms import FormError, parse_form

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_TYPES: Final = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_FORM_BYTES_MAX: Final = 65_536
_AGENT: Final = Actor(ActorKind.AGENT, "agent")
_THEIR_WORD: Final = (Reason.OPTED_OUT, Reason.CARRIER_BLOCKED, Reason.SUPPRESSED)
CHIPS: Final = {
    PairState.OPTED_IN: ("✓", "Subscribed", "subscribed"),
    PairState.OPTED_OUT: ("⊘", "Opted out", "opted-out"),
    PairState.CARRIER_BLOCKED: ("🔒", "Blocked by carrier", "opted-out"),
    PairState.NOT_ASKED: ("○", "Not asked", "not-asked"),
}

View = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class ConsoleServices:
    """What the pages need."""

    store: Store
    sessions: Sessions
    clock: Clock
    policy: Policy
    delivery: Delivery


class Console:
    """The pages with what they need; each method is a page."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("consentry.console", "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["number"] = show_number

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/", self.redirect_home),
            Route("/console/sign-in", self.sign_in),
            Route("/console/static/{name}", self.serve_static),
            Route("/console", self.private(self.list_people)),
            Route("/console/customers/{id}", self.private(self.show_customer)),
            Route("/console/customers/{id}/messages", self.private(self.send), methods=["POST"]),
        ]

    def private(self, page: View) -> View:
        """Let only those in who are signed in."""

        async def guarded(request: Request) -> Response:
            if not self._services.sessions.is_open(request.cookies.get(SESSION_COOKIE)):
                return self._render("sign_in.html", status=401)
            return await page(request)

        return guarded

    def _render(self, name: str, *, status: int = 200, **values: object) -> Response:
        page = self._templates.get_template(name).render(chips=CHIPS, **values)
        headers = {
            "Content-Security-Policy": _POLICY,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(page, status_code=status, headers=headers)

    async def redirect_home(self, request: Request) -> Response:
        """Lead from the bare address to the console."""
        del request
        return RedirectResponse("/console")

    async def sign_in(self, request: Request) -> Response:
        """Take a one-time link and open a session."""
        session = self._services.sessions.redeem(request.query_params.get("token", ""))
        if session is None:
            return self._render("sign_in.html", status=401, used=True)
        response = RedirectResponse("/console", status_code=303)
        response.set_cookie(
            SESSION_COOKIE,
            session,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def serve_static(self, request: Request) -> Response:
        """Serve our own style and script."""
        name = request.path_params["name"]
        if name not in _TYPES:
            return self._render("missing.html", status=404, what="file")
        content = (files("consentry.console") / "static" / name).read_bytes()
        return Response(content, media_type=_TYPES[name], headers={"Cache-Control": "no-cache"})

    async def list_people(self, request: Request) -> Response:
        """List customers, newest first, with the state of each number."""
        search = request.query_params.get("search", "").strip()
        customers = await self._services.store.read_customers(
            Page(limit=100), search=search or None
        )
        people = []
        for customer in customers:
            standings = [
                await self._services.store.read_standing(phone.normalized)
                for phone in customer.phones
            ]
            phones = list(zip(customer.phones, standings, strict=True))
            people.append((customer, phones))
        return self._render("people.html", people=people, search=search)

    async def show_customer(self, request: Request) -> Response:
        """Show the contact card, the timeline and the composer."""
        return await self._customer_page(request)

    async def _customer_page(
        self, request: Request, *, error: str = "", typed: str = "", status: int = 200
    ) -> Response:
        store = self._services.store
        customer = await store.read_customer(request.path_params["id"])
        if customer is not None and customer.merged_into is not None:
            return RedirectResponse(f"/console/customers/{customer.merged_into}")
        if customer is None:
            return self._render("missing.html", status=404, what="customer")
        senders = tuple(store.directory().senders.values())
        card, messages, entries = [], [], []
        for phone in customer.phones:
            standing = await store.read_standing(phone.normalized)
            card.append((phone, standing, _pairs(standing, senders)))
            wanted = MessageFilter(recipient=phone.normalized)
            messages += await store.read_messages(wanted, Page(limit=200))
            entries += await store.read_entries(phone.normalized, Page(limit=400))
        ways = await self._ways(customer, senders)
        session = request.cookies.get(SESSION_COOKIE, "")
        return self._render(
            "customer.html",
            status=status,
            customer=customer,
            card=card,
            items=build_timeline(messages, entries, await self._key_names()),
            ways=ways,
            why_not=_say_why_not(ways),
            form_token=self._services.sessions.form_token(session),
            error=error,
            typed=typed,
        )

    async def _key_names(self) -> dict[str, str]:
        return {key.id: key.name for key in await self._services.store.read_keys()}

    async def _ways(
        self, customer: Customer, senders: tuple[Sender, ...]
    ) -> list[tuple[str, str, Decision]]:
        """Ask the gate about every way to text this person, so that Send tells the truth."""
        ways = []
        for phone in customer.phones:
            for sender in senders:
                question = GateRequest(
                    recipient=phone.normalized, sender=sender.number, door=Door.CONSOLE
                )
                decision = await check(
                    question,
                    self._services.store,
                    self._services.policy,
                    self._services.clock.now(),
                )
                ways.append((sender.number, phone.normalized, decision))
        return ways

    async def send(self, request: Request) -> Response:
        """Send a text as an agent; the gate decides, and its refusal is shown as it is."""
        session = request.cookies.get(SESSION_COOKIE, "")
        try:
            form = parse_form(await _read_body(request))
        except FormError as error:
            message = f"The form cannot be read: {error}"
            return await self._customer_page(request, error=message, status=400)
        if not self._services.sessions.is_form_token(session, form.get("form_token") or ""):
            message = "This page was too old to send from. Try again."
            return await self._customer_page(request, error=message, status=403)
        sender, _, recipient = (form.get("way") or "").partition(" ")
        customer = await self._services.store.read_customer(request.path_params["id"])
        known = customer is not None and any(p.normalized == recipient for p in customer.phones)
        if not known:
            message = "Choose the number to send from and to."
            return await self._customer_page(request, error=message, status=400)
        body = form.get("body") or ""
        draft = Draft(
            recipient=recipient, sender=sender, body=body, actor=_AGENT, door=Door.CONSOLE
        )
        sent = await self._services.store.submit(SendMessage(draft))
        if sent.message is None:
            return await self._customer_page(
                request, error=sent.decision.detail, typed=body, status=403
            )
        self._services.delivery.wake()
        return RedirectResponse(request.url.path.removesuffix("/messages"), status_code=303)


async def _read_body(request: Request) -> bytes:
    """Read a form's bytes; raises FormError where there are more than any form of ours has."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES_MAX:
            raise FormError("body", f"it is larger than {_FORM_BYTES_MAX} bytes")
    return body


def _say_why_not(ways: list[tuple[str, str, Decision]]) -> str:
    """Say in one sentence why nothing can be sent: what the person said comes first."""
    denied = [decision for _, _, decision in ways if decision.reason is not None]
    if not denied:
        return "This customer has no phone yet."
    theirs = [one for one in denied if one.reason in _THEIR_WORD]
    return (theirs or denied)[0].detail


def _pairs(standing: Standing, senders: tuple[Sender, ...]) -> list[tuple[Sender, PairState, str]]:
    """List the senders this number has to do with: state, and since when and by what."""
    pairs = []
    for sender in senders:
        state = pair_state(standing, sender)
        if state is PairState.NOT_ASKED and len(senders) > 1:
            continue
        since = ""
        consent = standing.consent(sender.conversation)
        if consent is not None:
            since = consent.since.strftime("since %Y-%m-%d %H:%M UTC")
        pairs.append((sender, state, since))
    return pairs


def build_console(services: ConsoleServices) -> list[Route]:
    """Build the console's routes."""
    return Console(services).routes()
