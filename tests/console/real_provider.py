"""A certified OpenID Connect provider, run by node on loopback, and a person at its pages."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import httpx
from accounts import HOST, Console

FOLDER: Final = Path(__file__).parent / "oidc_provider"
IS_THERE: Final = shutil.which("node") is not None and (FOLDER / "node_modules").is_dir()
CLIENT_ID: Final = "consentry"
CLIENT_SECRET: Final = "a client's secret: 100%+ safe"
RETURN_URL: Final = f"http://{HOST}/console/sign-in/provider/return"
ACCOUNTS: Final = {
    "ada": {"email": "Admin@Example.org", "email_verified": True, "name": "Ada"},
    "twin": {"email": "admin@example.org", "email_verified": True, "name": "Not Ada"},
    "sloppy": {"email": "admin@example.org", "email_verified": False, "name": "Sloppy"},
    "stranger": {"email": "new@example.org", "email_verified": True, "name": "New Person"},
    "mute": {"name": "No email"},
}
"""Who can sign in at the provider, by the name they type there."""


@dataclass
class RealProvider:
    """A provider that runs."""

    issuer: str
    _stdin: IO[str]
    _stdout: IO[str]

    def tamper(self, *, on: bool) -> None:
        """Let it break the signatures of its tokens, or no longer."""
        self._stdin.write("tamper\n" if on else "honest\n")
        self._stdin.flush()
        assert json.loads(self._stdout.readline()) == {"tampers": on}


@contextmanager
def running_provider(*, userinfo: bool = True) -> Iterator[RealProvider]:
    """Run the provider until the block ends; without `userinfo` its ID tokens tell everything."""
    config = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": RETURN_URL,
        "accounts": ACCOUNTS,
        "userinfo": userinfo,
    }
    with subprocess.Popen(
        ["node", "server.mjs", json.dumps(config)],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            issuer = json.loads(process.stdout.readline())["issuer"]
            yield RealProvider(issuer, process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.wait(60)


def open_browser(console: Console) -> httpx.AsyncClient:
    """A browser that reaches the console in this process, and the provider over loopback."""
    console.mounts = {"all://127.0.0.1": httpx.AsyncHTTPTransport()}
    return console.browser()


async def sign_in_at_provider(browser: httpx.AsyncClient, address: str, login: str) -> str:
    """Go through the provider's pages as a person does; give the address it leads back to."""
    answer = await browser.get(address)
    for _ in range(10):
        if answer.is_redirect:
            target = str(answer.url.join(answer.headers["location"]))
            if target.startswith(RETURN_URL):
                return target
            answer = await browser.get(target)
            continue
        form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
        prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
        assert form is not None, answer.text
        assert prompt is not None, answer.text
        fields = {"prompt": prompt[1], "login": login, "password": "anything"}
        answer = await browser.post(str(answer.url.join(form[1])), data=fields)
    raise AssertionError(f"The provider never led back: {answer.url}")
