"""A foreign SMSC on loopback, run by node: what happens to it, and what it is told to do."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from needed import need

FOLDER: Final = Path(__file__).parent / "carriers" / "smpp_peer"
IS_THERE: Final = shutil.which("node") is not None and (FOLDER / "node_modules").is_dir()
SYSTEM_ID: Final = "consentry"
PASSWORD: Final = "s3cr3t"
WAIT_SECONDS: Final = 60.0


class ForeignSMSC:
    """An SMSC that runs; events are waited for in their order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self.port = 0
        self._kept: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smpp://127.0.0.1:{self.port}"

    async def next(self, event: str, *, keep: str = "") -> dict[str, Any]:
        """Give the next event of a kind, passing over others; those to `keep` are given later.

        What a text leads to may be there before its answer is.
        """
        for told in self._kept:
            if told["event"] == event:
                self._kept.remove(told)
                return _without_kind(told)
        async with asyncio.timeout(WAIT_SECONDS):
            while line := await self._stdout.readline():
                told = json.loads(line)
                if told["event"] == event:
                    return _without_kind(told)
                if told["event"] == keep:
                    self._kept.append(told)
        raise AssertionError(f"it ended before there was {event!r}")

    def order(self, order: str, **fields: Any) -> None:
        """Tell it to do something: see `obey` in its program."""
        self._stdin.write(json.dumps({"order": order, **fields}).encode() + b"\n")

    async def answer_next(self, *answers: int | str) -> None:
        """Answer the next texts so: with a status, "silence" or "drop"; from now on."""
        self.order("answers", answers=answers)
        await self.next("ready", keep="submit")

    def deliver(self, body: str | None = None, *, name: str = "", **fields: Any) -> None:
        """Let it deliver a person's text, by deliver_sm and as its own codec writes it."""
        text = {} if body is None else {"short_message": body}
        person = {"source_addr": "12125550142", "source_addr_ton": 1, "source_addr_npi": 1}
        ours = {"destination_addr": "14155550100", "dest_addr_ton": 1, "dest_addr_npi": 1}
        self.order("deliver_sm", name=name, **person, **ours, **text, **fields)


def _without_kind(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "event"}


@asynccontextmanager
async def foreign_smsc() -> AsyncIterator[ForeignSMSC]:
    """Run it as long as the block."""
    need(IS_THERE, "nodejs npm, then npm ci in tests/carriers/smpp_peer")
    process = await asyncio.create_subprocess_exec(
        "node",
        "server.mjs",
        json.dumps({"system_id": SYSTEM_ID, "password": PASSWORD}),
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        smsc = ForeignSMSC(process)
        smsc.port = (await smsc.next("listening"))["port"]
        yield smsc
    finally:
        smsc._stdin.close()  # noqa: SLF001 - its end is what ends the program
        async with asyncio.timeout(WAIT_SECONDS):
            await process.wait()
