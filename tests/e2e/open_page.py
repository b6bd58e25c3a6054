"""A page of the console that is open: its stream says when something changed."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests
from real_world import WAIT_SECONDS, eventually

QUIET_SECONDS = 2.5
"""What a page is told of comes within a second, so after this nothing old is on its way."""


def sign_in(url: str, console_link: str) -> requests.Session:
    """Sign in at a host by a link, as a browser does."""
    session = requests.Session()
    token = console_link.rpartition("#")[2].rpartition("=")[2]
    answer = session.post(
        f"{url}/console/sign-in",
        data={"token": token},
        headers={"Origin": url},
        allow_redirects=False,
        timeout=WAIT_SECONDS,
    )
    assert answer.status_code == 303, answer.text
    return session


@contextmanager
def open_page(url: str, console_link: str) -> Iterator[list[float]]:
    """Sign in at a host and open a page's stream there; gives when it was told, as it comes."""
    session = sign_in(url, console_link)
    with session.get(f"{url}/console/live", stream=True, timeout=60) as stream:
        assert stream.status_code == 200
        told: list[float] = []

        def listen() -> None:
            # Whatever the end makes of a read that waits.
            with suppress(Exception):
                for line in stream.iter_lines(chunk_size=1):
                    if line == b"event: changed":
                        told.append(time.time())  # noqa: PERF401 - each as it comes

        threading.Thread(target=listen, daemon=True).start()
        # The first word is for what happened before.
        eventually(lambda: told, "the page was told")
        yield told
        # Only so the read that waits ends now, and not with the next sign of life.
        stream.raw.connection.sock.shutdown(socket.SHUT_RDWR)


def wait_until_quiet(told: list[float]) -> int:
    """Wait until a page is told no more of what happened before; tell how often it was told."""
    eventually(lambda: time.time() - told[-1] > QUIET_SECONDS, "it is quiet")
    return len(told)
