"""A page of the console that is open: its stream says when something changed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests


def sign_in(url: str, console_link: str) -> requests.Session:
    """Sign in at a host by a link, as a browser does."""
    session = requests.Session()
    token = console_link.rpartition("#")[2].rpartition("=")[2]
    answer = session.post(
        f"{url}/console/sign-in",
        data={"token": token},
        headers={"Origin": url},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 303, answer.text
    return session


@contextmanager
def open_page(url: str, console_link: str) -> Iterator[Iterator[bytes]]:
    """Sign in at a host and open a page's stream there; gives its lines."""
    session = sign_in(url, console_link)
    with session.get(f"{url}/console/live", stream=True, timeout=20) as stream:
        assert stream.status_code == 200
        yield stream.iter_lines(chunk_size=1)


def until_told(lines: Iterator[bytes]) -> None:
    """Read on until the stream says that something changed."""
    for line in lines:
        if line == b"event: changed":
            return


def hear(lines: Iterator[bytes]) -> float:
    """Say when the stream said that something changed."""
    until_told(lines)
    return time.time()
