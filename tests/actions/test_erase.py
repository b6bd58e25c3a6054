"""Somebody is erased, in the words of the story: refused as before, and back by their own word."""

import msgspec
import pytest

from action_world import AGENT, KEY, World, statement
from consent_world import AT_NOON, LONG, PERSON, PROMO, SECOND, SENDERS, SHORT, consent, minute
from consentry.actions.erase import Erased, EraseNumber, erase_number
from consentry.actions.forget_repeats import ForgetRepeats
from consentry.actions.record_consent import GrantConsent, LiftSuppression, TagPhone
from consentry.domain.customers import Customer, CustomerPhone
from consentry.domain.directory import Purpose, Sender
from consentry.domain.entries import NOBODY, Actor, ActorKind, EntryKind, Evidence, Medium, fold
from consentry.domain.gate import Verdict
from consentry.domain.messages import MessageStatus
from consentry.domain.reasons import OPTED_OUT_SENTENCE, Reason
from consentry.domain.standing import ConsentLevel, SMSPreference, Standing
from consentry.ports import Change, Mentions, Rejected
from drift_world import AskedCarrier, reconcile, written
from memory_store import START, MemoryFacts, MemoryStore

pytestmark = pytest.mark.unit

OTHER_PHONE = "+14155550177"
IMPORT = Actor(ActorKind.IMPORT, "import-1")


def opted_out() -> World:
    """Have somebody who consented to everything say stop."""
    world = World()
    world.receive("Hello")
    world.put(consent(PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN), AT_NOON)
    world.receive("STOP")
    world.clock.advance(minutes=10)
    return world


async def erase(world: World, *, is_dry_run: bool = False) -> Erased:
    """Erase the person."""
    return await erase_number(PERSON, "asked by mail", AGENT, world.store, is_dry_run=is_dry_run)


async def test_who_said_no_and_was_erased_is_refused_as_before() -> None:
    """From every sender, for every purpose: what their word forbade is refused in its words."""
    before, after = opted_out(), opted_out()
    await erase(after)
    assert after.store.entries_of(PERSON) == []
    for sender in SENDERS:
        for purpose in Purpose:
            was = before.send(sender=sender, purpose=purpose).decision
            now = after.send(sender=sender, purpose=purpose).decision
            assert now.decision is Verdict.DENY
            if was.reason is Reason.OPTED_OUT:
                assert (now.reason, now.detail) == (was.reason, OPTED_OUT_SENTENCE)


async def test_only_their_own_word_to_the_same_sender_brings_them_back() -> None:
    """No plain text, agent, import, nor START to another sender; START does, without marketing."""
    world = opted_out()
    await erase(world)
    world.receive("Hello again")
    world.receive("START", SECOND)
    assert world.send().decision.reason is Reason.OPTED_OUT
    with pytest.raises(Rejected):
        world.store.run(TagPhone(statement(), sms=True))
    with pytest.raises(Rejected):
        world.store.run(LiftSuppression(statement(), "acme"))
    told = statement(Evidence(Medium.PAPER, at=minute(-60)), actor=IMPORT)
    world.store.run(GrantConsent(told, PROMO.id, ConsentLevel.EXPRESS))
    assert world.send().decision.reason is Reason.OPTED_OUT
    world.receive("START")
    assert world.send().decision.decision is Verdict.ALLOW
    assert world.send(purpose=Purpose.MARKETING).decision.decision is Verdict.DENY
    assert world.standing().sms_preference is SMSPreference.ON


async def test_the_ledger_after_it_leads_to_what_stands() -> None:
    """What is written of the number again begins with what it had said no to (I5)."""
    world = opted_out()
    await erase(world)
    world.send()
    entries = world.store.entries_of(PERSON)
    assert [e.kind for e in entries] == [EntryKind.STANDING_RECALLED, EntryKind.SEND_REFUSED]
    assert fold(entries) == world.standing()


async def test_a_dry_run_tells_the_same_and_changes_nothing() -> None:
    """Counts as they would be, no entry; the texts and the history are there."""
    world = opted_out()
    held = list(world.store.entries)
    would = await erase(world, is_dry_run=True)
    assert world.store.entries == held
    done = await erase(world)
    assert would == msgspec.structs.replace(done, entry=None)
    assert (done.entries, done.kept, done.rows["messages"] > 0) == (len(held), True, True)
    told = world.last_entry(EntryKind.ERASED)
    assert (told.id, told.recipient, told.actor) == (done.entry, NOBODY, AGENT)
    assert "what it said no to still stands" in (told.text or "")


async def test_nothing_that_is_held_is_nothing_to_tell() -> None:
    """A number never seen is no error and no entry; nothing is kept of it."""
    world = World()
    erased = await erase(world)
    assert (erased.is_nothing, erased.kept, world.store.entries) == (True, False, [])


async def test_a_profile_goes_with_its_last_number() -> None:
    """One with another number loses this one and keeps a Main; answers that name it are gone."""
    world = World()
    world.receive("Hello")
    [profile] = world.store.customers.values()
    phones = (
        CustomerPhone(PERSON, PERSON, "US", primary=True),
        CustomerPhone(OTHER_PHONE, OTHER_PHONE, "US"),
    )
    two = Customer("cus_two", "Two", START, START, phones=phones)
    world.store.customers["cus_two"] = two
    erased = await erase(world)
    assert erased.deleted_customers == (profile.id,)
    assert erased.changed_customers == ("cus_two",)
    [left] = world.store.customers.values()
    assert [(p.normalized, p.primary) for p in left.phones] == [(OTHER_PHONE, False)]
    assert left.updated_at == world.clock.now()
    assert "nothing stood against it" in (world.last_entry(EntryKind.ERASED).text or "")


async def test_nothing_is_erased_while_a_text_is_with_the_carrier() -> None:
    """The carrier may still ask about it; then it is put off, with what to do."""
    world = World()
    world.receive("Hello")
    world.send()
    works = world.claim()
    with pytest.raises(Rejected, match="Nothing was erased") as refused:
        await erase(world)
    assert refused.value.code == "in_flight"
    assert (await erase(world, is_dry_run=True)).rows["jobs"] == len(works)
    for work in works:
        world.answer(work)
    assert (await erase(world)).rows["messages"] > 0
    assert world.store.messages == {}


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("", "reason_needed"),
        (" ", "reason_needed"),
        ("x" * 501, "reason_needed"),
        ("request of +1 (415) 555-0142", "reason_names_number"),
        ("request of 415 555 0142", "reason_names_number"),
        ("request of 555-0142", "reason_names_number"),
        ("asked together with +442079460958", "reason_names_number"),
        ("asked together with +44 20 7946 0958", "reason_names_number"),
    ],
)
async def test_the_reason_is_kept_so_it_must_not_name_the_number(reason: str, code: str) -> None:
    """None, a page of it, or one with the number in it is refused, and nothing is destroyed."""
    world = opted_out()
    with pytest.raises(Rejected) as refused:
        await erase_number(PERSON, reason, KEY, world.store)
    assert (refused.value.code, refused.value.status) == (code, 422)
    assert world.standing() != Standing()


async def test_a_profile_that_changes_meanwhile_is_looked_at_again() -> None:
    """Once is enough; one that changes all the time ends in a refusal that says so."""
    world = World()
    world.receive("Hello")

    class Hasty(MemoryStore):
        """Shows no profile the first times."""

        times = 1

        async def read_profiles(self, recipient: str) -> list[Customer]:
            """Show what was there a moment ago."""
            self.times -= 1
            return [] if self.times >= 0 else await super().read_profiles(recipient)

    hasty = Hasty()
    hasty.__dict__.update(world.store.__dict__)
    hasty.times = 9
    with pytest.raises(Rejected, match="has changed"):
        await erase_number(PERSON, "asked", AGENT, hasty)
    hasty.times = 1
    assert (await erase_number(PERSON, "asked", AGENT, hasty)).deleted_customers


async def test_a_command_that_was_prepared_before_a_change_is_refused() -> None:
    """It names the profiles it was prepared for; others are there now."""
    world = World()
    world.receive("Hello")
    with pytest.raises(Rejected) as refused:
        world.store.run(EraseNumber(PERSON, "asked", AGENT, Mentions()))
    assert refused.value.code == "changed_meanwhile"


# --- What carriers tell again -------------------------------------------------------------------


async def test_an_old_start_that_is_told_again_lifts_nothing() -> None:
    """The carrier repeats what it was not sure of; the hash that is left of it is enough."""
    world = World()
    world.receive("START", known_as="SM-start")
    world.receive("STOP", known_as="SM-stop")
    world.clock.advance(minutes=10)
    await erase(world)
    held = list(world.store.entries)
    for word, known_as in (("START", "SM-start"), ("STOP", "SM-stop"), ("START", "SM-start")):
        again = world.receive(word, known_as=known_as)
        assert (again.duplicate, again.message, again.in_flight) == (True, "", ())
    assert (world.store.entries, world.store.messages) == (held, {})
    assert world.send().decision.reason is Reason.OPTED_OUT
    assert world.receive("START", known_as="SM-start").duplicate
    assert not world.receive("START", known_as="SM-new").duplicate
    assert world.send().decision.decision is Verdict.ALLOW


async def test_a_repeat_is_one_of_the_same_person_and_account() -> None:
    """Two persons' texts may have one id: the other's counts."""
    world = World()
    world.receive("STOP", known_as="SM-1")
    await erase(world)
    assert not world.receive("STOP", known_as="SM-1", recipient=OTHER_PHONE).duplicate
    assert world.standing(OTHER_PHONE).blocks


async def test_a_repeat_of_who_said_nothing_against_it_files_nobody_again() -> None:
    """They are as if they had never been, until they write anew."""
    world = World()
    world.receive("Hello", known_as="SM-hello")
    await erase(world)
    assert world.store.erased == {}
    assert world.receive("Hello", known_as="SM-hello").duplicate
    assert (world.store.customers, world.store.messages, world.standing()) == ({}, {}, Standing())


async def test_what_no_carrier_repeats_any_more_is_not_kept_or_forgotten() -> None:
    """Older texts leave no hash; the hashes of younger ones go when those are as old."""
    world = World()
    world.receive("Hello", known_as="SM-old")
    world.clock.advance(hours=25)
    world.receive("STOP", known_as="SM-young")
    await erase(world)
    assert len(world.store.erased_texts) == 1
    world.clock.advance(hours=24)
    world.store.run(ForgetRepeats())
    assert world.receive("STOP", known_as="SM-young").duplicate
    world.clock.advance(hours=1)
    world.store.run(ForgetRepeats())
    assert world.store.erased_texts == {}
    assert world.send().decision.reason is Reason.OPTED_OUT


@pytest.mark.parametrize("word", ["START", "Unstop", "YES"])
@pytest.mark.parametrize("sender", [LONG, SHORT])
async def test_an_opt_in_is_known_for_as_long_as_the_last_word(word: str, sender: Sender) -> None:
    """A signed webhook that is posted again years later lifts nothing; what was no opt-in goes."""
    world = World()
    world.receive(word, known_as="SM-in", sender=sender)
    world.receive("What is this?", known_as="SM-plain", sender=sender)
    world.receive("STOP", known_as="SM-stop", sender=sender)
    world.clock.advance(days=30)
    await erase(world)
    world.clock.advance(days=4000)
    world.store.run(ForgetRepeats())
    assert world.receive(word, known_as="SM-in", sender=sender).duplicate
    assert len(world.store.erased_texts) == 1
    assert world.send(sender=sender).decision.reason is Reason.OPTED_OUT
    assert not world.receive(word, known_as="SM-new", sender=sender).duplicate
    assert world.send(sender=sender).decision.decision is Verdict.ALLOW


async def test_an_opt_in_of_who_said_no_to_nothing_is_forgotten() -> None:
    """There is no last word that it could undo."""
    world = World()
    world.receive("START", known_as="SM-in")
    world.clock.advance(hours=25)
    await erase(world)
    assert world.store.erased_texts == {}


async def test_nothing_is_forgotten_where_nobody_was_erased() -> None:
    """Then it changes nothing, so that nothing is written."""
    facts = MemoryFacts(World().store, ForgetRepeats().needs())
    assert ForgetRepeats().decide(facts) == (None, Change())


async def test_a_receipt_that_comes_after_it_files_nobody_again() -> None:
    """It is taken and not kept; one that says that the person opted out is learnt all the same."""
    world = World()
    world.receive("Hello")
    for work in world.claim():
        world.answer(work)
    message = world.sent()
    await erase(world)
    for named in (True, False):
        recorded = world.report(message, MessageStatus.DELIVERED, named=named)
        assert (recorded.message, recorded.status) == (None, MessageStatus.DELIVERED)
    assert (world.store.receipts, world.store.entries_of(PERSON)) == ({}, [])
    world.report(message, MessageStatus.FAILED, error_code="21610", opted_out=True)
    assert [e.kind for e in world.store.entries_of(PERSON)] == [EntryKind.CARRIER_REFUSED]
    assert world.send().decision.decision is Verdict.DENY


async def test_the_carriers_history_does_not_bring_them_back() -> None:
    """A comparison finds the text of somebody who was erased, and no drift in it."""
    world = World()
    world.receive("STOP", known_as="SM-stop")
    said_at = world.clock.now()
    world.clock.advance(minutes=10)
    await erase(world)
    await reconcile(world.store, AskedCarrier([written("START", said_at, known_as="SM-stop")]))
    assert world.store.drifts == {}
    await reconcile(world.store, AskedCarrier([written("START", said_at, known_as="SM-missed")]))
    assert [drift.recipient for drift in world.store.drifts.values()] == [PERSON]
