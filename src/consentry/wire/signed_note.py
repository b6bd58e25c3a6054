"""Signed notes, and the checkpoints of a log that are signed in them.

Source: C2SP signed-note and C2SP tlog-checkpoint; golang.org/x/mod/sumdb/note has the same form. A
note is a text that ends with a line feed, an empty line, and a line for each signature. A key has a
name, and an id of four bytes that is made of the name and the key.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from typing import Final

import msgspec

from consentry.wire.merkle import HASH_BYTES

ED25519: Final = 1
"""The byte that says which kind of signature a key makes."""

KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_SIGNATURE_MARK: Final = "— "
_NOTE_BYTES_MAX: Final = 1_000_000
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}")


class NoteError(ValueError):
    """What is no note, checkpoint or key; str() says what is wrong with it."""


class VerifierKey(msgspec.Struct, frozen=True):
    """A key that signatures are checked with: its name, and the 32 bytes of its public half."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that stand before each signature of this key."""
        return sha256(self.name.encode() + b"\n" + _tag(self.public_key)).digest()[:_ID_BYTES]


class Signature(msgspec.Struct, frozen=True):
    """One signature of a note: by whom, and 64 bytes for Ed25519."""

    name: str
    key_id: bytes
    signature: bytes


class Note(msgspec.Struct, frozen=True):
    """A text, with its last line feed, and who signed it."""

    text: str
    signatures: tuple[Signature, ...]


class Tree(msgspec.Struct, frozen=True):
    """What a checkpoint says: the tree of the log `origin` has `size` leaves and this root."""

    origin: str
    size: int
    root: bytes


def _tag(public_key: bytes) -> bytes:
    return bytes([ED25519]) + public_key


def is_key_name(name: str) -> bool:
    """Tell whether a key may be called so: not empty, no white space, no plus, UTF-8."""
    return _is_unicode(name) and bool(name) and "+" not in name and not any(map(str.isspace, name))


def _is_unicode(text: str) -> bool:
    """Tell a text from one with halves of letters in it, which nobody can write or sign."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def write_verifier_key(key: VerifierKey) -> str:
    """Write a key as verifiers take it: `NAME+ID+KEY`."""
    return f"{key.name}+{key.key_id.hex()}+{_to_base64(_tag(key.public_key))}"


def read_verifier_key(text: str) -> VerifierKey:
    """Read a key; raises `NoteError` where it is none, or its id is not that of this key."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    tagged = _from_base64(encoded)
    if not is_key_name(name) or len(tagged) != KEY_BYTES + 1 or tagged[0] != ED25519:
        raise NoteError(f"{text!r} is no key to verify with: it must be NAME+ID+KEY, for Ed25519.")
    key = VerifierKey(name, tagged[1:])
    if key.key_id.hex() != key_id:
        raise NoteError(f"The id of the key {name} is {key_id}, and must be {key.key_id.hex()}.")
    return key


def write_note(note: Note) -> str:
    """Write a note with its signatures."""
    lines = [
        f"{_SIGNATURE_MARK}{s.name} {_to_base64(s.key_id + s.signature)}\n" for s in note.signatures
    ]
    return f"{note.text}\n{''.join(lines)}"


def read_note(written: str) -> Note:
    """Read a note; whether its signatures are right is not looked at. Raises `NoteError`."""
    if len(written) > _NOTE_BYTES_MAX:
        raise NoteError("It is too long for a signed note.")
    if any(c < " " and c != "\n" for c in written) or not _is_unicode(written):
        raise NoteError("It is no signed note: there are control characters in it, or no UTF-8.")
    text, found, rest = written.rpartition("\n\n")
    if not found or not text or not rest.endswith("\n"):
        raise NoteError("It is no signed note: a text, an empty line and signatures are expected.")
    lines = rest.removesuffix("\n").split("\n")
    return Note(text + "\n", tuple(map(_read_signature, lines)))


def _read_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
    signed = _from_base64(encoded)
    if not line.startswith(_SIGNATURE_MARK) or not is_key_name(name) or len(signed) <= _ID_BYTES:
        raise NoteError(f"This line of a signed note is no signature: {line!r}.")
    return Signature(name, signed[:_ID_BYTES], signed[_ID_BYTES:])


def write_tree(tree: Tree) -> str:
    """Write the text of a checkpoint: origin, size and root, a line each."""
    return f"{tree.origin}\n{tree.size}\n{_to_base64(tree.root)}\n"


def read_tree(text: str) -> Tree:
    """Read the text of a checkpoint; lines behind the third are left alone. Raises `NoteError`."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0]:
        raise NoteError("It is no checkpoint: its lines must be origin, size and root.")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise NoteError(f"It is no checkpoint: {size!r} is no size.")
    decoded = _from_base64(root)
    if len(decoded) != HASH_BYTES:
        raise NoteError(f"It is no checkpoint: {root!r} is no root.")
    return Tree(origin, int(size), decoded)


def sign_note(text: str, name: str, private_key: bytes) -> str:
    """Sign a text with the 32 bytes of a private Ed25519 key; gives the whole note."""
    # Imported where it is used: it takes as long as all the rest, and few need it.
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    key = ed25519.Ed25519PrivateKey.from_private_bytes(private_key)
    verifier = VerifierKey(name, key.public_key().public_bytes_raw())
    signature = Signature(name, verifier.key_id, key.sign(text.encode()))
    return write_note(Note(text, (signature,)))


def derive_verifier_key(name: str, private_key: bytes) -> VerifierKey:
    """Give the public half of a private key of 32 bytes, under a name."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - as above

    key = ed25519.Ed25519PrivateKey.from_private_bytes(private_key)
    return VerifierKey(name, key.public_key().public_bytes_raw())


def is_signed_by(note: Note, key: VerifierKey) -> bool:
    """Tell whether a note has a signature of this key, and it is right."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - as above

    public = ed25519.Ed25519PublicKey.from_public_bytes(key.public_key)
    for signature in note.signatures:
        if (signature.name, signature.key_id) == (key.name, key.key_id):
            try:
                public.verify(signature.signature, note.text.encode())
            except InvalidSignature:
                return False
            return True
    return False


def _to_base64(content: bytes) -> str:
    return b64encode(content).decode()


def _from_base64(text: str) -> bytes:
    """Read standard base64; gives nothing where it is none, or is written in another way."""
    try:
        decoded = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return b""
    return decoded if _to_base64(decoded) == text else b""
