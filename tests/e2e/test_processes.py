"""The demo ends when it is told to and when its caller is gone; nothing outlives it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from real_processes import clean_environment, is_alive, read_descendants, running
from real_world import WAIT_SECONDS, check_clean, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-judges")]

_CALLER = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from real_processes import running
folder = Path(sys.argv[1])
words = ("demo", "--json", "--port", "0", "--data", str(folder / "data"))
with running(*words, folder=folder) as demo:
    print(json.dumps({**demo.told, "pid": demo.process.pid}), flush=True)
    time.sleep(600)
"""


def answers(url: str) -> bool:
    """Tell whether somebody answers at an address."""
    try:
        return requests.get(url, timeout=WAIT_SECONDS).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_server_and_carrier(tmp_path: Path, number: signal.Signals) -> None:
    """Asked to end, by a service manager or by Ctrl-C, it ends well and leaves a clean folder."""
    words = ("demo", "--json", "--port", "0", "--data", str(tmp_path / "data"))
    with running(*words, folder=tmp_path) as demo:
        children = read_descendants(demo.process.pid)
        assert answers(demo.told["url"] + "/healthz")
        assert answers(demo.told["simulator_url"] + "/healthz")
        # A browser that follows a page, or a program with open connections, must not hold it up.
        with requests.Session() as session:
            session.get(demo.told["url"] + "/healthz", timeout=WAIT_SECONDS)
            assert demo.stop(number) < demo.stop_seconds_promised
        assert not answers(demo.told["simulator_url"] + "/healthz")
        assert [pid for pid in children if is_alive(pid)] == []
        assert demo.said() == ""
    check_clean(tmp_path / "data")


def test_nothing_outlives_a_caller_that_is_killed(tmp_path: Path) -> None:
    """Where the tests themselves are killed, the demo and its carrier go by themselves."""
    command = [sys.executable, "-c", _CALLER, str(tmp_path), str(Path(__file__).parent)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as caller:
        told = json.loads(caller.stdout.readline() if caller.stdout else "")
        assert answers(told["simulator_url"] + "/healthz")
        os.kill(caller.pid, signal.SIGKILL)
        eventually(lambda: not is_alive(told["pid"]), "the demo has ended")
        eventually(lambda: not answers(told["simulator_url"] + "/healthz"), "its carrier has ended")
