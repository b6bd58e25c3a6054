"""A PostgreSQL of its own for each test, a server and a carrier in processes of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fault_judge import Counts
from real_processes import Running
from real_site import Site, find_free_port, prepared_site

from postgres_server import PostgresServer, running_postgres

SETTINGS = {"CONSENTRY_RECONCILE_GRACE_SECONDS": "1", "CONSENTRY_SECRET_KEY": "f" * 48}


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    """Run a PostgreSQL that a test may break as it likes."""
    with running_postgres(port=find_free_port()) as server:
        yield server


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., tuple[Site, Running]]]:
    """Give a way to start a server on a database's URL, with a carrier beside it."""
    with ExitStack() as until:

        def make(url: str, *words: str, **more: str) -> tuple[Site, Running]:
            settings = {**SETTINGS, "CONSENTRY_DATABASE": url, **more}
            site = until.enter_context(prepared_site(tmp_path, settings))
            return site, site.start(until, *words)

        yield make


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[Counts], None]:
    """Give a way to print counts now, and in one table when the whole run is over."""

    def tell_counts(counts: Counts) -> None:
        print(f"{counts.fault}: {counts.line()}")  # noqa: T201 - shown with -s, and where it fails
        request.node.user_properties.append(("fault", f"{counts.fault}: {counts.line()}"))

    return tell_counts
