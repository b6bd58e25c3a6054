"""A demo for each module of end-to-end tests, phones nobody has used, and no fault left on."""

from collections.abc import Iterator

import pytest
from console_windows import Windows, running_browser, sign_in
from load_world import SharedSite, running_site
from playwright.sync_api import Browser, StorageState
from real_world import Demo, fictional_phones, running_demo
from several_world import shared_database

from postgres_server import PostgresServer


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run one demo for all tests of a module; it must end well after them."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def phones() -> Iterator[str]:
    """Hand out phone numbers of fiction, each once."""
    return fictional_phones()


@pytest.fixture
def phone(phones: Iterator[str]) -> str:
    """Give a phone that no other test has used."""
    return next(phones)


@pytest.fixture
def faults(demo: Demo) -> Iterator[None]:
    """Switch off at the end whatever faults a test switched on."""
    yield
    demo.carrier.clear_faults()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run one Chromium for all tests of a module."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def agent(browser: Browser, demo: Demo) -> StorageState:
    """Sign the demo's agent in."""
    return sign_in(browser, demo.told["console_link"])


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Open windows, and see that none had an error."""
    windows = Windows(browser)
    yield windows
    windows.close()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    postgres_template: str,
) -> Iterator[SharedSite]:
    """Have a carrier, and a PostgreSQL that is set up for it; tests start servers as they like.

    Who starts one ends it, so that none is left that the next ones have to watch.
    """
    folder = tmp_path_factory.mktemp("site")
    with (
        shared_database(postgres_server, postgres_template) as name,
        running_site(folder, postgres_server.url(name)) as made,
    ):
        yield made
