"""Opt-outs from a list: how it is read, and that an import only ever takes away."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from action_world import World, statement
from consent_world import LONG, PERSON
from consentry.actions.import_opt_outs import (
    Fate,
    Imported,
    ImportOptOut,
    ImportSource,
    ReadLine,
    RepeatedNumber,
    count_lines,
    first_line,
    hash_list,
    name_columns,
    normalize_list,
    read_list,
)
from consentry.actions.record_consent import LiftSuppression, SuppressRecipient
from consentry.domain.consent import PairState, pair_state
from consentry.domain.entries import ActorKind, EntryKind, Medium
from consentry.domain.gate import Verdict
from consentry.domain.import_columns import Column
from consentry.domain.listed_numbers import DayOrder, ListedNumber, UnreadableLine, read_time
from consentry.domain.messages import MessageStatus
from consentry.domain.phone import is_e164_shape
from consentry.domain.standing import EVERYTHING, Cause
from consentry.ports import Rejected
from consentry.wire.delimited import find_delimiter, read_records
from memory_store import START

pytestmark = pytest.mark.unit

SOURCE = ImportSource(
    id="imp_1", name="Old system", digest="abc123", agent="agt_1", brand="acme", by_person=True
)


def read(text: str, region: str | None = "US") -> list[ReadLine]:
    """Read a list as the console does."""
    return list(read_list(normalize_list(text), region=region))


def numbers(text: str) -> list[str]:
    """Read a list of which every line must be good."""
    lines = read(text)
    assert all(isinstance(line, ListedNumber) for line in lines), lines
    return [line.recipient for line in lines if isinstance(line, ListedNumber)]


def put(world: World, line: int = 2, **fields: object) -> Imported:
    """Import the person's number."""
    row = ListedNumber(line, PERSON, **fields)  # type: ignore[arg-type]
    return world.store.run(ImportOptOut(row, SOURCE))


# --- Reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "+14155550142\n+14155550143",
        "\ufeff+14155550142\r\n\r\n(415) 555-0143\r\n",
        "number\n+14155550142\n+14155550143\n",
        "Name,Phone Number,Reason\nAda,415-555-0142,asked\nBen,'+14155550143,",
        'name;phone_number\n"Ada; Lovelace";+14155550142\nBen;+14155550143',
        "phone\tdate\n+1 415 555 0142\t2025-01-02\n+1 415 555 0143",
        "+14155550142,asked on the phone\n+14155550143,by mail",
        '"+14155550142"\n"+14155550143',
    ],
)
def test_a_list_is_read_as_people_export_it(text: str) -> None:
    """With a header or without, by comma, semicolon or tab, and with spreadsheet's marks."""
    assert numbers(text) == ["+14155550142", "+14155550143"]


def test_reason_and_date_are_taken_from_their_columns() -> None:
    """A date is a day or RFC 3339; one that cannot be read is kept as it stands."""
    lines = read(
        "opted_out_at,number,cause\n"
        "2025-01-02T10:00:00-05:00,+14155550142,asked\n"
        "2025-01-02,+14155550143,\n"
        "last spring,+14155550144,wrote to us\n"
        "0001-01-01T00:00:00+14:00,+14155550145,early"
    )
    assert lines == [
        ListedNumber(
            2,
            "+14155550142",
            "asked",
            "2025-01-02T10:00:00-05:00",
            datetime(2025, 1, 2, 15, tzinfo=UTC),
        ),
        ListedNumber(3, "+14155550143", "", "2025-01-02", datetime(2025, 1, 2, tzinfo=UTC)),
        ListedNumber(4, "+14155550144", "wrote to us", "last spring", None),
        ListedNumber(5, "+14155550145", "early", "0001-01-01T00:00:00+14:00", None),
    ]


def test_a_line_without_a_number_says_where_and_why() -> None:
    """Lines are counted as in an editor, empty ones too; a repeat names the first line."""
    bad, good, again = read("\nnobody\n+14155550142\n\n+1 (415) 555-0142")
    assert isinstance(bad, UnreadableLine)
    assert (bad.line, bad.text) == (2, "nobody")
    assert "is not a phone number" in bad.why
    assert good == ListedNumber(3, "+14155550142")
    assert again == RepeatedNumber(5, "+14155550142", 3)


def test_a_number_without_a_country_needs_a_default_region() -> None:
    """Without a default region such a line is refused, and the reason says what to do."""
    (line,) = read("4155550142", region=None)
    assert isinstance(line, UnreadableLine)
    assert "country code" in line.why


def test_a_short_row_has_no_number() -> None:
    """A row that ends before the number's column is told, and an endless cell is no number."""
    short, endless = read("name,number\nAda\n" + "9" * 200_000)
    assert isinstance(short, UnreadableLine)
    assert isinstance(endless, UnreadableLine)
    assert len(endless.text) <= 2000


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
cells = st.one_of(
    texts,
    st.sampled_from(["+14155550142", "4155550143", "number", "date", '"', "'", "2025-01-02", ""]),
)
lists = st.lists(
    st.builds(
        lambda parts, by: by.join(parts), st.lists(cells, max_size=4), st.sampled_from(",;\t")
    ),
    max_size=12,
).map("\n".join)


@pytest.mark.property
@given(lists)
@example('"\n"\n"')
@example("number,number\n,\n")
@example('"\n",NUMBER')
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_and_every_line_accounted_for(text: str) -> None:
    """Reading never fails: each line is in one record, and each is a header or has one outcome."""
    normal = normalize_list(text)
    lines = read(text)
    places = [line.line for line in lines]
    assert places == sorted(set(places))
    delimiter = find_delimiter(first_line(normal))
    records = list(read_records(normal.split("\n"), delimiter))
    assert len(lines) in (len(records), len(records) - 1)
    assert len(records) <= count_lines(normal)
    listed = [line.recipient for line in lines if isinstance(line, ListedNumber)]
    assert len(listed) == len(set(listed))
    assert all(is_e164_shape(number) for number in listed)
    repeated = {line.recipient for line in lines if isinstance(line, RepeatedNumber)}
    assert repeated <= set(listed)


def test_the_columns_of_a_list_are_told_before_anything_is_written() -> None:
    """By place and heading; a list without a header has only places."""
    told = name_columns("Who;Handynummer\nAda;+14155550142", region=None)
    assert told == [(Column.NUMBER, 2, "Handynummer")]
    assert name_columns("Ada,+14155550142", region=None) == [(Column.NUMBER, 2, "")]
    assert name_columns("", region=None) == [(Column.NUMBER, 1, "")]


def test_the_hash_is_of_the_text_with_plain_line_ends() -> None:
    """A form sends other line ends than a file has; the hash is the same."""
    assert hash_list(normalize_list("a\r\nb\r\n")) == hash_list(normalize_list("\ufeffa\nb\n"))


# --- Writing ----------------------------------------------------------------------------------


def test_an_imported_number_is_not_texted_any_more() -> None:
    """Nothing leaves to it, what waits is cancelled, and the entry says where it comes from."""
    world = World()
    world.receive("Hello")
    waiting = world.send(send_at=datetime(2027, 1, 1, tzinfo=UTC))
    imported = put(world, line=7, reason="asked", claimed="2025-01-02", at=START)
    assert imported.fate is Fate.NEW
    assert world.send().decision.decision is Verdict.DENY
    assert world.message(waiting.message).status is MessageStatus.CANCELED
    entry = world.last_entry(EntryKind.SUPPRESSED)
    assert (entry.actor.kind, entry.actor.id) == (ActorKind.IMPORT, "imp_1")
    assert (entry.reason, entry.at) == ("asked", START)
    assert entry.evidence is not None
    assert entry.evidence.medium is Medium.IMPORT
    assert entry.evidence.note == (
        "Old system, row 7, SHA-256 abc123; claimed date 2025-01-02; brought in by agt_1"
    )
    suppression = world.standing().suppression("acme")
    assert suppression is not None
    assert (suppression.cause, suppression.by_person) == (Cause.IMPORT, True)


def test_a_line_without_reason_or_date_takes_the_name_of_the_source() -> None:
    """The reason is then the source, and it holds from the moment of the import."""
    world = World()
    put(world)
    entry = world.last_entry(EntryKind.SUPPRESSED)
    assert (entry.reason, entry.at) == ("Old system", world.clock.now())
    assert entry.evidence is not None
    assert "no date given" in str(entry.evidence.note)


def test_importing_again_writes_nothing() -> None:
    """A number that is on the list stays as it is."""
    world = World()
    assert put(world).fate is Fate.NEW
    before = world.kinds()
    assert put(world) == Imported(Fate.LISTED)
    assert world.kinds() == before


def test_an_import_never_lifts_anything() -> None:
    """Whatever stood before stands after, and the person's own opt-out stays the person's."""
    world = World()
    world.receive("STOP")
    put(world)
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT
    block = world.standing().blocks[0]
    assert (block.cause, block.by_person) == (Cause.KEYWORD, True)


def test_a_person_who_came_back_stays_back() -> None:
    """A list that does not say when, or says an earlier time, is older than their own START."""
    world = World()
    put(world)
    world.clock.advance(minutes=5)
    world.receive("START")
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    before = world.kinds()
    assert put(world).fate is Fate.CAME_BACK
    assert put(world, at=START).fate is Fate.CAME_BACK
    assert world.kinds() == before
    world.clock.advance(minutes=5)
    assert put(world, at=world.clock.now()).fate is Fate.NEW
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT


@pytest.mark.parametrize(
    ("claimed", "fate"),
    [
        ("{day}", Fate.NEW),
        ("{day} UTC", Fate.NEW),
        ("{minute}Z", Fate.NEW),
        ("{minute}:00+00:00", Fate.NEW),
        ("{hour}:00:00", Fate.NEW),
        ("{us_day}", Fate.NEW),
        ("some day in spring", Fate.NEW),
        ("9999-12-31", Fate.NEW),
        ("{minute}:00.000Z", Fate.CAME_BACK),
        ("{hour}:00Z", Fate.CAME_BACK),
        ("{hour}:00:00Z", Fate.CAME_BACK),
        ("{hour}:00:00 UTC", Fate.CAME_BACK),
        ("2020-01-01", Fate.CAME_BACK),
        ("2020-01-01 10:00", Fate.CAME_BACK),
    ],
)
def test_a_date_that_may_be_after_the_start_counts_as_after_it(claimed: str, fate: Fate) -> None:
    """The day, the minute or the second of their START may have ended with an opt-out: in doubt
    nobody is texted.
    """
    world = World()
    put(world)
    world.clock.advance(minutes=5)
    world.receive("START")
    now = world.clock.now()
    claimed = claimed.format(
        day=f"{now:%Y-%m-%d}",
        hour=f"{now:%Y-%m-%dT%H}",
        minute=f"{now:%Y-%m-%dT%H:%M}",
        us_day=f"{now:%m/%d/%Y}",
    )
    at = read_time(claimed, DayOrder.MONTH_FIRST)
    assert put(world, claimed=claimed, at=at).fate is fate
    left = PairState.OPTED_OUT if fate is Fate.NEW else PairState.OPTED_IN
    assert pair_state(world.standing(), LONG) is left


def test_a_person_who_came_back_and_left_again_is_on_the_list() -> None:
    """Their newest word is an opt-out, so nobody is told that they came back."""
    world = World()
    put(world)
    world.receive("START")
    world.receive("STOP")
    assert put(world).fate is Fate.LISTED


def test_the_persons_word_makes_the_companys_own_act_the_persons() -> None:
    """What a colleague could lift before, only the person can lift after."""
    world = World()
    world.store.run(SuppressRecipient(statement(by_person=False), "acme"))
    assert put(world).fate is Fate.NEW
    with pytest.raises(Rejected):
        world.store.run(LiftSuppression(statement(by_person=False), "acme"))
    decided_by_company = ImportSource("imp_2", "Scrub", "ff", "agt_1", "acme", by_person=False)
    again = world.store.run(ImportOptOut(ListedNumber(1, PERSON), decided_by_company))
    assert again.fate is Fate.LISTED


def test_an_import_can_be_for_every_brand() -> None:
    """Without a brand the number is off limits for all of them."""
    world = World()
    source = ImportSource("imp_3", "Everything", "ff", "agt_1", None)
    world.store.run(ImportOptOut(ListedNumber(1, PERSON), source))
    suppression = world.standing().suppression(EVERYTHING)
    assert suppression is not None
    assert suppression.active


def test_an_unknown_brand_is_refused() -> None:
    """Nothing is written for a brand that is not there."""
    world = World()
    source = ImportSource("imp_4", "Old", "ff", "agt_1", "nobody")
    with pytest.raises(Rejected):
        world.store.run(ImportOptOut(ListedNumber(1, PERSON), source))
    assert world.kinds() == []
