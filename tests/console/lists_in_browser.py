"""The console's lists served to a real browser, with people who opted in and out for a month."""

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from lists_world import ADMIN, ANN, LONG, NOW, TOLL_FREE, World, open_world
from playwright.sync_api import Browser, BrowserContext, Page

from consentry.actions.add_note import AddNote
from consentry.domain.agents import Agent
from consentry.domain.entries import Actor, ActorKind

BODIES: Final = (
    "hello",
    "STOP",
    "STOP",
    "please stop texting me",
    "wrong number",
    "START",
)
PATIENCE_MILLISECONDS: Final = 60_000
LONG_NAME: Final = "<b>Ann</b> \u05e9\u05dc\u05d5\u05dd 👩‍👩‍👧 " + "W" * 180


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a console full of lists from a thread of its own; gives its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    ready, ended = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(folder, listener, ready, ended)), daemon=True
    )
    thread.start()
    assert ready.wait(60)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    ended.set()
    thread.join(60)
    assert not thread.is_alive()


async def _serve(
    folder: Path, listener: socket.socket, ready: threading.Event, ended: threading.Event
) -> None:
    async with open_world(folder) as world:
        await _fill(world)
        config = uvicorn.Config(
            world.app, log_level="warning", ws="none", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        ready.set()
        await asyncio.to_thread(ended.wait)
        server.should_exit = True
        await serving


async def _fill(world: World) -> None:
    """Let a month pass, with a quiet week in it."""
    dice = random.Random(7)
    people = 0
    for back in range(29, 0, -1):
        if 10 <= back < 17:
            continue
        world.clock.time = NOW
        world.clock.advance(days=-back)
        for _ in range(dice.randrange(1, 4)):
            people += 1
            number, sender = f"+1212555{people:04}", dice.choice((LONG, TOLL_FREE))
            await world.text(dice.choice(BODIES), number, sender, after=dice.choice((0.004, 0.3)))
            await world.send("Are you there?", number, sender)
    world.clock.time = NOW
    await world.customer(LONG_NAME, ANN)
    await world.text("STOP", ANN)
    await world.store.submit(AddNote(ANN, LONG_NAME, Actor(ActorKind.AGENT, ADMIN.id)))


def sign_in(browser: Browser, url: str, who: Agent = ADMIN, **options: object) -> BrowserContext:
    """Open a window of an agent."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.add_cookies([{"name": "who", "value": who.id, "url": url}])
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    return context


def judge(page: Page) -> list[str]:
    """Name the rules of axe that a page breaks, and by what."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]


def is_too_wide(page: Page) -> bool:
    """Tell whether a page scrolls sideways."""
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(page.evaluate(wide)) > 0
