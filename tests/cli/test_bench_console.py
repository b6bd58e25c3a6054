"""`consentry bench-console` from the outside: a small run opens every page and weighs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from consentry.cli.bench.console_pages import Subject, list_asked
from consentry.cli.bench.console_visit import find_linked
from consentry.console.app import PAGES

SUBJECT = Subject("cus_1", "cus_2", "+14155550142", "Ann Lee", "msg_1")


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "consentry", "bench-console", *options],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.e2e
def test_a_small_run_opens_and_weighs_every_page() -> None:
    """Each has a time with its goal and a weight, and each read of the store a time."""
    done = run("--quick", "--json")
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    for asked in list_asked(SUBJECT):
        page, weight = figures[f"page_{asked.name}"], figures[f"weight_{asked.name}"]
        assert page["value"] > 0
        assert page["at_most"] == asked.at_most
        assert "processor" in page["note"]
        assert weight["value"] > 10
        assert weight["at_most"] == 120
    assert sum(name.startswith("read_") for name in figures) > 15


@pytest.mark.unit
def test_every_measured_address_is_a_page_of_the_console() -> None:
    """No address is measured that the console does not have."""
    known = {f"/console{page.path}" for page in PAGES if page.method == "GET"}
    for asked in list_asked(SUBJECT):
        path = asked.path.partition("?")[0]
        shape = path.replace("cus_1", "{id}").replace("cus_2", "{id}")
        assert shape in known


@pytest.mark.unit
def test_a_file_is_weighed_once_however_often_it_is_linked() -> None:
    """Many icons are parts of one file; what is elsewhere is not ours."""
    page = """<link href="/console/static/1/console.css"><script src="/console/static/1/a.js">
    <use href="/console/static/1/icons.svg#icon-a"><use href="/console/static/1/icons.svg#icon-b">
    <a href="/console/audit"><link href="/console/static/1/console.css">"""
    assert [path.rpartition("/")[2] for path in find_linked(page)] == [
        "console.css",
        "a.js",
        "icons.svg",
    ]


@pytest.mark.integration
def test_a_folder_without_a_database_is_told(tmp_path: Path) -> None:
    """The error says how to make one."""
    done = run("--data", str(tmp_path))
    assert done.returncode == 1
    assert "consentry generate --data" in done.stderr
