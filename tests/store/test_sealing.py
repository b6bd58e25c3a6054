"""Texts at rest: sealed as they are written, opened as they are read, exactly."""

import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.ports import TextSealed
from consentry.store.sealing import KEY_BYTES, Sealing, TextKey, read_text_key

OLD, NEW = TextKey(b"o" * KEY_BYTES), TextKey(b"n" * KEY_BYTES)
encode = msgspec.json.Encoder().encode

texts = st.text(max_size=60) | st.sampled_from(
    [
        "sealed:12345678:AAAA",
        '"sealed:12345678:AAAA"',
        "unopened:12345678:AAAA:" + "0" * 32,
        'say \\"sealed:12345678:AAAA\\"',
        "",
    ]
)
values = st.fixed_dictionaries(
    {"id": texts, "text": texts, "evidence": st.fixed_dictionaries({"verbatim": texts})}
)


def sealing(*keys: TextKey, seals: bool = True) -> Sealing:
    """Give what seals with the first of these keys."""
    made = Sealing()
    made.use(keys, seals=seals)
    return made


@pytest.mark.property
@given(values)
def test_what_was_sealed_comes_back_to_the_byte(value: dict[str, object]) -> None:
    """Opening gives what was written, whatever was written, under a key or under none."""
    for made in (sealing(NEW, OLD), sealing()):
        stored = made.seal(encode(value))
        opened = made.open(stored.decode())
        assert msgspec.json.decode(opened) == value
        assert sealing().seal(encode(value)).decode() == opened


@pytest.mark.property
@given(values)
def test_a_text_that_cannot_be_opened_is_written_again_as_it_was(value: dict[str, object]) -> None:
    """A command that knows no key keeps what is sealed, and what only looks like it."""
    stored = sealing(OLD).seal(encode(value)).decode()
    lost = sealing()
    shown = msgspec.json.decode(lost.open_or_keep(stored))
    again = lost.seal(encode(shown)).decode()
    assert msgspec.json.decode(sealing(OLD).open(again)) == value


@pytest.mark.property
@given(values)
def test_all_is_sealed_anew_or_written_plainly(value: dict[str, object]) -> None:
    """From no key to one, from one to the next, and back to none: the value stays to the byte."""
    plain = sealing().seal(encode(value)).decode()
    first = sealing(OLD).reseal(plain)
    second = sealing(NEW, OLD).reseal(first)
    assert sealing(NEW).open(second) == plain
    assert sealing(NEW).reseal(second) == second
    assert sealing(NEW, seals=False).reseal(second) == plain


@pytest.mark.unit
def test_what_is_sealed_cannot_be_read() -> None:
    """Neither a text nor what was kept verbatim is in the stored JSON; all else is."""
    value = {"id": "ent_1", "text": "lawyers", "evidence": {"verbatim": "cancer", "medium": "text"}}
    stored = sealing(NEW).seal(encode(value)).decode()
    assert "lawyers" not in stored
    assert "cancer" not in stored
    assert '"id":"ent_1"' in stored
    assert '"medium":"text"' in stored
    assert stored.count(f'"sealed:{NEW.id}:') == 2


@pytest.mark.unit
def test_the_same_text_is_sealed_otherwise_each_time() -> None:
    """Nobody who reads the database can tell that two people wrote the same."""
    made = sealing(NEW)
    assert made.seal(b'{"text":"STOP"}') != made.seal(b'{"text":"STOP"}')


@pytest.mark.unit
def test_a_lost_key_is_named() -> None:
    """Where no key opens a text, the error says which one would."""
    stored = sealing(OLD).seal(b'{"text":"STOP"}').decode()
    with pytest.raises(TextSealed, match=OLD.id):
        sealing(NEW).open(stored)
    with pytest.raises(TextSealed, match=OLD.id):
        sealing(NEW).reseal(stored)


@pytest.mark.unit
def test_a_changed_text_is_not_opened() -> None:
    """A flipped letter of what is sealed is an error, never another text."""
    stored = sealing(OLD).seal(b'{"text":"STOP"}').decode()
    at = stored.index(OLD.id) + 20
    changed = stored[:at] + ("A" if stored[at] != "A" else "B") + stored[at + 1 :]
    with pytest.raises(TextSealed, match="changed it in the database"):
        sealing(OLD).open(changed)


@pytest.mark.unit
def test_nobody_can_write_a_text_that_counts_as_kept() -> None:
    """Words in the form of a text that was kept stay words: they are not signed."""
    lost = sealing()
    lost.open_or_keep(sealing(OLD).seal(b'{"text":"STOP"}').decode())
    words = f"unopened:{OLD.id}:AAAA:{'0' * 32}"
    assert not lost.is_unopened(words)
    assert lost.seal(encode({"text": words})) == encode({"text": words})


@pytest.mark.unit
def test_a_key_is_read_as_it_is_written() -> None:
    """A key comes back from its written form; its id tells nothing of it."""
    key = TextKey(os.urandom(KEY_BYTES))
    assert read_text_key(key.written).id == key.id
    assert key.id not in key.written


@pytest.mark.unit
@pytest.mark.parametrize("written", ["", "ctk_", "ctk_short", "csk_" + "a" * 43, "ctk_" + "!" * 43])
def test_what_is_no_key_is_refused_without_being_shown(written: str) -> None:
    """The error says what a key looks like, and shows nothing of what was given."""
    with pytest.raises(ValueError, match="A text key") as refused:
        read_text_key(written)
    assert not written or written not in str(refused.value).split()


@pytest.mark.unit
def test_a_key_of_another_length_is_refused() -> None:
    """Only 32 bytes are a key."""
    with pytest.raises(ValueError, match="32 bytes"):
        TextKey(b"short")
