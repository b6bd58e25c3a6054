"""A carrier is one folder, one line and one test table: shown with one that nobody has."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from filecmp import dircmp
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from real_processes import clean_environment, running
from real_site import create, find_free_port
from real_world import WAIT_SECONDS, Product, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("toy-carrier")]

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).with_name("toy")
FOLDER = "src/consentry/carriers/tin_can"
TABLE = "tests/carriers/tables/tin_can.py"
LIST = "src/consentry/bootstrap.py"
SECRET = "hush"
PERSON, NUMBER = "+12125550142", "+14155550100"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project, and add the carrier to the copy."""
    copy = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("node_modules", "__pycache__", ".*")
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(TOY / "tin_can", copy / FOLDER, ignore=ignored)
    shutil.copy(TOY / "table.py", copy / TABLE)
    bootstrap = (copy / LIST).read_text(encoding="utf-8")
    bootstrap = put_before(bootstrap, "from consentry.carriers.twilio.settings", import_line())
    bootstrap = put_before(bootstrap, "        TWILIO,", "        TIN_CAN,\n")
    (copy / LIST).write_text(bootstrap, encoding="utf-8")
    return copy


def import_line() -> str:
    """The line that the list's own line needs."""
    return "from consentry.carriers.tin_can.settings import TIN_CAN\n"


def put_before(text: str, line: str, new: str) -> str:
    """Put a line before another."""
    assert text.count(f"\n{line}") == 1
    return text.replace(f"\n{line}", f"\n{new}{line}")


def run(checkout: Path, *words: str) -> str:
    """Run a program of the copy's, which must succeed; gives what it said."""
    ran = subprocess.run(
        [sys.executable, *words],
        cwd=checkout,
        env={**clean_environment(), "PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    return ran.stdout


def list_changes(compared: dircmp[str], below: str = "") -> Iterator[str]:
    """List what is different in the copy."""
    for name in (*compared.right_only, *compared.diff_files, *compared.funny_files):
        yield below + name
    for name in compared.left_only:
        if name not in compared.ignore and not name.startswith("."):
            yield f"without {below}{name}"
    for name, inside in compared.subdirs.items():
        yield from list_changes(inside, f"{below}{name}/")


def test_nothing_else_was_touched(checkout: Path) -> None:
    """The carrier is its folder, its table, and a line (with its import) in the list."""
    ignored = [".venv", "__pycache__", "node_modules"]
    changes = [
        f"{name}/{change}"
        for name in ("src", "tests")
        for change in list_changes(dircmp(ROOT / name, checkout / name, ignored))
    ]
    assert sorted(changes) == sorted([FOLDER, LIST, TABLE])
    before = (ROOT / LIST).read_text(encoding="utf-8").splitlines()
    after = (checkout / LIST).read_text(encoding="utf-8").splitlines()
    added = [line for line in after if line not in before]
    assert added == [import_line().rstrip(), "        TIN_CAN,"]
    assert [line for line in after if line not in added] == before


def test_its_imports_keep_to_the_rules(checkout: Path) -> None:
    """The rules of who may import whom know of the new carrier without being told."""
    lint = str(Path(sys.executable).with_name("lint-imports"))
    assert "0 broken" in run(checkout, lint, "--no-cache")


def test_its_table_is_tested_with_all_others(checkout: Path) -> None:
    """What is true of every carrier is tested of this one by having a table."""
    words = ("tests/carriers/test_carrier_tables.py", "-q", "-p", "no:cacheprovider")
    said = run(checkout, "-m", "pytest", *words, "-k", "tin_can or every_carrier")
    told = re.search(r"unit: (\d+) passed, 0 failed, 0 skipped", said)
    assert told is not None, said
    assert int(told[1]) > 10, said


@dataclass
class Can:
    """The carrier's end: keeps what it is sent, and refuses those who have cut the string."""

    url: str = ""
    sent: list[dict[str, str]] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)

    def answer(self, text: dict[str, str]) -> dict[str, str]:
        """Take a text or refuse it."""
        if text["to"] in self.cut:
            return {"refused": "cut"}
        self.sent.append(text)
        return {"id": f"can-{len(self.sent)}"}


@contextmanager
def running_can() -> Iterator[Can]:
    """Serve the carrier's end on a free port."""
    can = Can()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(can.answer(text)).encode()
            self.send_response(200 if self.path == "/texts" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    can.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield can
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def running_product(checkout: Path, folder: Path, can: Can) -> Iterator[Product]:
    """Serve the copy, set up with an account and a number of the new carrier."""
    settings = {"PYTHONPATH": str(checkout / "src")}
    folder.mkdir()
    created = subprocess.run(
        [sys.executable, "-m", "consentry", "key", "create", "toy", "--json"],
        cwd=folder,
        env={**clean_environment(), **settings},
        capture_output=True,
        check=True,
    )
    port = find_free_port()
    product = Product(f"http://127.0.0.1:{port}", json.loads(created.stdout)["secret"])
    with running("serve", "--json", "--port", str(port), folder=folder, settings=settings) as serve:
        brand = create(product, "/v1/brands", name="Toys")["id"]
        account: dict[str, Any] = {"kind": "tin_can", "account": "left", "secret": SECRET}
        create(product, "/v1/carriers", id="can", base_url=can.url, **account)
        sender = {"number": NUMBER, "kind": "long_code", "brand": brand, "carrier": "can"}
        create(product, "/v1/senders", messages_per_second=100, **sender)
        yield product
        serve.stop()


def post(product: Product, address: str, told: dict[str, str], secret: str = SECRET) -> int:
    """Post a webhook as the carrier does; gives the HTTP status."""
    url, headers = f"{product.url}/carriers/can/{address}", {"X-Tin-Can-Secret": secret}
    return requests.post(url, json=told, headers=headers, timeout=WAIT_SECONDS).status_code


def test_the_whole_way_by_the_new_carrier(checkout: Path, tmp_path: Path) -> None:
    """A text comes in and is an entry; one goes out; a refusal that says opted out is a block."""
    with running_can() as can, running_product(checkout, tmp_path / "site", can) as product:
        hello = {"id": "in-1", "from": PERSON, "to": NUMBER, "words": "Hello"}
        assert post(product, "inbound", hello, "shout") == 403
        assert product.entries(PERSON) == []
        assert post(product, "inbound", hello) == 200
        assert product.standing(PERSON, NUMBER)["state"] == "opted_in"
        assert product.entries(PERSON)[0]["kind"] == "opted_in"
        eventually(lambda: len(can.sent) == 1, "the initial reply goes out first")
        sent = product.send(NUMBER, PERSON, "Good day")
        assert product.wait_for(sent, "sent")["carrier_message_id"] == "can-2"
        assert can.sent[-1] == {"from": NUMBER, "to": PERSON, "words": "Good day"}
        report = {"id": "can-2", "from": NUMBER, "to": PERSON, "state": "heard"}
        assert post(product, "status", report) == 200
        eventually(lambda: product.message(sent)["status"] == "delivered", "the report counts")
        can.cut.add(PERSON)
        product.wait_for(product.send(NUMBER, PERSON, "Are you there?"), "failed")
        assert product.standing(PERSON, NUMBER)["state"] == "carrier_blocked"
        refused = product.try_send(NUMBER, PERSON, "Hello?")
        assert (refused.status_code, refused.json()["code"]) == (403, "carrier_blocked")
