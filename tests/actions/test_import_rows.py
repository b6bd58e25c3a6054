"""Rows of a list decided many at a time: as if each had come alone, and revocations win."""

from datetime import timedelta

import msgspec
import pytest

from action_world import World
from consent_world import LONG, OTHER_PERSON, PERSON
from consentry.actions.import_rows import (
    BeginImport,
    Decided,
    FinishImport,
    ImportSlice,
    TryRows,
)
from consentry.actions.import_words import ListedRow, make_ready
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import conversation_program
from consentry.domain.entries import Actor, ActorKind, EntryKind, Medium
from consentry.domain.gate import Verdict
from consentry.domain.imports import ImportAim, ImportKind, ImportRun, RowOutcome, list_rows
from consentry.domain.listed_numbers import ListedNumber, UnreadableLine
from consentry.domain.messages import MessageStatus
from consentry.domain.standing import ConsentState
from consentry.ports import Rejected
from memory_store import START

pytestmark = pytest.mark.unit

BY = Actor(ActorKind.AGENT, "agt_1")
OPT_OUTS = ImportAim(ImportKind.OPT_OUTS, "Old system", "abc", "agt_1", brand="acme")
NEWS = ImportAim(ImportKind.CONSENTS, "Forms", "abc", "agt_1", program="news")
TALK = ImportAim(
    ImportKind.CONSENTS,
    "Old carrier",
    "abc",
    "agt_1",
    program=conversation_program(LONG.number),
    texted="Ada of Acme",
)
RESUBSCRIBED = ListedNumber(2, PERSON, "", "2026-11-23", START, "START")


def begin(world: World, aim: ImportAim = OPT_OUTS) -> ImportRun:
    """Begin an import."""
    return world.store.run(BeginImport("imp_1", "key", aim, BY))


def bring(world: World, *rows: ListedRow, aim: ImportAim = OPT_OUTS) -> list[Decided]:
    """Begin, decide all rows at once, and finish."""
    begin(world, aim)
    _, decided = world.store.run(ImportSlice("imp_1", 0, 0, make_ready(rows), aim))
    world.store.run(FinishImport("imp_1", len(rows), BY))
    return decided


def outcomes(decided: list[Decided]) -> list[RowOutcome]:
    """Tell what became of the rows."""
    return [one.outcome for one in decided]


def test_a_slice_writes_its_rows_and_how_far_the_import_has_come() -> None:
    """Bad rows stop nobody; where the rows went is kept without the numbers."""
    world = World()
    rows = (
        UnreadableLine(2, "415-nobody", "no number"),
        ListedNumber(3, PERSON, "asked", "2026-11-01", START),
        ListedNumber(4, OTHER_PERSON),
    )
    assert outcomes(bring(world, *rows)) == [
        RowOutcome.UNREADABLE,
        RowOutcome.RECORDED,
        RowOutcome.RECORDED,
    ]
    run = world.store.imports["imp_1"]
    assert (run.position, run.parts, run.finished_at) == (3, 1, world.clock.now())
    assert run.counts == {"recorded": 2, "unreadable": 1}
    (part,) = world.store.import_parts
    assert part.rows == {"unreadable": [2], "recorded": [3, 4]}
    assert part.why == {}
    first, _, audited = world.store.entries
    assert first.evidence is not None
    assert first.evidence.note == (
        "Old system, row 3, SHA-256 abc; claimed date 2026-11-01; brought in by agt_1"
    )
    assert (first.actor.kind, first.actor.id) == (ActorKind.IMPORT, "imp_1")
    assert (audited.kind, audited.actor) == (EntryKind.IMPORTED, BY)
    assert audited.text == (
        "opt-outs (from Old system, SHA-256 abc, import imp_1): 1 unreadable, 2 recorded"
    )


def test_what_waits_for_an_imported_number_is_canceled() -> None:
    """In the same transaction; and what is with the carrier is told."""
    world = World()
    world.receive("Hello")
    world.send()
    (work,) = world.claim(limit=1)
    waiting = world.send(send_at=START + timedelta(days=30))
    (decided,) = bring(world, ListedNumber(2, PERSON))
    assert decided.in_flight == (work.message.id,)
    assert world.message(waiting.message).status is MessageStatus.CANCELED
    assert world.send().decision.decision is Verdict.DENY


def test_a_number_that_comes_twice_in_a_slice_sees_its_first_row() -> None:
    """As if the rows had come one by one."""
    world = World()
    rows = (ListedNumber(2, PERSON), ListedNumber(3, PERSON, "again"))
    assert outcomes(bring(world, *rows)) == [RowOutcome.RECORDED, RowOutcome.STANDS]
    assert world.kinds().count(EntryKind.SUPPRESSED) == 1


def test_who_came_back_since_stays_back() -> None:
    """The list is older than their own START."""
    world = World()
    bring(world, ListedNumber(2, PERSON))
    world.clock.advance(minutes=5)
    world.receive("START")
    again = msgspec.structs.replace(OPT_OUTS, digest="other")
    world.store.imports.clear()
    assert outcomes(bring(world, ListedNumber(2, PERSON), aim=again)) == [RowOutcome.CAME_BACK]
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN


def test_a_slice_that_is_not_the_next_one_is_refused() -> None:
    """Somebody else went on with the import: neither writes the other's rows again."""
    world = World()
    begin(world)
    rows = (ListedNumber(2, PERSON),)
    world.store.run(ImportSlice("imp_1", 0, 0, make_ready(rows), OPT_OUTS))
    with pytest.raises(Rejected, match="Somebody else"):
        world.store.run(ImportSlice("imp_1", 0, 0, make_ready(rows), OPT_OUTS))
    with pytest.raises(Rejected, match="Somebody else"):
        world.store.run(ImportSlice("imp_2", 0, 0, make_ready(rows), OPT_OUTS))
    with pytest.raises(Rejected, match="rows left"):
        world.store.run(FinishImport("imp_1", 2, BY))
    with pytest.raises(Rejected, match="rows left"):
        world.store.run(FinishImport("imp_2", 2, BY))
    finished = world.store.run(FinishImport("imp_1", 1, BY))
    assert world.store.run(FinishImport("imp_1", 1, BY)) == finished
    assert world.kinds().count(EntryKind.IMPORTED) == 1
    with pytest.raises(Rejected, match="Somebody else"):
        world.store.run(ImportSlice("imp_1", 1, 0, make_ready(rows), OPT_OUTS))


@pytest.mark.parametrize(
    ("aim", "code"),
    [
        (msgspec.structs.replace(OPT_OUTS, brand="nobody"), "unknown_brand"),
        (msgspec.structs.replace(NEWS, program="nothing"), "unknown_program"),
        (msgspec.structs.replace(NEWS, program=None), "unknown_program"),
    ],
)
def test_an_import_for_nothing_that_there_is_does_not_begin(aim: ImportAim, code: str) -> None:
    """Nor does a look at it, and nothing is kept."""
    world = World()
    for command in (BeginImport("imp_1", "key", aim, BY), TryRows(make_ready(()), aim)):
        with pytest.raises(Rejected) as caught:
            world.store.run(command)  # type: ignore[arg-type]
        assert caught.value.code == code
    assert world.store.imports == {}


def test_an_empty_list_is_finished_at_once() -> None:
    """It says so."""
    world = World()
    begin(world)
    world.store.run(FinishImport("imp_1", 0, BY))
    assert str(world.last_entry(EntryKind.IMPORTED).text).endswith("import imp_1): no rows")


# --- Consents -----------------------------------------------------------------------------------


def test_a_consent_given_elsewhere_waits_for_the_handset() -> None:
    """A typed number is no consent; bringing it in again changes nothing."""
    world = World()
    row = ListedNumber(2, PERSON, "", "2026-11-01", START - timedelta(days=22))
    rows = (row, msgspec.structs.replace(row, line=3))
    assert outcomes(bring(world, *rows, aim=NEWS)) == [RowOutcome.PENDING, RowOutcome.STANDS]
    consent = world.standing().consent("news")
    assert consent is not None
    assert consent.state is ConsentState.PENDING
    entry = world.last_entry(EntryKind.CONSENT_GRANTED)
    assert entry.evidence is not None
    assert entry.evidence.medium is Medium.IMPORT
    assert "Forms, row 2, SHA-256 abc; claimed date 2026-11-01" in str(entry.evidence.note)


@pytest.mark.parametrize("days", [-40, 40])
def test_no_grant_of_a_list_beats_a_revocation(days: int) -> None:
    """Neither one that is older than it nor one that claims to be newer."""
    world = World()
    world.receive("STOP")
    world.clock.advance(days=60)
    row = ListedNumber(2, PERSON, "", "then", START + timedelta(days=days), "JOIN")
    (decided,) = bring(world, row, aim=TALK)
    assert decided.outcome is RowOutcome.WITHDREW
    assert world.kinds().count(EntryKind.CONSENT_GRANTED) == 0
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT


def test_a_consent_to_a_brand_that_was_stopped_waits_or_is_left() -> None:
    """A newer grant to a program of a stopped brand waits for the carrier; an older one is left."""
    world = World()
    world.receive("STOP")
    world.clock.advance(days=60)
    newer = ListedNumber(2, PERSON, "", "then", START + timedelta(days=40))
    older = ListedNumber(3, PERSON, "", "then", START - timedelta(days=40))
    decided = bring(world, newer, older, aim=NEWS)
    assert outcomes(decided) == [RowOutcome.PENDING, RowOutcome.WITHDREW]
    assert "must text START" in str(decided[0].why)


def test_a_moved_number_keeps_what_was_texted_to_it_if_somebody_vouches() -> None:
    """It counts at once, with the text, its date and who vouches in the evidence."""
    world = World()
    moved = msgspec.structs.replace(RESUBSCRIBED, at=START - timedelta(days=1))
    decided = bring(world, moved, msgspec.structs.replace(moved, line=3), aim=TALK)
    assert outcomes(decided) == [RowOutcome.RECORDED, RowOutcome.STANDS]
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    evidence = world.last_entry(EntryKind.CONSENT_GRANTED).evidence
    assert evidence is not None
    assert (evidence.medium, evidence.verbatim) == (Medium.TEXT, "START")
    assert evidence.clock == "the other system's"
    assert str(evidence.note).endswith("texted by this handset according to Ada of Acme")


@pytest.mark.parametrize("text", ["STOP", "please do not text me any more", "Wrong number"])
@pytest.mark.parametrize("days", [-1, 1])
def test_an_opt_out_among_moved_texts_is_one(text: str, days: int) -> None:
    """In whatever order the rows stand: a log of what came in has those who said stop, too."""
    hello = ListedNumber(2, PERSON, "", "2026-11-23T10:00:00Z", START, "Hello")
    stop = ListedNumber(3, PERSON, "", "", START + timedelta(days=days), text)
    for rows in ((hello, stop), (stop, hello), (stop,)):
        world = World()
        world.clock.advance(minutes=5)
        begin(world, TALK)
        decided = []
        for place, row in enumerate(rows):
            _, found = world.store.run(ImportSlice("imp_1", place, place, make_ready((row,)), TALK))
            decided += found
        assert next(d for d in decided if d.row is stop).outcome is RowOutcome.WITHDREW
        evidence = world.last_entry(EntryKind.SUPPRESSED).evidence
        assert evidence is not None
        assert evidence.verbatim == text
        assert world.send().decision.decision is Verdict.DENY
        assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT
        world = World()
        assert RowOutcome.WITHDREW in outcomes(bring(world, *rows, aim=TALK))
        assert world.send().decision.decision is Verdict.DENY


@pytest.mark.parametrize(
    ("text", "is_what"), [("no thanks", "perhaps an opt-out"), ("Help", "a call for help")]
)
def test_a_moved_text_that_is_no_consent_is_refused(text: str, is_what: str) -> None:
    """Nobody is asked about what may be an opt-out, and HELP is none: neither is a consent."""
    world = World()
    (decided,) = bring(world, ListedNumber(2, PERSON, "", "", START, text), aim=TALK)
    assert decided.outcome is RowOutcome.REFUSED
    assert decided.why == f"This text is {is_what}, and no consent."
    assert world.send().decision.decision is Verdict.DENY


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("STOP", RowOutcome.WITHDREW),
        ("no thanks", RowOutcome.REFUSED),
        ("HELP", RowOutcome.REFUSED),
        ("I agree", RowOutcome.PENDING),
    ],
)
def test_words_of_a_list_are_read_whoever_vouches(text: str, outcome: RowOutcome) -> None:
    """Nobody vouches for this list, and a STOP in it counts for the brand all the same."""
    world = World()
    world.receive("Hello")
    waiting = world.send(send_at=world.clock.now() + timedelta(hours=1))
    assert outcomes(bring(world, ListedNumber(2, PERSON, "", "", START, text), aim=NEWS)) == [
        outcome
    ]
    is_stopped = outcome is RowOutcome.WITHDREW
    wanted = MessageStatus.CANCELED if is_stopped else MessageStatus.SCHEDULED
    assert world.message(waiting.message).status is wanted
    suppressed = world.standing().suppression("acme")
    assert (suppressed is not None and suppressed.active) is is_stopped
    stranger = ListedNumber(2, OTHER_PERSON, "", "", START, text)
    assert outcomes(bring(World(), stranger, aim=NEWS)) == [outcome]


def test_a_moved_number_without_its_date_or_text_is_refused() -> None:
    """Nothing is guessed; and the reasons are kept with the rows."""
    world = World()
    rows = (
        msgspec.structs.replace(RESUBSCRIBED, at=None),
        msgspec.structs.replace(RESUBSCRIBED, line=3, text=""),
    )
    decided = bring(world, *rows, aim=TALK)
    assert outcomes(decided) == [RowOutcome.REFUSED] * 2
    (part,) = world.store.import_parts
    assert (list(part.shared), part.why) == (["refused"], {})
    assert "needs its date" in part.shared["refused"]
    assert world.kinds() == [EntryKind.IMPORTED]


def test_reasons_that_differ_are_kept_row_by_row() -> None:
    """Those that all rows of an outcome share are kept once."""
    world = World()
    rows = (
        ListedNumber(2, PERSON, "", "2026-11-23", START, "HELP"),
        ListedNumber(3, OTHER_PERSON, "", "2026-11-23", START, "start your car"),
        msgspec.structs.replace(RESUBSCRIBED, line=4, at=None),
    )
    decided = bring(world, *rows, aim=TALK)
    (part,) = world.store.import_parts
    kept = {one.row: (one.outcome, one.why) for one in list_rows([part])}
    assert kept == {one.row.line: (one.outcome, one.why) for one in decided}
    assert len(part.why) >= 2


def test_an_express_consent_to_marketing_is_kept_pending() -> None:
    """It is not express written consent, and nothing of a list makes it so."""
    world = World()
    aim = msgspec.structs.replace(NEWS, program="promo")
    assert outcomes(bring(world, ListedNumber(2, PERSON), aim=aim)) == [RowOutcome.PENDING]
    refused = world.send(program="promo")
    assert refused.decision.decision is Verdict.DENY


def test_an_implied_consent_that_ran_out_long_ago_is_left() -> None:
    """Where the law ends it after a while, as in Canada."""
    world = World()
    canadian = ListedNumber(2, "+14165550142", "", "then", START - timedelta(days=4000), "Hi")
    assert outcomes(bring(world, canadian, aim=TALK)) == [RowOutcome.EXPIRED]
    assert world.kinds() == [EntryKind.IMPORTED]


def test_a_consent_that_is_active_is_not_made_less() -> None:
    """A list of typed numbers changes nothing for who has texted."""
    world = World()
    world.receive("Hello")
    typed = msgspec.structs.replace(TALK, texted=None)
    assert outcomes(bring(world, ListedNumber(2, PERSON), aim=typed)) == [RowOutcome.STANDS]
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN


def test_a_try_writes_nothing_and_says_what_would_stand() -> None:
    """With what earlier rows of the list would have led to."""
    world = World()
    repeated = frozenset({PERSON})
    first, second = (make_ready((ListedNumber(line, PERSON),)) for line in (2, 3))
    decided, after = world.store.run(TryRows(first, OPT_OUTS, repeated))
    assert outcomes(decided) == [RowOutcome.RECORDED]
    again, _ = world.store.run(TryRows(second, OPT_OUTS, repeated, after))
    assert outcomes(again) == [RowOutcome.STANDS]
    assert world.kinds() == []
