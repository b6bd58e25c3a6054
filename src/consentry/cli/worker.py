"""One of several workers: a server on a socket that its parent has bound, as long as that lives."""

import socket
import sys
from pathlib import Path

import msgspec

from consentry.bootstrap import Server
from consentry.cli.event_loop import run_fast
from consentry.cli.lifeline import stop_with_parent
from consentry.delivery.membership import Identity
from consentry.opening import start_logging
from consentry.settings import Settings

READY = b"ready\n"
"""What a worker says when it answers."""


class WorkerConfig(msgspec.Struct, frozen=True):
    """What a worker is told on its standard input, in one line."""

    listener: int
    identity: Identity
    tallies_folder: str


def run_worker(settings: Settings) -> None:
    """Serve until a signal comes or the parent is gone."""
    config = msgspec.json.decode(sys.stdin.readline(), type=WorkerConfig)
    stop_with_parent()
    start_logging(settings)
    listener = socket.socket(fileno=config.listener)

    def tell() -> None:
        sys.stdout.buffer.write(READY)
        sys.stdout.flush()

    async def run() -> None:
        folder = Path(config.tallies_folder)
        server = Server(settings, listener, identity=config.identity, tallies_folder=folder)
        await server.run(tell)

    run_fast(run())
