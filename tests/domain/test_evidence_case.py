"""The case of a bundle, and what it lacks: built from entries, texts and receipts alone."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest

from consent_world import AT_NOON, DIRECTORY, FOREIGN, LONG, NEWS, PERSON, POLICY, PROMO, minute
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Evidence, Medium
from consentry.domain.evidence.case import ErasedEntries, Material, ReceiptLine, build_case
from consentry.domain.evidence.gaps import TABLE, Gap, find_gaps
from consentry.domain.evidence.local_time import find_local_time, spell_offset
from consentry.domain.evidence.scope import Scope
from consentry.domain.evidence.words import read_word
from consentry.domain.gate import Decision, MessageKind, Verdict
from consentry.domain.in_force import History, Step, Then, hold_whole
from consentry.domain.keywords import read_carrier, read_legal
from consentry.domain.messages import Direction, Message, MessageStatus, Removal
from consentry.domain.reading import SenderKind
from consentry.domain.rules.places import WhereaboutsBy
from consentry.domain.standing import Place
from memory_store import START

pytestmark = pytest.mark.unit

PERSON_ACTS = Actor(ActorKind.PERSON, PERSON)
LATER = minute(600)
SCOPE = Scope(PERSON, LATER)
NOW = Then(DIRECTORY, POLICY, is_recorded=False)
RECORDED = History([Step(minute(-1), "ent_0", hold_whole(DIRECTORY, POLICY))], NOW)
HTML = "<p>Deals from Acme</p>"
CALL = CallToAction(
    id="deals",
    version=2,
    program=PROMO.id,
    medium=CallMedium.WEB,
    locale="en",
    wording=Wording("Deals"),
    text="Deals from Acme",
    html=HTML,
    sha256=sha256(HTML.encode()).hexdigest(),
    created_at=START,
)
ON_THE_WEB = Evidence(
    Medium.WEB,
    at=START,
    call_to_action=CALL.text,
    call_to_action_version="deals/2",
    call_to_action_sha256=CALL.sha256,
    ip="192.0.2.1",
    clock="of the page's server",
)


def entry(number: int, kind: EntryKind = EntryKind.OPTED_IN, **fields: object) -> Entry:
    """Make an entry of the person, a minute after the one before."""
    values: dict[str, object] = {
        "id": f"ent_{number}",
        "recipient": PERSON,
        "kind": kind,
        "at": minute(number),
        "recorded_at": minute(number),
        "actor": PERSON_ACTS,
        "sender": LONG.number,
    }
    return Entry(**(values | fields))  # type: ignore[arg-type]


def text(number: int, **fields: object) -> Message:
    """Make a text that came in."""
    values: dict[str, object] = {
        "id": f"msg_{number}",
        "recipient": PERSON,
        "sender": LONG.number,
        "direction": Direction.INBOUND,
        "status": MessageStatus.RECEIVED,
        "body": "Hello",
        "created_at": minute(number),
        "updated_at": minute(number),
        "actor": PERSON_ACTS,
    }
    return Message(**(values | fields))  # type: ignore[arg-type]


def sent(number: int, **fields: object) -> Message:
    """Make a text of ours that was handed over."""
    values: dict[str, object] = {
        "direction": Direction.OUTBOUND,
        "status": MessageStatus.SENT,
        "submitted_at": minute(number),
        "carrier_message_id": f"SM{number}",
    }
    return text(number, **(values | fields))


def material(
    entries: Iterable[Entry] = (), messages: Iterable[Message] = (), **fields: object
) -> Material:
    """Make the material of a case."""
    values: dict[str, object] = {
        "scope": SCOPE,
        "made_at": LATER,
        "entries": tuple(entries),
        "messages": {message.id: message for message in messages},
        "receipts": {},
        "calls": {},
        "history": RECORDED,
        "directory": DIRECTORY,
        "covered": frozenset(e.id for e in entries),
        "has_timestamp": True,
    }
    return Material(**(values | fields))  # type: ignore[arg-type]


def gaps_of(found: Material, *unwritten: str) -> dict[str, Gap]:
    """Find the gaps, but for what is said of every bundle."""
    gaps = find_gaps(build_case(found), unwritten)
    return {gap.id: gap for gap in gaps if gap.id != "server_clock"}


def decided(verdict: Verdict = Verdict.ALLOW, version: str = POLICY.version) -> Decision:
    """Make a decision."""
    return Decision(verdict, None, "told", version, START, rules=("rule",))


def test_a_scope_keeps_what_bears_on_consent() -> None:
    """Entries of the period, consent from before it, nothing from after, nothing of staff."""
    scope = Scope(PERSON, minute(10), since=minute(5))
    for kept, of in (
        (True, entry(6, EntryKind.SEND_ACCEPTED)),
        (False, entry(4, EntryKind.SEND_ACCEPTED)),
        (True, entry(4, EntryKind.CONSENT_GRANTED)),
        (False, entry(11)),
        (False, entry(6, EntryKind.CUSTOMER_VIEWED)),
    ):
        assert scope.keeps(of, DIRECTORY) is kept
    assert scope.keeps_text(text(6))
    assert not scope.keeps_text(text(4))
    assert not scope.keeps_text(text(11))
    assert SCOPE.keeps_text(text(4))


def test_a_scope_is_held_to_senders_or_to_a_brand() -> None:
    """What another sender or brand did is left out, what is about none stays."""
    by_sender = Scope(PERSON, LATER, senders=(LONG.number,))
    by_brand = Scope(PERSON, LATER, senders=(LONG.number,), brand="acme")
    for scope in (by_sender, by_brand):
        assert scope.keeps(entry(1), DIRECTORY)
        assert not scope.keeps(entry(1, sender=FOREIGN.number), DIRECTORY)
        assert scope.keeps(entry(1, sender=None), DIRECTORY)
        assert scope.keeps(entry(1, sender=None, program="unknown"), DIRECTORY)
        assert scope.keeps(entry(1, sender=None, program=LONG.conversation), DIRECTORY)
        assert not scope.keeps_text(text(1, sender=FOREIGN.number))
    assert by_brand.keeps(entry(1, sender=None, program=PROMO.id), DIRECTORY)
    assert not by_brand.keeps(entry(1, sender=None, program="foreign-promo"), DIRECTORY)
    assert not by_sender.keeps(entry(1, sender=None, program=PROMO.id), DIRECTORY)


def test_local_time_is_one_clock_or_a_range() -> None:
    """A zone gives one time with its offset; a number that may be anywhere gives the range."""
    at = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    london = find_local_time(at, PERSON, AT_NOON)
    assert (london.says, london.by) == ("2026-11-23 20:00 UTC+0", WhereaboutsBy.ZONE)
    kathmandu = find_local_time(at, PERSON, Place(zone="Asia/Kathmandu"))
    assert kathmandu.says == "2026-11-24 01:45 UTC+5:45"
    anywhere = find_local_time(at, "+18005550100", None)
    assert anywhere.by is WhereaboutsBy.UNKNOWN
    assert anywhere.says == "2026-11-23 10:00 to 15:00"
    assert spell_offset(at.astimezone(find_local_time(at, "+14155550142", None).latest.tzinfo)) == (
        "UTC-8"
    )


def test_a_word_says_how_fast_it_took_effect() -> None:
    """From the text's arrival, or from being told; what says nothing of consent is no word."""
    stop = entry(
        3,
        EntryKind.OPTED_OUT,
        text="stop texting me",
        message="msg_2",
        legal_reading=read_legal("stop texting me"),
    )
    confirmed = sent(4, kind=MessageKind.OPT_OUT_CONFIRMATION, created_at=minute(3))
    before = sent(1, kind=MessageKind.OPT_OUT_CONFIRMATION)
    texts = {m.id: m for m in (text(2), confirmed, before, sent(5))}
    word = read_word(stop, texts)
    assert word is not None
    assert (word.verbatim, word.field, word.received_at) == (stop.text, "text", minute(2))
    assert word.seconds == 60
    assert word.confirmation is not None
    assert (word.confirmation.message, word.confirmation.seconds) == ("msg_4", 60)
    assert word.confirmation.is_in_time
    late = read_word(stop, {"msg_9": sent(9, kind=MessageKind.OPT_OUT_CONFIRMATION)})
    assert late is not None
    assert late.confirmation is not None
    assert not late.confirmation.is_in_time
    assert late.received_at is late.seconds is None
    unanswered = read_word(stop, {})
    assert unanswered is not None
    assert unanswered.confirmation is None
    carrier = read_carrier("STOP", carrier="twilio", kind=SenderKind.LONG_CODE, at=START)
    by_carrier = read_word(entry(3, EntryKind.OPTED_OUT, carrier_reading=carrier), texts)
    assert by_carrier is not None
    assert by_carrier.confirmation is not None
    assert by_carrier.confirmation.by_carrier
    assert by_carrier.confirmation.is_in_time
    assert read_word(entry(3, EntryKind.SEND_ACCEPTED), texts) is None


def test_what_was_told_has_its_legal_clock() -> None:
    """An opt-out by phone counts from when it was told, in the words that the agent wrote down."""
    from consentry.domain.standing import Cause, Suppression  # noqa: PLC0415 - only here

    told = entry(
        3,
        EntryKind.SUPPRESSED,
        recorded_at=minute(63),
        evidence=Evidence(Medium.PHONE, verbatim="never again"),
        pieces=(Suppression("acme", Cause.AGENT, minute(3), "ent_3"),),
    )
    word = read_word(told, {})
    assert word is not None
    assert word.clock is not None
    assert (word.seconds, word.verbatim, word.field) == (3600, "never again", "evidence.verbatim")


def test_the_log_has_texts_and_refusals_in_order() -> None:
    """Each with the gate's last word, the receipts, and the person's time as it was known then."""
    moved = entry(2, EntryKind.PLACE_CHANGED, pieces=(AT_NOON,))
    accepted = entry(3, EntryKind.SEND_ACCEPTED, message="msg_3", decision=decided())
    claimed = entry(4, EntryKind.JOB_CLAIMED, message="msg_3", decision=decided())
    refused = entry(5, EntryKind.SEND_REFUSED, decision=decided(Verdict.DENY), text="no")
    receipt = ReceiptLine(MessageStatus.DELIVERED, minute(4))
    case = build_case(
        material(
            (moved, accepted, claimed, refused),
            (sent(3), text(1), sent(6, submitted_at=None, carrier_message_id=None)),
            receipts={"SM3": (receipt,)},
        )
    )
    assert [None if line.message is None else line.message.id for line in case.log] == [
        "msg_1",
        "msg_3",
        None,
        "msg_6",
    ]
    first, allowed, denied, _ = case.log
    assert (first.decision, first.local.by) == (None, WhereaboutsBy.PREFIX)
    assert (allowed.entry, allowed.receipts) == (claimed, (receipt,))
    assert allowed.local.by is WhereaboutsBy.ZONE
    assert denied.entry == refused
    assert case.standing.place == AT_NOON
    assert [(then.version, then.decisions) for then in case.policies] == [(POLICY.version, 3)]
    assert case.policies[0].policy == POLICY


def test_consent_is_held_against_its_list_by_the_rules_of_then() -> None:
    """Marketing is judged item by item, other programs by none, unknown ones not at all."""
    kind = EntryKind.CONSENT_GRANTED
    of_other = entry(1, kind, program="gone", evidence=ON_THE_WEB)
    of_news = entry(2, kind, program=NEWS.id, evidence=ON_THE_WEB)
    asked = entry(3, EntryKind.CONSENT_REQUESTED, program=PROMO.id, evidence=ON_THE_WEB)
    yes = Evidence(Medium.TEXT, verbatim="YES")
    granted = entry(4, kind, program=PROMO.id, evidence=yes)
    young = msgspec.structs.replace(
        DIRECTORY,
        programs=DIRECTORY.programs | {"new": msgspec.structs.replace(NEWS, id="new")},
    )
    of_new = entry(5, kind, program="new", evidence=ON_THE_WEB)
    entries = (of_other, of_news, asked, granted, of_new)
    case = build_case(material(entries, calls={"deals/2": CALL}, directory=young))
    new, promo, news = case.checklists
    assert (promo.program, promo.entry, promo.brand) == (PROMO, granted, "Acme")
    assert promo.evidence.call_to_action == CALL.text
    assert promo.evidence.verbatim == "YES"
    assert 0 < promo.missing < len(promo.items)
    assert news.items == new.items == ()
    assert new.program.id == "new"


def test_nothing_is_missing_where_all_is_there() -> None:
    """Only what holds for every bundle is said."""
    granted = entry(2, EntryKind.CONSENT_GRANTED, program=PROMO.id, evidence=ON_THE_WEB)
    place = entry(1, EntryKind.PLACE_CHANGED, pieces=(AT_NOON,))
    whole = material((place, granted), (text(3),), calls={"deals/2": CALL})
    assert gaps_of(whole) == {}
    assert gaps_of(material()) == {}
    assert [gap.id for gap in find_gaps(build_case(whole))] == ["server_clock"]


def test_every_gap_is_found_counted_and_named() -> None:
    """Each of the table's rows has a case in which it is said, with how often and of what."""
    kind = EntryKind.CONSENT_GRANTED
    bare = Evidence(Medium.WEB)
    wording_only = Evidence(Medium.PAPER, call_to_action="Deals", clock="ours")
    unknown_version = msgspec.structs.replace(ON_THE_WEB, call_to_action_version="deals/9")
    decision = decided(version="other")
    unrecorded = History([], NOW)
    granted = [
        entry(1, kind, program=PROMO.id, evidence=bare),
        entry(2, kind, program=PROMO.id),
        entry(3, kind, program=PROMO.id, evidence=wording_only),
        entry(4, kind, program=PROMO.id, evidence=unknown_version),
        entry(5, kind, program=PROMO.id, evidence=ON_THE_WEB),
        entry(6, kind, program=PROMO.id, evidence=Evidence(Medium.TEXT, verbatim="YES")),
        entry(7, kind, program=LONG.conversation),
        entry(8, EntryKind.SEND_ACCEPTED, message="msg_8", decision=decision),
        entry(9, EntryKind.SEND_ACCEPTED, message="msg_gone"),
    ]
    texts = [
        sent(8, carrier_message_id=None, status=MessageStatus.INDETERMINATE),
        sent(9, removal=Removal.BODY),
        sent(10, submitted_at=None, carrier_message_id="SM10"),
        sent(11, status=MessageStatus.CANCELED),
        sent(12, status=MessageStatus.QUEUED, submitted_at=None),
    ]
    changed = msgspec.structs.replace(CALL, html="other")
    found = gaps_of(
        material(
            granted,
            texts,
            calls={"deals/2": changed},
            history=unrecorded,
            covered=frozenset({"ent_1"}),
            has_timestamp=False,
            erased=(ErasedEntries("ent_erased", 2),),
            left_out=3,
        ),
        "U+8C22",
    )
    named = {name: (gap.count, next(iter(gap.named), None)) for name, gap in found.items()}
    assert named == {
        "not_covered": (8, "ent_2"),
        "erased": (2, "ent_erased"),
        "wording_differs": (1, "deals/2"),
        "wording_not_stored": (1, "deals/9"),
        "wording_unknown": (2, "ent_1"),
        "wording_without_version": (1, "ent_3"),
        "text_missing": (1, "msg_gone"),
        "text_removed": (1, "msg_9"),
        "rules_unrecorded": (1, "ent_8"),
        "policy_unknown": (1, "other"),
        "outcome_unknown": (1, "msg_8"),
        "carrier_id_missing": (1, "msg_8"),
        "receipt_missing": (3, "msg_8"),
        "address_missing": (1, "ent_1"),
        "clock_unknown": (3, "ent_1"),
        "no_timestamp": (1, "checkpoint.txt"),
        "texts_outside_ledger": (3, "msg_8"),
        "left_out": (3, None),
        "letters": (1, "U+8C22"),
    }
    no_checkpoint = gaps_of(material(granted[:1], covered=None))
    assert "no_checkpoint" in no_checkpoint
    assert "not_covered" not in no_checkpoint
    far = msgspec.structs.replace(SCOPE, recipient="+18005550199")
    assert gaps_of(material((), (text(1),), scope=far))["place_unsure"].count == 1
    rows = {row.id for row in TABLE.gaps}
    assert rows == {*found, "no_checkpoint", "place_unsure", "server_clock"}


def test_another_html_than_the_consent_names_is_a_gap() -> None:
    """The stored version may be whole, and still not be the one that the person was shown."""
    other = msgspec.structs.replace(ON_THE_WEB, call_to_action_sha256="0" * 64)
    granted = entry(1, EntryKind.CONSENT_GRANTED, program=PROMO.id, evidence=other)
    found = gaps_of(material((granted,), calls={"deals/2": CALL}))
    assert found["wording_differs"].named == ("deals/2",)


def test_a_gap_names_the_first_twenty_and_counts_all() -> None:
    """A long list is cut, and its count is not."""
    many = [sent(n, removal=Removal.BODY) for n in range(30)]
    gap = gaps_of(material((), many))["text_removed"]
    assert (gap.count, len(gap.named)) == (30, 20)
