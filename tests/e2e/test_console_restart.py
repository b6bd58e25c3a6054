"""Pages that are open while the server stops and comes back."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from console_windows import CHROMIUM, Windows, rows, running_browser, sign_in
from playwright.sync_api import expect
from real_processes import Running, running
from real_site import find_free_port
from real_world import Carrier

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-console-restart"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

LISTENERS = 12
PHONE = "+14155550142"


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    """Whatever was started is gone at the end."""
    with ExitStack() as started:
        yield started


def start(processes: ExitStack, folder: Path, port: int) -> Running:
    """Start the demo on its data."""
    words = ("demo", "--json", "--port", str(port), "--data", str(folder / "data"))
    return processes.enter_context(running(*words, folder=folder))


def test_open_pages_do_not_hold_the_server_and_come_back_with_it(
    processes: ExitStack, tmp_path: Path
) -> None:
    """It waits for nobody who listens; afterwards a page is live again by itself."""
    port = find_free_port()
    demo = start(processes, tmp_path, port)
    number = str(demo.told["senders"][0]["number"])
    with running_browser() as browser:
        windows = Windows(browser)
        state = sign_in(browser, demo.told["console_link"])
        Carrier(demo.told["simulator_url"]).type_heard(PHONE, number, "Before")
        page = windows.open(f"{demo.told['url']}/console", agent=state)
        expect(rows(page)).to_contain_text(["Before"])
        cookies = {cookie["name"]: cookie["value"] for cookie in state["cookies"]}
        for _ in range(LISTENERS):
            stream = requests.get(
                f"{demo.told['url']}/console/live?inbox", cookies=cookies, stream=True, timeout=60
            )
            processes.callback(stream.close)
            assert stream.status_code == 200
        demo.stop()
        # What uvicorn says where it had to cut off what was still open.
        assert "graceful shutdown exceeded" not in demo.said()
        again = start(processes, tmp_path, port)
        Carrier(again.told["simulator_url"]).type_heard(PHONE, number, "After")
        expect(rows(page)).to_contain_text(["After"])
        # What was asked for while nobody answered is noted by the library, as it should be.
        noted = ("htmx:", "Response Status Error Code 503")
        windows.errors[:] = [line for line in windows.errors if not line.startswith(noted)]
        windows.close()
