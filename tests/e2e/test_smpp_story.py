"""The story over SMPP: a real server, an account set up while it runs, and a foreign SMSC."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from real_processes import Running, clean_environment, running
from real_site import create
from real_world import SENTENCE, Product
from several_world import WORKERS, read_workers

from foreign_smsc import PASSWORD, SYSTEM_ID, ForeignSMSC, foreign_smsc

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-smpp")]

PERSON, OURS = "+12125550142", "+14155550100"
INITIAL_REPLY = "Thanks for texting Retale! "
CONFIRMATION = "Retale: you are opted out and will get no further messages."


@dataclass(frozen=True)
class Served:
    """A server that runs, and its API."""

    process: Running
    product: Product


@contextmanager
def serving(folder: Path, *words: str, database: str | None = None) -> Iterator[Served]:
    """Serve without any account, with a key to the API."""
    settings = {"CONSENTRY_SECRET_KEY": "a secret key of the tests, long enough"}
    if database is not None:
        settings["CONSENTRY_DATABASE"] = database
    created = subprocess.run(
        [sys.executable, "-m", "consentry", "key", "create", "smpp", "--json"],
        cwd=folder,
        env={**clean_environment(), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    command = ("serve", "--json", "--port", "0", *words)
    with running(*command, folder=folder, settings=settings) as server:
        secret = json.loads(created.stdout)["secret"]
        yield Served(server, Product(server.told["url"], secret))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Serve on SQLite, by one process."""
    with serving(tmp_path) as made:
        yield made


def set_up(product: Product, smsc: ForeignSMSC) -> None:
    """Add brand, account and number, as an operator does while the server runs."""
    brand = create(product, "/v1/brands", name="Retale")
    account = create(
        product,
        "/v1/carriers",
        kind="smpp",
        account=SYSTEM_ID,
        secret=PASSWORD,
        base_url=smsc.url,
        more={"vendor": "flowroute"},
    )
    create(
        product,
        "/v1/senders",
        number=OURS,
        kind="long_code",
        brand=brand["id"],
        carrier=account["id"],
        messages_per_second=100,
    )


async def say(smsc: ForeignSMSC, body: str) -> None:
    """Let the person text, and see it taken."""
    smsc.deliver(body, name=body)
    answer = await smsc.next("answer", keep="submit")
    assert answer == {"name": body, "command": "deliver_sm_resp", "status": 0}


async def read(smsc: ForeignSMSC) -> str:
    """Read the next text that goes out."""
    return str((await smsc.next("submit"))["text"])


async def test_the_story_over_smpp(served: Served) -> None:
    """A text opts in, STOP blocks as soon as it is answered, START brings back, 0x456 blocks.

    A connection that breaks is made again, and at the end the server takes leave.
    """
    product = served.product
    async with foreign_smsc() as smsc:
        set_up(product, smsc)
        assert (await smsc.next("bind"))["status"] == 0
        await say(smsc, "Hello")
        assert (await read(smsc)).startswith(INITIAL_REPLY)
        assert product.standing(PERSON, OURS)["state"] == "opted_in"

        sent = product.send(OURS, PERSON, "It left today.")
        went = await smsc.next("submit")
        assert went["text"] == "It left today."
        smsc.deliver(f"id:{went['id']} stat:DELIVRD err:000 text:It left", esm_class=4)
        assert (await smsc.next("answer"))["status"] == 0
        assert product.message(sent)["status"] == "delivered"

        await say(smsc, "STOP")
        assert product.standing(PERSON, OURS)["state"] == "opted_out"
        refused = product.try_send(OURS, PERSON, "Are you there?")
        assert (refused.status_code, refused.json()["detail"]) == (403, SENTENCE)
        assert await read(smsc) == CONFIRMATION

        smsc.order("drop")
        await smsc.next("close")
        assert (await smsc.next("bind"))["status"] == 0
        await say(smsc, "START")
        assert product.standing(PERSON, OURS)["state"] == "opted_in"
        assert "opted in again" in await read(smsc)

        await smsc.answer_next(0x456)
        again = product.send(OURS, PERSON, "Welcome back")
        assert product.wait_for(again, "failed")["error_code"] == "0x00000456"
        assert product.check(OURS, PERSON)["decision"] == "deny"
        served.process.stop()
        await smsc.next("unbind")


async def test_a_throttled_text_waits_and_an_unanswered_one_is_not_sent_twice(
    served: Served,
) -> None:
    """What was surely not taken is sent again; what may have been taken is not."""
    product = served.product
    async with foreign_smsc() as smsc:
        set_up(product, smsc)
        await smsc.next("bind")
        await say(smsc, "Hello")
        await read(smsc)
        await smsc.answer_next(0x58)
        slow = product.send(OURS, PERSON, "One")
        assert [await read(smsc), await read(smsc)] == ["One", "One"]
        product.wait_for(slow, "sent")
        await smsc.answer_next("drop")
        lost = product.send(OURS, PERSON, "Two")
        assert await read(smsc) == "Two"
        await smsc.next("bind")
        product.wait_for(lost, "indeterminate")
        product.send(OURS, PERSON, "Three")
        assert await read(smsc) == "Three"


async def test_every_worker_binds_and_one_that_dies_is_bound_again(
    tmp_path: Path, postgres_url: str
) -> None:
    """Two workers are two binds; each text goes out once, whoever sends it, and a STOP holds."""
    async with foreign_smsc() as smsc:
        with serving(tmp_path, *WORKERS, database=postgres_url) as served:
            product = served.product
            set_up(product, smsc)
            assert [(await smsc.next("bind"))["status"] for _ in range(2)] == [0, 0]
            await say(smsc, "Hello")
            await read(smsc)
            texts = [f"Text {number}" for number in range(10)]
            for text in texts:
                product.send(OURS, PERSON, text)
            assert sorted([await read(smsc) for _ in texts]) == texts
            before = read_workers(served.process)
            os.kill(before[0], signal.SIGKILL)
            await smsc.next("close")
            assert (await smsc.next("bind"))["status"] == 0
            await say(smsc, "STOP")
            assert product.try_send(OURS, PERSON, "Are you there?").status_code == 403
            assert await read(smsc) == CONFIRMATION
            served.process.stop()
