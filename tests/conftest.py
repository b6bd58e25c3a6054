"""What all tests share: the counts by kind at the end, and no waiting on a lost server."""

from collections import Counter

import pytest
from hypothesis import settings

# How long one example takes on a shared machine says nothing about the code; the benchmark does.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

KINDS = ("unit", "property", "integration", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test says what kind it is, so that the counts at the end are of all of them."""
    unmarked = [item.nodeid for item in items if not any(item.get_closest_marker(k) for k in KINDS)]
    if unmarked:
        shown = "\n  ".join(unmarked[:10])
        raise pytest.UsageError(f"Mark these tests unit, property, integration or e2e:\n  {shown}")


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
