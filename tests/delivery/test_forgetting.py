"""The one that leads walks along the answers to Idempotency-Keys, and forgets the old ones."""

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from delivery_world import LIMITS, PERSON, World, world

from consentry.actions.forget_answers import KEPT, ForgetAnswers
from consentry.actions.forget_repeats import ForgetRepeats
from consentry.delivery.forgetting import PAGE_KEYS, Forgetter
from consentry.domain.notices import EventNotice
from consentry.domain.webhooks import EventType
from consentry.ports import Change, IdempotencyRecord, Needs

pytestmark = pytest.mark.integration

_OFTEN = msgspec.structs.replace(LIMITS, forget_seconds=0.001, forget_anew_seconds=0.001)


class Remember:
    """A command that keeps answers of a given age."""

    def __init__(self, made: World, keys: list[str], age: timedelta) -> None:
        at = made.clock.now() - age
        self._records = tuple(IdempotencyRecord("key_1", k, "f", 202, b"{}", at) for k in keys)

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, _facts: object) -> tuple[None, Change]:
        """Keep them."""
        return None, Change(records=self._records)


class Tell(msgspec.Struct):
    """A command that has notices told."""

    notices: tuple[EventNotice, ...]

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, _facts: object) -> tuple[None, Change]:
        """Keep them."""
        return None, Change(notices=self.notices)


async def list_keys(made: World) -> list[str]:
    """List the keys whose answers are kept."""
    return [known.key for known in await made.store.read_answered(10_000)]


async def test_old_answers_are_forgotten_and_young_ones_kept(tmp_path: Path) -> None:
    """Over many pages, and again when young ones have grown old."""
    async with world(tmp_path) as made:
        old = [f"a {number:04}" for number in range(PAGE_KEYS + 50)]
        young = [f"b {number:04}" for number in range(PAGE_KEYS + 50)]
        await made.store.submit(Remember(made, old, KEPT + timedelta(hours=1)))
        await made.store.submit(Remember(made, young, timedelta(hours=1)))
        walk = asyncio.create_task(Forgetter(made.store, made.clock, _OFTEN).run(lambda: True))
        await made.until(lambda: list_keys(made), young)
        made.clock.advance(KEPT.total_seconds())
        await made.until(lambda: list_keys(made), [])
        walk.cancel()


async def test_only_who_leads_forgets(tmp_path: Path) -> None:
    """The others leave it to the leader, and begin when they lead."""
    async with world(tmp_path) as made:
        await made.store.submit(Remember(made, ["old"], KEPT + timedelta(hours=1)))
        leads = asyncio.Event()
        walk = asyncio.create_task(Forgetter(made.store, made.clock, _OFTEN).run(leads.is_set))
        await made.settle()
        assert await list_keys(made) == ["old"]
        leads.set()
        await made.until(lambda: list_keys(made), [])
        walk.cancel()


async def test_the_delivery_loop_walks(tmp_path: Path) -> None:
    """It does so beside its other work, without being asked."""
    async with world(tmp_path, started=False) as made:
        await made.store.submit(Remember(made, ["old"], KEPT + timedelta(hours=1)))
        made.loop = made.new_loop(forget_seconds=0.001, forget_anew_seconds=0.001)
        made.start()
        await made.until(lambda: list_keys(made), [])


async def test_a_failure_ends_no_walk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, and tried again."""
    async with world(tmp_path) as made:
        await made.store.submit(Remember(made, ["old"], KEPT + timedelta(hours=1)))
        failures = iter([OSError("the disk is away")])

        async def fail_once(_command: object) -> None:
            for failure in failures:
                raise failure

        made.store.before[ForgetAnswers] = fail_once
        walk = asyncio.create_task(Forgetter(made.store, made.clock, _OFTEN).run(lambda: True))
        await made.until(lambda: list_keys(made), [])
        assert any("forgetting_failed" in record.getMessage() for record in caplog.records)
        walk.cancel()


async def test_what_could_not_be_told_is_kept_for_its_time(tmp_path: Path) -> None:
    """Then it is forgotten; what waits is not."""
    async with world(tmp_path) as made:
        data = msgspec.Raw(b"{}")
        given_up, waits = (
            EventNotice(
                id=f"evt_{why}.whk_1",
                made_at=made.clock.now(),
                webhook="whk_1",
                recipient=PERSON,
                event=EventType.MESSAGE_RECEIVED,
                data=data,
                given_up=why,
            )
            for why in ("no", None)
        )
        await made.store.submit(Tell((given_up, waits)))
        forgetter = Forgetter(made.store, made.clock, _OFTEN)
        made.clock.advance(timedelta(days=_OFTEN.failed_days - 1).total_seconds())
        await forgetter.forget_notices()
        assert await made.store.read_notice(given_up.id) == given_up
        made.clock.advance(timedelta(days=1, hours=1).total_seconds())
        await forgetter.forget_notices()
        assert await made.store.read_notice(given_up.id) is None
        assert await made.store.read_notice(waits.id) == waits


async def test_at_the_end_of_each_walk_repeats_are_forgotten(tmp_path: Path) -> None:
    """Once for each walk, however many pages it has."""
    async with world(tmp_path) as made:
        forgotten: list[object] = []

        async def note(command: object) -> None:
            forgotten.append(command)

        made.store.before[ForgetRepeats] = note
        await made.store.submit(Remember(made, [f"{n:04}" for n in range(PAGE_KEYS)], timedelta()))
        walk = Forgetter(made.store, made.clock, LIMITS)
        await walk.step()
        assert forgotten == []
        await walk.step()
        assert forgotten == [ForgetRepeats()]
