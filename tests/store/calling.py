"""Calls `consentry` as a process of its own, and reads what it left behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from all_reads import read_everything
from store_world import SECRET_KEY, open_address


def environment(**more: str) -> dict[str, str]:
    """Take this process's environment without our settings, but the tests' secret key, and more."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    return clean | {"CONSENTRY_SECRET_KEY": SECRET_KEY} | more


def call(*words: str, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    """Call `consentry` and expect an exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "consentry", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=480,
        env=environment(**more),
    )
    assert done.returncode == code, (words, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done


async def everything(url: str) -> dict[str, object]:
    """Open a database as a server would, and read all of it."""
    store = open_address(url.removeprefix("sqlite:///"))
    try:
        return await read_everything(store)
    finally:
        await store.close()


@contextmanager
def serving(**settings: str) -> Iterator[None]:
    """Run a server while the block runs, and end it as a crash would."""
    words = (sys.executable, "-m", "consentry", "serve", "--port", "0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(**settings)) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        try:
            yield
        finally:
            server.kill()
