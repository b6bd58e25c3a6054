"""A list of people who signed up elsewhere: who is asked, and who is left alone."""

from datetime import timedelta

import msgspec
import pytest

from action_world import World
from consent_world import LONG, NEWS, OTHER_PERSON, PERSON
from consentry.actions.import_consents import (
    ConsentList,
    ImportConsent,
    Row,
    count_rows,
    find_counting,
    read_asked,
    sort_lines,
)
from consentry.actions.import_opt_outs import RepeatedNumber, read_list
from consentry.domain.entries import ActorKind, EntryKind, Medium
from consentry.domain.listed_numbers import ListedNumber, UnreadableLine
from consentry.domain.messages import MessageStatus
from consentry.ports import Rejected
from memory_store import START

pytestmark = pytest.mark.unit

SOURCE = ConsentList("imp_1", "signed.csv", "0" * 64, "Ann", NEWS.id)
LINE = ListedNumber(2, PERSON, "Form 1142", "2026-11-01", None)


def test_everybody_new_is_asked_with_where_they_come_from() -> None:
    """Paper, the claimed date, the file's hash and row; by day, as any list."""
    world = World()
    imported = world.store.run(ImportConsent(LINE, SOURCE))
    assert imported.row is Row.ASKED
    entry = world.last_entry(EntryKind.CONSENT_REQUESTED)
    assert (entry.actor.kind, entry.actor.id) == (ActorKind.IMPORT, "imp_1")
    assert entry.evidence is not None
    assert entry.evidence.medium is Medium.PAPER
    assert entry.evidence.note == (
        f"signed.csv, row 2, SHA-256 {'0' * 64}; claimed date 2026-11-01; brought in by Ann"
    )
    (message,) = world.store.messages.values()
    assert message.status is MessageStatus.SCHEDULED


def test_the_same_list_again_asks_nobody_and_writes_nothing() -> None:
    """So it can be brought in again after it broke off."""
    world = World()
    world.store.run(ImportConsent(LINE, SOURCE))
    count = len(world.store.entries)
    assert world.store.run(ImportConsent(LINE, SOURCE)).row is Row.KNOWN
    assert len(world.store.entries) == count


@pytest.mark.parametrize("text", ["no thanks", "Help"])
def test_whose_words_are_no_consent_is_not_asked(text: str) -> None:
    """Nor is anything written."""
    world = World()
    imported = world.store.run(ImportConsent(msgspec.structs.replace(LINE, text=text), SOURCE))
    assert (imported.row, "and no consent" in imported.note) == (Row.HELD, True)
    assert (world.store.entries, world.store.messages) == ([], {})


def test_an_opt_out_in_a_list_counts_as_one() -> None:
    """A list that has what people texted has those who said stop, too; a dry run writes nothing."""
    world = World()
    world.receive("Hello")
    waiting = world.send(send_at=world.clock.now() + timedelta(hours=1))
    line = msgspec.structs.replace(LINE, text="stop please")
    assert world.store.run(ImportConsent(line, SOURCE, is_dry=True)).row is Row.WITHDREW
    assert world.standing().suppression("acme") is None
    for _ in range(2):
        assert world.store.run(ImportConsent(line, SOURCE)).row is Row.WITHDREW
    suppressed = world.standing().suppression("acme")
    assert suppressed is not None
    assert suppressed.active
    assert world.message(waiting.message).status is MessageStatus.CANCELED
    (entry,) = [e for e in world.store.entries if e.kind is EntryKind.SUPPRESSED]
    assert entry.evidence is not None
    assert entry.evidence.verbatim == "stop please"
    assert "row 2" in str(entry.evidence.note)


def test_a_dry_run_says_the_same_and_writes_nothing() -> None:
    """The counts are exact: the same decision is made."""
    world = World()
    assert world.store.run(ImportConsent(LINE, SOURCE, is_dry=True)).row is Row.ASKED
    assert world.store.entries == []
    assert world.store.run(ImportConsent(LINE, SOURCE)).row is Row.ASKED


@pytest.mark.parametrize("claimed", [None, START])
def test_a_revocation_wins(claimed: object) -> None:
    """Whatever date the list claims; nothing is written."""
    world = World()
    world.receive("STOP")
    count = len(world.store.entries)
    line = ListedNumber(2, PERSON, at=START if claimed else None)
    assert world.store.run(ImportConsent(line, SOURCE)).row is Row.WITHDREW
    assert len(world.store.entries) == count


def test_a_program_that_nobody_can_be_asked_for_is_refused() -> None:
    """For the whole list alike."""
    world = World()
    source = ConsentList("imp_1", "signed.csv", "", "Ann", LONG.conversation)
    with pytest.raises(Rejected, match="conversation"):
        world.store.run(ImportConsent(LINE, source))


def test_lines_are_sorted_and_counted() -> None:
    """Those without a new number have their fate already; no date is said to be none."""
    text = f"number\n{PERSON}\n{PERSON}\nnobody\n"
    sorted_lines = list(sort_lines(read_list(text, region="US")))
    assert [row for _, row in sorted_lines] == [None, Row.REPEATED, Row.UNREADABLE]
    counts = count_rows([Row.ASKED, Row.REPEATED, Row.ASKED])
    assert (counts["asked"], counts["repeated"], counts["held"]) == (2, 1, 0)
    world = World()
    world.store.run(ImportConsent(ListedNumber(1, PERSON), SOURCE))
    entry = world.last_entry(EntryKind.CONSENT_REQUESTED)
    assert entry.reason == "signed.csv"
    assert entry.evidence is not None
    assert "no date given" in (entry.evidence.note or "")


def test_of_a_number_that_comes_again_the_line_with_a_no_counts() -> None:
    """Wherever it stands; HELP and what is unclear count before a yes too."""
    words = {
        PERSON: ["I agree", "HELP", "stop please", "STOP"],
        OTHER_PERSON: ["I agree", "no thanks", "Help"],
        "+14155550177": ["I agree", "yes"],
    }
    lines = [f"{number},{word}" for number, said in words.items() for word in said]
    text = "\n".join(["number,text", *lines, "nobody,STOP"])
    found = list(read_asked(text, find_counting(text, region="US"), region="US"))
    assert [line.line for line in found if isinstance(line, ListedNumber)] == [4, 7, 9]
    again = [(line.line, line.first) for line in found if isinstance(line, RepeatedNumber)]
    assert again == [(2, 4), (3, 4), (5, 4), (6, 7), (8, 7), (10, 9)]
    assert isinstance(found[-1], UnreadableLine)
