"""Entries that are one but for a few words: filled in, they are what each would have been."""

from datetime import UTC, datetime

import msgspec
import pytest

from consentry.domain.alike import Alike, encode
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.standing import Standing, Tag
from consentry.domain.stencil import Stencil

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MARKS = ("~id~", "+12025550143", "~reason~")


def make_entry(entry_id: str, recipient: str, reason: str) -> Entry:
    """Make an entry with these words."""
    actor = Actor(ActorKind.IMPORT, "100% of the list")
    pieces = (Tag(sms=True),)
    return Entry(
        entry_id,
        recipient,
        EntryKind.SUPPRESSED,
        NOON,
        NOON,
        actor,
        reason=reason,
        message=entry_id,
        pieces=pieces,
    )


def test_what_is_filled_in_is_what_would_have_been_written() -> None:
    """Byte for byte, with signs of every kind in the words and in what stands between them."""
    rows = [("ent_1", "+14155550142", 'say "%s"\n\\ é'), ("ent_2", "+4930", "~id~")]
    words = tuple((i, r, encode(reason)[1:-1].decode()) for i, r, reason in rows)
    alike = Alike(make_entry(*MARKS), MARKS, words, (0, 0))
    written = [make_entry(*row) for row in rows]
    assert alike.cut_entry().fill_all(words) == [encode(one).decode() for one in written]
    assert list(alike.entries()) == written
    assert alike.read(words[1]) == written[1]
    assert alike.find("+4930") == words[1]
    assert alike.standing == Standing(sms_tag=True)


@pytest.mark.parametrize(
    ("text", "filled"),
    [("no word", "no word"), ("a 50% mark", "a 50% word"), ("mark, mark", "word, word")],
)
def test_a_mark_stands_in_a_text_never_once_or_often(text: str, filled: str) -> None:
    """Each time the same word takes its place."""
    stencil = Stencil(text, ("other", "mark"))
    assert stencil.fill(("-", "word")) == filled
    assert stencil.fill_all([("-", "word")]) == [filled]


def test_stencils_are_compared_by_what_they_write() -> None:
    """Whatever their marks were."""
    first = Stencil("a X b Y", ("X", "Y"))
    assert first.writes_as(Stencil("a 1 b 2", ("1", "2")))
    assert not first.writes_as(Stencil("a 2 b 1", ("1", "2")))
    assert not first.writes_as(Stencil("a 1 c 2", ("1", "2")))


def test_an_exemplar_stays_as_it_is() -> None:
    """It is a value like any other."""
    alike = Alike(make_entry(*MARKS), MARKS, (), ())
    assert list(alike.entries()) == []
    assert msgspec.structs.replace(alike, times=(1,)).exemplar == alike.exemplar
