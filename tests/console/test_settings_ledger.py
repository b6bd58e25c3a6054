"""Settings, ledger: how the log stands, and a proof for whoever asks."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from settings_world import ACME_ADMIN, COMPLIANCE, World, open_world
from starlette.responses import Response

from consentry.actions.administer import SaveBrand
from consentry.console.guard import shield
from consentry.console.rendering import Renderer
from consentry.domain.directory import Brand
from consentry.ports import LogDamaged, Page
from consentry.store.sqlite.connection import open_connection

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with some entries in its ledger."""
    async with open_world(tmp_path) as made:
        yield made


async def test_the_log_is_shown_and_an_entry_proved(world: World) -> None:
    """Size, checkpoint and key stand there; an entry is proved, another id is told of."""
    store = world.console.store
    (entry,) = await store.read_audit(Page(limit=1))
    await store.integrate_log()
    desk = await world.desk(COMPLIANCE)
    checkpoint, (key,) = await store.read_checkpoint(), await store.read_log_keys()
    assert checkpoint is not None
    shown = await desk.open(f"/ledger?entry={entry.id}")
    assert checkpoint.note in shown.copies
    assert key.verifier_key in shown.text
    assert "It is in the log." in shown.text
    assert f"consentry ledger proof {entry.id}" in shown.text
    assert "has no entry 'ent_none'" in (await desk.open("/ledger?entry=ent_none")).text
    assert "longer than the id" in (await desk.open(f"/ledger?entry={'x' * 65}")).text


async def test_a_log_that_does_not_go_on_says_why(world: World, tmp_path: Path) -> None:
    """Whoever looks is told what is wrong, and that consent does not hang on it."""
    store = world.console.store
    desk = await world.desk(COMPLIANCE)
    await store.integrate_log()
    assert "The log does not go on" not in (await desk.open("/ledger")).text
    with closing(open_connection(tmp_path / "console.db")) as file:
        file.execute("DELETE FROM log_tiles")
    await store.submit(SaveBrand(Brand("", "Another")))
    with pytest.raises(LogDamaged):
        await store.integrate_log()
    told = (await desk.open("/ledger")).text
    assert "The log does not go on. The ledger's log is damaged" in told
    assert "STOP and START work as ever" in told


async def test_a_stamp_is_shown(world: World) -> None:
    """When an authority stamped the checkpoint, or why its answer cannot be read."""
    store = world.console.store
    desk = await world.desk(COMPLIANCE)
    await store.integrate_log()
    assert "No authority has stamped it." in (await desk.open("/ledger")).text
    checkpoint = await store.read_checkpoint()
    assert checkpoint is not None
    await store.keep_timestamp(checkpoint.size, b"nothing")
    await store.integrate_log()
    assert "The answer is no timestamp" in (await desk.open("/ledger")).text


async def test_who_works_for_some_brands_stays_out(world: World) -> None:
    """The ledger is of all brands."""
    assert (await (await world.desk(ACME_ADMIN)).open("/ledger?entry=x")).status == 403


async def test_a_damaged_log_is_told_as_one() -> None:
    """With where it is and what to do, and not as a database that does not answer."""

    async def show() -> Response:
        raise LogDamaged("What is in log_head is not what was written there.")

    answer = await shield(Renderer(), show())
    page = bytes(answer.body).decode()
    assert (answer.status_code, "log is damaged" in page, "log_head" in page) == (503, True, True)
