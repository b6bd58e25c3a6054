"""A process shows that it lives exactly as long as it does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from consentry.hosting import Presence

pytestmark = pytest.mark.integration

OURS = f"test {os.getpid()}"
"""The names are the system's: another run of the tests on it has others."""

_CHILD = """
import sys
from consentry.hosting import Presence
presence = Presence(sys.argv[1])
print(presence.home, flush=True)
sys.stdin.read()
"""


@contextmanager
def living(name: str, *before: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a process that shows that it lives; gives its home too."""
    command = [*before, sys.executable, "-c", _CHILD, name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        try:
            yield child, child.stdout.readline().strip()
        finally:
            child.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_has_ended_is_gone(how: signal.Signals) -> None:
    """However it ended, and also before its parent has collected it."""
    with closing(Presence(f"{OURS} here")) as here, living(f"{OURS} there") as (child, home):
        assert home == here.home != ""
        assert not here.is_gone(f"{OURS} there")
        child.send_signal(how)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert here.is_gone(f"{OURS} there")


def test_a_process_that_is_stopped_is_not_gone() -> None:
    """It may go on at any moment."""
    with closing(Presence(f"{OURS} waits")) as here, living(f"{OURS} stopped") as (child, _):
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        assert not here.is_gone(f"{OURS} stopped")
        assert not here.is_gone(f"{OURS} waits")


def test_a_name_that_somebody_has_gives_no_home() -> None:
    """Nobody must take one process's end for another's."""
    with closing(Presence(f"{OURS} twice")) as first, closing(Presence(f"{OURS} twice")) as second:
        assert (first.home != "", second.home) == (True, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network namespace")
def test_another_network_namespace_is_another_home() -> None:
    """The names of one are not to be seen in the other."""
    inside = living(f"{OURS} inside", "unshare", "--net")
    with closing(Presence(f"{OURS} outside")) as here, inside as (_, home):
        assert home not in {"", here.home}
