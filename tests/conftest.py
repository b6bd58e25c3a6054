"""What all tests share: the counts by kind at the end, and no waiting on a lost server."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import databases
from consentry.clock import SystemClock, SystemIds
from consentry.domain.policy import Policy
from consentry.store.postgres.store import PostgresStore
from consentry.store.sealing import SEALING
from fuzzing import INPUTS, Effort
from postgres_server import PostgresServer, running_postgres
from quick_disk import keep_files_there

# How long one example takes on a shared machine says nothing about the code; the benchmark does.
# Each run draws the same: what one run finds every run finds, and no other.
_SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("drawn anew", _SHARED)
settings.register_profile("drawn the same", _SHARED, derandomize=True)
settings.load_profile("drawn the same")

_TEMPLATE = "consentry_template"
_numbers = itertools.count(1)

TESTS = Path(__file__).parent
PURE = {"domain", "wire", "actions"}

KINDS = ("unit", "property", "integration", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test says what kind it is, so that the counts at the end are of all of them."""
    unmarked = [item.nodeid for item in items if not any(item.get_closest_marker(k) for k in KINDS)]
    if unmarked:
        shown = "\n  ".join(unmarked[:10])
        raise pytest.UsageError(f"Mark these tests unit, property, integration or e2e:\n  {shown}")
    # Each branch of the pure part is reached by the pure part's own tests. Noting which lines run
    # takes a test several times as long, so no other test does it.
    for item in items:
        if not PURE & set(item.path.relative_to(TESTS).parts[:1]):
            item.add_marker(pytest.mark.no_cover)
    # Files are handed out in this order: with real processes a file takes a minute, and one that
    # is left for the end keeps a single core waiting.
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(autouse=True)
def leaving_no_text_keys() -> Iterator[None]:
    """See that no test leaves keys behind: what the next ones write would be sealed with them."""
    yield
    assert SEALING.newest is None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests of each kind passed, failed and were skipped."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for kind in KINDS:
                if kind in report.keywords:
                    counts[kind][outcome] += 1
    terminalreporter.section("tests by kind")
    for kind, count in counts.items():
        told = ", ".join(f"{count[o]} {o}" for o in ("passed", "failed", "skipped"))
        terminalreporter.line(f"{kind}: {told}")
    _print_faults(terminalreporter)


def _print_faults(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each fault that was tried led to."""
    told = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == "fault" and report.when == "call"
    ]
    if told:
        terminalreporter.section("faults tried")
    for line in told:
        terminalreporter.line(str(line))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let everything be tested on PostgreSQL too, and parsers with more inputs."""
    parser.addoption("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.addoption("--inputs", type=int, default=INPUTS, help="how many each parser is given")


def pytest_configure(config: pytest.Config) -> None:
    """Give each parser as many inputs as was asked for, and files a quick place."""
    Effort.inputs = config.getoption("--inputs")
    keep_files_there()


@pytest.fixture(autouse=True)
def _chosen_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have the worlds of other tests open the database that was asked for."""
    if request.config.getoption("--database") == "postgres":
        databases.make_postgres[:] = [request.getfixturevalue("make_postgres")]
    yield
    databases.forget_postgres()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one PostgreSQL for all tests of this process."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """Make a database with all tables, which every test's is a copy of."""
    postgres_server.execute(f"CREATE DATABASE {_TEMPLATE}")
    store = PostgresStore.open(
        postgres_server.url(_TEMPLATE), clock=SystemClock(), ids=SystemIds(), policy=Policy()
    )
    asyncio.run(store.close())
    return _TEMPLATE


@pytest.fixture
def make_postgres(
    postgres_server: PostgresServer, postgres_template: str
) -> Iterator[Callable[[], str]]:
    """Give a way to make databases of one's own, with all tables and no rows; it gives URLs."""
    made: list[str] = []

    def make() -> str:
        name = f"test_{next(_numbers)}"
        postgres_server.copy_database(postgres_template, name)
        made.append(name)
        return postgres_server.url(name)

    yield make
    for name in made:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(make_postgres: Callable[[], str]) -> str:
    """Give the URL of a database of its own, with all tables and no rows."""
    return make_postgres()
