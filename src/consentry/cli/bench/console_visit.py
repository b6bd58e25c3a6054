"""An agent at the console, as far as a benchmark needs one: signs in, opens pages, weighs them."""

import gzip
import json
import re
import subprocess
import sys
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import msgspec

from consentry.cli.bench.databases import SQLiteDatabase
from consentry.cli.bench.servers import OK, Running, ServerFailed, environment_of
from consentry.clock import SystemClock

_AGENT: Final = "bench@example.com"
_TIMEOUT_SECONDS: Final = 30.0
_LINKED: Final = re.compile(r"""(?:href|src)="(/console/static/[^"#]+)""")


class Opened(msgspec.Struct, frozen=True):
    """A page that was opened: how long it took, and what it is."""

    milliseconds: float
    bytes_sent: int
    text: str


def find_linked(text: str) -> list[str]:
    """List the files of ours that a page links to, each once: an icon is a part of one file."""
    return list(dict.fromkeys(_LINKED.findall(text)))


class Visitor:
    """Opens pages over one connection that is kept, as a browser does."""

    def __init__(self, running: Running) -> None:
        """Connect to a server on this machine."""
        self._clock = SystemClock()
        self._connection = HTTPConnection("127.0.0.1", running.port, timeout=_TIMEOUT_SECONDS)
        self._cookie = ""
        self._weights: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Nothing is to be done."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._connection.close()

    def sign_in(self, database: Path) -> None:
        """Be added to the agents as an admin, and follow the link that signs in."""
        address = urlsplit(_make_link(database))
        answer, _ = self._get(f"{address.path}?{address.query}")
        cookies = [value.partition(";")[0] for value in answer.headers.get_all("set-cookie", [])]
        if not cookies:
            raise ServerFailed(f"The link that signs in was answered {answer.status}.")
        self._cookie = "; ".join(cookies)

    def open(self, path: str) -> Opened:
        """Open a page; anything but 200 is an error."""
        began = self._clock.monotonic()
        answer, body = self._get(path)
        milliseconds = (self._clock.monotonic() - began) * 1000
        if answer.status != OK:
            raise ServerFailed(f"{path} was answered {answer.status}: {body[:300]!r}.")
        packed = answer.headers.get("content-encoding") == "gzip"
        text = (gzip.decompress(body) if packed else body).decode()
        return Opened(milliseconds, len(body), text)

    def weigh(self, opened: Opened) -> int:
        """Count the bytes of a page with all styles, scripts and icons it links to."""
        return opened.bytes_sent + sum(map(self._weigh_file, find_linked(opened.text)))

    def _weigh_file(self, path: str) -> int:
        if path not in self._weights:
            answer, body = self._get(path)
            if answer.status != OK:
                raise ServerFailed(f"{path} was answered {answer.status}.")
            self._weights[path] = len(body)
        return self._weights[path]

    def _get(self, path: str) -> tuple[HTTPResponse, bytes]:
        headers = {"Accept-Encoding": "gzip", "Accept": "text/html"}
        if self._cookie:
            headers["Cookie"] = self._cookie
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        return answer, answer.read()


def _make_link(database: Path) -> str:
    """Have the product make a link; the agent may be there from a run before."""
    added = _run_agent(database, "add", _AGENT, "--name", "Bench", "--role", "admin")
    linked = added if added.returncode == 0 else _run_agent(database, "link", _AGENT)
    if linked.returncode != 0:
        raise ServerFailed(f"No link that signs in: {linked.stderr.decode()[-400:]}")
    link: str = json.loads(linked.stdout)["sign_in_link"]
    return link


def _run_agent(database: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - this program, with our own arguments
        [sys.executable, "-m", "consentry", "agent", *arguments, "--json"],
        env=environment_of(SQLiteDatabase(database.parent)),
        cwd=database.parent,
        capture_output=True,
        check=False,
    )
