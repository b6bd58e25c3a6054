"""After a restore: what was overdue is canceled and recorded, what is due later still waits."""

import pytest

from action_world import World
from consent_world import LONG, minute
from consentry.actions.cancel_overdue import CancelOverdue
from consentry.domain.entries import EntryKind
from consentry.domain.messages import MessageStatus

pytestmark = pytest.mark.unit


def test_overdue_texts_are_canceled_and_later_ones_wait() -> None:
    """Each overdue text is canceled with an entry that says why; one for tomorrow stays queued."""
    world = World()
    world.receive("Hello")
    overdue, later = world.send("now"), world.send("later", send_at=minute(60))
    waiting = len(world.store.jobs)
    told = world.store.run(CancelOverdue(((LONG.number, 10),)))
    assert told == waiting - 1
    assert list(world.store.jobs) == [later.message]
    canceled = world.message(overdue.message)
    assert (canceled.status, canceled.error_code) == (MessageStatus.CANCELED, "restored")
    entry = world.last_entry(EntryKind.JOB_CANCELED)
    assert (entry.reason, entry.message) == ("restored", overdue.message)
    assert world.store.run(CancelOverdue(((LONG.number, 10),))) == 0


def test_no_more_than_asked_for_are_canceled() -> None:
    """A large outbox is gone through in steps."""
    world = World()
    world.receive("Hello")
    world.send("one")
    waiting = len(world.store.jobs)
    assert world.store.run(CancelOverdue(((LONG.number, 1),))) == 1
    assert len(world.store.jobs) == waiting - 1
