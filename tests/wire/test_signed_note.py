"""Signed notes against the examples of golang.org/x/mod/sumdb/note, and checkpoints in them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.wire.signed_note import (
    Note,
    NoteError,
    Signature,
    VerifierKey,
    derive_verifier_key,
    is_signed_by,
    read_note,
    read_tree,
    read_verifier_key,
    sign_note,
    write_note,
    write_tree,
    write_verifier_key,
)

# Source: golang.org/x/mod/sumdb/note, the examples of its documentation.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNED = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb"
    "6KE6RyyBwJnAM=\n"
)
PRIVATE = bytes(range(32))
TREE = "example.com/ledger\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"


@pytest.mark.unit
def test_a_published_note_verifies_with_its_published_key() -> None:
    """Go's example is signed by its key and by no other, and is written as it was read."""
    note, key = read_note(SIGNED), read_verifier_key(NEUMANN)
    assert is_signed_by(note, key)
    assert write_note(note) == SIGNED
    assert write_verifier_key(key) == NEUMANN
    assert not is_signed_by(note, VerifierKey("PeterNeumann", PRIVATE))
    assert not is_signed_by(Note(note.text + "x\n", note.signatures), key)


@pytest.mark.unit
def test_what_we_sign_verifies_with_the_key_we_publish() -> None:
    """A note signed with a private key verifies with its public half, after a way as text."""
    written = sign_note(TREE, "example.com/ledger", PRIVATE)
    key = read_verifier_key(write_verifier_key(derive_verifier_key("example.com/ledger", PRIVATE)))
    assert is_signed_by(read_note(written), key)
    assert not is_signed_by(read_note(written.replace("\n8\n", "\n9\n")), key)


@pytest.mark.unit
def test_a_checkpoint_is_read_as_it_was_written() -> None:
    """Origin, size and root make the way there and back; further lines are left alone."""
    tree = read_tree(TREE)
    assert (tree.origin, tree.size) == ("example.com/ledger", 8)
    assert write_tree(tree) == TREE
    assert read_tree(TREE + "an extension\n") == tree


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "origin, size and root"),
        ("a\n1\n", "origin, size and root"),
        ("\n1\nAAAA\n", "origin, size and root"),
        ("a\n01\nAAAA\n", "'01' is no size"),
        ("a\n-1\nAAAA\n", "'-1' is no size"),
        ("a\n\nAAAA\n", "'' is no size"),
        ("a\n" + "1" * 20 + "\nAAAA\n", "is no size"),
        ("a\n1\nAAAA\n", "'AAAA' is no root"),
        ("a\n1\n%%%\n", "'%%%' is no root"),
    ],
)
def test_what_is_no_checkpoint_is_told_so(text: str, told: str) -> None:
    """The error names the line that is wrong."""
    with pytest.raises(NoteError, match=told):
        read_tree(text)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "a text, an empty line and signatures"),
        ("text\n", "a text, an empty line and signatures"),
        ("text\n\n— a x08go/ZJkuBS9UG/", "a text, an empty line and signatures"),
        ("text\n\n- a x08go/ZJkuBS\n", "no signature"),
        ("text\n\n— a x08g\n", "no signature"),
        ("text\n\n— a+b x08go/ZJkuBS\n", "no signature"),
        ("te\txt\n\n— a x08go/ZJkuBS\n", "control characters"),
        ("x" * 1_000_001, "too long"),
    ],
)
def test_what_is_no_note_is_told_so(written: str, told: str) -> None:
    """The error says what is missing."""
    with pytest.raises(NoteError, match=told):
        read_note(written)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "no key to verify with"),
        ("a+b", "no key to verify with"),
        (" +c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "no key to verify with"),
        (NEUMANN.replace("ARpc", "AhpC"), "no key to verify with"),
        (NEUMANN.replace("c74f20a3", "c74f20a4"), "must be c74f20a3"),
    ],
)
def test_what_is_no_key_is_told_so(written: str, told: str) -> None:
    """A key of another kind, or with an id that is not its own, is refused."""
    with pytest.raises(NoteError, match=told):
        read_verifier_key(written)


@pytest.mark.property
@given(
    text=st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1)).map(
        lambda lines: "x\n" + "".join(f"{line}\n" for line in lines)
    ),
    signatures=st.lists(st.binary(min_size=1, max_size=70), min_size=1, max_size=3),
)
def test_notes_make_the_way_there_and_back(text: str, signatures: list[bytes]) -> None:
    """Any text and any signatures are read as they were written."""
    note = Note(text, tuple(Signature("a", b"1234", s) for s in signatures))
    assert read_note(write_note(note)) == note


@pytest.mark.property
@given(written=st.text())
def test_nothing_that_comes_breaks_the_readers(written: str) -> None:
    """Any text is a note, a checkpoint or a key, or is told why not."""
    for read in (read_note, read_tree, read_verifier_key):
        with suppress(NoteError):
            read(written)
