"""The settings as admins use them: forms that are read from pages and sent back, filled in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import httpx
from accounts import ADMIN, NOW, Console, open_console, read_form_token

from consentry.actions.administer import SaveCarrier, SaveProgram, SaveSender
from consentry.actions.keep_agents import SaveAgent
from consentry.domain.agents import Agent, Role
from consentry.domain.directory import Program, Purpose, Sender
from consentry.domain.entries import EntryKind
from consentry.domain.reading import SenderKind
from consentry.ports import CarrierAccount

SECOND_ADMIN: Final = "second@example.org"
ACME_ADMIN: Final = "acme@example.org"
COMPLIANCE: Final = "compliance@example.org"
AGENT: Final = "agent@example.org"
MORE_AGENTS: Final[dict[str, tuple[Role, tuple[str, ...]]]] = {
    SECOND_ADMIN: (Role.ADMIN, ()),
    ACME_ADMIN: (Role.ADMIN, ("acme",)),
    COMPLIANCE: (Role.COMPLIANCE, ()),
    AGENT: (Role.AGENT, ()),
}
ACCOUNT: Final = CarrierAccount("fake", "twilio", "AC1", "topsecret", "https://carrier.example")
TOLL_FREE: Final = Sender("+18335550102", SenderKind.TOLL_FREE, "acme", "fake")
SHORT_CODE: Final = Sender("55555", SenderKind.SHORT_CODE, "acme", "fake")
NAME: Final = Sender("Acme Shop", SenderKind.ALPHANUMERIC, "acme", "fake")
PROMO: Final = Program("promo", "acme", Purpose.MARKETING, "Deals")
SETTINGS: Final = "/console/settings"


@dataclass
class Shown(HTMLParser):
    """A page as a person sees it: its text, and the forms with what stands in them."""

    status: int
    text: str = ""
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    disabled: set[str] = field(default_factory=set)
    invalid: set[str] = field(default_factory=set)
    location: str = ""
    _field: str = ""
    _area: list[str] | None = None

    def __post_init__(self) -> None:
        """Begin to read."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take fields, links and what is to be copied."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        if "data-copy" in values:
            self.copies.append(values["data-copy"])
        if tag == "a":
            self.links.append(values.get("href", ""))
        if tag == "button":
            self.buttons.append(values)
        if tag in {"input", "select", "textarea", "option"}:
            self._take_field(tag, values)

    def _take_field(self, tag: str, values: dict[str, str]) -> None:
        name = values.get("name", "")
        if "disabled" in values:
            self.disabled.add(name)
        if values.get("aria-invalid") == "true":
            self.invalid.add(name)
        if tag == "input" and name and (values.get("type") != "checkbox" or "checked" in values):
            self._put(name, values.get("value", ""))
        if tag == "select":
            self._field = name
        if tag == "option" and ("selected" in values or self._field not in self._form):
            self._form[self._field] = [values.get("value", "")]
        if tag == "textarea":
            self._field, self._area = name, []

    def handle_endtag(self, tag: str) -> None:
        """Take what stands in a text area."""
        if tag == "textarea" and self._area is not None:
            # The first line end of a text area is not part of it.
            self._put(self._field, "".join(self._area).removeprefix("\n"))
            self._area = None

    def handle_data(self, data: str) -> None:
        """Take the text."""
        if self._area is not None:
            self._area.append(data)
        self.text = " ".join(f"{self.text} {data}".split())

    @property
    def _form(self) -> dict[str, list[str]]:
        return self.forms[-1] if self.forms else {}

    def _put(self, name: str, value: str) -> None:
        self._form.setdefault(name, []).append(value)

    def form_with(self, name: str) -> dict[str, list[str]]:
        """Find the form that has a field."""
        return next(form for form in self.forms if name in form)

    def value(self, name: str) -> str:
        """Give what stands in a field."""
        return self.form_with(name)[name][0]


def read_page(answer: httpx.Response) -> Shown:
    """Read an answer."""
    shown = Shown(answer.status_code, location=answer.headers.get("location", ""))
    shown.feed(answer.text)
    return shown


@dataclass
class Desk:
    """Somebody at the console."""

    browser: httpx.AsyncClient

    async def open(self, path: str) -> Shown:
        """Open a page of the settings."""
        return read_page(await self.browser.get(f"{SETTINGS}{path}"))

    async def send(
        self, shown: Shown, path: str, form: Mapping[str, str | list[str]], *, of: str = "seen"
    ) -> Shown:
        """Fill a form of a page in, as a browser does, and send it; `of` is a field of it.

        The form may be another agent's: it then carries the token of the one who sends it.
        """
        data = {name: list(values) for name, values in shown.form_with(of).items()}
        data["form_token"] = [await read_form_token(self.browser)]
        for name, value in form.items():
            data[name] = [value] if isinstance(value, str) else value
        return read_page(await self.browser.post(f"{SETTINGS}{path}", data=data))

    async def change(self, path: str, **form: str | list[str]) -> Shown:
        """Open a form and send it, filled in anew."""
        return await self.send(await self.open(path), path, form)

    async def follow(self, shown: Shown) -> Shown:
        """Go where an answer leads."""
        assert shown.status == 303, shown.text
        return read_page(await self.browser.get(shown.location))


@dataclass
class World:
    """The console, and who sits at it."""

    console: Console

    async def desk(self, email: str = ADMIN) -> Desk:
        """Let somebody sign in."""
        return Desk(await self.console.signed_in(email))

    async def told(self) -> list[str]:
        """List what the audit tells of settings, newest first."""
        entries = await self.console.audit()
        return [e.text or "" for e in entries if e.kind is EntryKind.SETTING_CHANGED]


@asynccontextmanager
async def open_world(folder: Path, *, public_url: str | None = None) -> AsyncIterator[World]:
    """A console with senders of every kind and admins of every reach."""
    async with open_console(folder, public_url=public_url) as console:
        store = console.store
        await store.submit(SaveCarrier(ACCOUNT))
        for sender in (TOLL_FREE, SHORT_CODE, NAME):
            await store.submit(SaveSender(sender))
        await store.submit(SaveProgram(PROMO))
        for email, (role, brands) in MORE_AGENTS.items():
            name = email.partition("@")[0].title()
            made = await store.submit(SaveAgent(Agent("", email, name, role, NOW, brands)))
            console.agents[email] = made
        yield World(console)
