"""Server and carrier as processes of their own, set up as an operator would set them up."""

import json
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from real_processes import Running, clean_environment, running
from real_world import JSON, Carrier, Product

ACCOUNT, TOKEN = "AC" + "7" * 32, "crash-test-token"
LONG_CODE, SHORT_CODE = "+14155550100", "55555"
INITIAL_REPLY = "Thanks for texting Crash! "
OPT_OUT_CONFIRMATION = "Crash: you are opted out and will get no further messages."


@dataclass
class Site:
    """A server that can be killed and started again on the same database and port."""

    folder: Path
    settings: dict[str, str]
    product: Product
    carrier: Carrier
    port: int

    def start(self, until: ExitStack, *more: str) -> Running:
        """Start the server; it ends when it is told to, at the latest with the stack."""
        words = ("serve", "--json", "--port", str(self.port), *more)
        return until.enter_context(running(*words, folder=self.folder, settings=self.settings))


_PORTS = range(10_240, 32_768)
"""Below those that systems hand out by themselves: nobody's connection takes one in between."""


def find_free_port() -> int:
    """Find a port that nobody has, to be the server's own in every round.

    Tests that run at the same time hardly ever draw the same one.
    """
    while True:
        port = secrets.choice(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def prepared_site(folder: Path, settings: Mapping[str, str]) -> Iterator[Site]:
    """Run a carrier, and have a server that is set up and not running; their files are here."""
    created = subprocess.run(
        [sys.executable, "-m", "consentry", "key", "create", "crash", "--json"],
        cwd=folder,
        env={**clean_environment(), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert created.returncode == 0, created.stderr
    port = find_free_port()
    product = Product(f"http://127.0.0.1:{port}", json.loads(created.stdout)["secret"])
    words = ("simulate", "--json", "--port", "0", "--account", ACCOUNT, "--token", TOKEN)
    with running(*words, folder=folder) as simulator:
        # The programs that are told run here too.
        told = {"CONSENTRY_WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8", **settings}
        site = Site(folder, told, product, Carrier(simulator.told["url"]), port)
        with ExitStack() as until:
            server = site.start(until)
            set_up(site)
            server.stop()
        yield site


def set_up(site: Site) -> None:
    """Add brand, carrier account and two numbers, and point the numbers at the server."""
    product = site.product
    brand = create(product, "/v1/brands", name="Crash")
    account = create(
        product,
        "/v1/carriers",
        kind="twilio",
        account=ACCOUNT,
        secret=TOKEN,
        base_url=site.carrier.url,
    )
    for number, kind in ((LONG_CODE, "long_code"), (SHORT_CODE, "short_code")):
        sender = create(
            product,
            "/v1/senders",
            number=number,
            kind=kind,
            brand=brand["id"],
            carrier=account["id"],
            messages_per_second=1000,
        )
        site.carrier.set_sender(number, kind, sender["webhook_url"])


def create(product: Product, path: str, **fields: object) -> JSON:
    """Set up one thing by the API."""
    answer = product.call("POST", path, fields)
    assert answer.status_code == 201, answer.text
    made: JSON = answer.json()
    return made
