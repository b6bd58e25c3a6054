"""Agents, sessions, links and marks: shown to commands, and read by the doors."""

from datetime import timedelta

import msgspec
import pytest
from store_world import ANN, BOB, OTHER_SENDER, SENDER, START, ask, submit_together, write

from consentry.domain.agents import Agent, Role
from consentry.ports import Change, ConversationMark, Needs, Session, SignInLink, Store

pytestmark = pytest.mark.integration

KIM = Agent("agt_1", "kim@example.com", "Kim", Role.AGENT, START)
LEE = Agent("agt_2", "lee@example.com", "Lee", None, START, brands=("brd_1",))


def session(number: int, agent: Agent = KIM, **fields: object) -> Session:
    """Make a session of an agent."""
    made = Session(f"ses_{number:03}", agent.id, START, START + timedelta(hours=1))
    return msgspec.structs.replace(made, **fields)


async def test_agents_are_shown_in_the_order_they_were_made(store: Store) -> None:
    """Stored, made and changed in the batch; a change keeps the place, disabled ones stay."""
    look = ask(lambda facts: facts.agents(), Needs(agents=True))
    assert await store.submit(look) == ()
    _, seen = await submit_together(store, write(Change(records=(LEE, KIM))), look)
    assert seen == (LEE, KIM) == await store.submit(look)
    gone = msgspec.structs.replace(LEE, disabled_at=START)
    _, seen = await submit_together(store, write(Change(records=(gone,))), look)
    assert seen == (gone, KIM) == await store.submit(look)
    assert await store.read_agents() == [gone, KIM]


async def test_a_session_is_found_by_its_id(store: Store) -> None:
    """By commands and by the doors, which get the agent along; revoked it is found too."""
    look = ask(lambda facts: facts.session("ses_001"), Needs(sessions=("ses_001",)))
    assert await store.submit(look) is None
    assert await store.read_signed_in("ses_001") is None
    opened = Change(records=(KIM, session(1)))
    _, seen = await submit_together(store, write(opened), look)
    assert seen == session(1) == await store.submit(look)
    assert await store.read_signed_in("ses_001") == (session(1), KIM)
    revoked = session(1, revoked_at=START)
    _, seen = await submit_together(store, write(Change(records=(revoked,))), look)
    assert seen == revoked == await store.submit(look)
    assert await store.read_signed_in("ses_001") == (revoked, KIM)


async def test_the_sessions_of_an_agent_are_listed_newest_first(store: Store) -> None:
    """At most a hundred, none of another agent's; a change keeps the place."""
    made = tuple(session(n) for n in range(120))
    await store.submit(write(Change(records=(KIM, LEE, *made, session(500, LEE)))))
    await store.submit(write(Change(records=(session(119, revoked_at=START),))))
    listed = await store.read_sessions(KIM.id)
    assert [s.id for s in listed] == [f"ses_{n:03}" for n in range(119, 19, -1)]
    assert listed[0].revoked_at == START


async def test_a_sign_in_link_is_found_by_its_id(store: Store) -> None:
    """As stored, and as an earlier command of the batch left it."""
    link = SignInLink("lnk_1", KIM.id, START, START + timedelta(minutes=10))
    used = msgspec.structs.replace(link, used_at=START)
    look = ask(lambda facts: facts.sign_in_link("lnk_1"), Needs(links=("lnk_1",)))
    assert await store.submit(look) is None
    await store.submit(write(Change(records=(link,))))
    assert await store.submit(look) == link
    _, seen = await submit_together(store, write(Change(records=(used,))), look)
    assert seen == used == await store.submit(look)


async def test_a_mark_belongs_to_one_conversation(store: Store) -> None:
    """Recipient and sender together name it."""
    mark = ConversationMark(ANN, SENDER, read="msg_1", done="msg_1")
    look = ask(lambda facts: facts.mark(ANN, SENDER), Needs(marks=((ANN, SENDER),)))
    assert await store.submit(look) is None
    others = (ConversationMark(ANN, OTHER_SENDER, read="x"), ConversationMark(BOB, SENDER))
    await store.submit(write(Change(records=others)))
    assert await store.submit(look) is None
    assert await store.read_mark(ANN, SENDER) is None
    _, seen = await submit_together(store, write(Change(records=(mark,))), look)
    assert seen == mark == await store.submit(look)
    assert await store.read_mark(ANN, SENDER) == mark


@pytest.mark.parametrize(
    "look",
    [
        ask(lambda facts: facts.agents(), Needs()),
        ask(lambda facts: facts.sign_in_link("lnk_1"), Needs()),
        ask(lambda facts: facts.session("ses_1"), Needs()),
        ask(lambda facts: facts.mark(ANN, SENDER), Needs()),
    ],
)
async def test_what_was_not_asked_for_is_not_shown(store: Store, look: object) -> None:
    """A command that did not name a fact is told so."""
    with pytest.raises(LookupError, match="without naming it"):
        await store.submit(look)  # type: ignore[arg-type]
