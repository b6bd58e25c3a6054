"""Texts at rest: what people wrote stands in the stored JSON sealed, where the operator wants it.

A sealed text is one string `"sealed:KEYID:BASE64"` in the place of the string that was written:
a nonce of 12 random bytes, and the JSON string with its quotes by AES-256-GCM (NIST SP 800-38D).
So opening gives back the very bytes. Nothing that consent turns on is ever sealed: a standing says
what it says whether or not a key is at hand.

The keys are those of the process, as its log is: whoever opens a database says them once, by
`use_text_keys`, before the first row is read.
"""

import base64
import hmac
import json
import os
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Final

from consentry.ports import TextSealed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
KEY_PREFIX: Final = "ctk_"
"""A key is written as this and its bytes in base64url, so that a log can tell one and hide it."""

_NONCE_BYTES: Final = 12
_ID_CHARACTERS: Final = 8
_TAG_CHARACTERS: Final = 32

_WORD: Final = "sealed:"
_MARK: Final = f'"{_WORD}'
SEALED: Final = _MARK.encode()
"""Stands in stored JSON where a text may be sealed, and nowhere else."""

# What somebody wrote never looks like a sealed text: its first letter is then written as JSON may
# write it, so it is read as it was.
_ESCAPED: Final = b'"\\u0073ealed:'

_TOKEN: Final = re.compile(r'"sealed:([0-9a-f]{8}):([A-Za-z0-9+/]+={0,2})"')
# The quote comes first and alone, and the loop is unrolled: so it is looked for ten times faster.
_TEXTS: Final = re.compile(rb'"(text|body|verbatim|note)":("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)
_EMPTY: Final = b'""'
_KEPT_MARK: Final = b'"unopened:'
_KEPT: Final = re.compile(rb'"unopened:([0-9a-f]{8}:[A-Za-z0-9+/]+={0,2}):([0-9a-f]{32})"')


class TextKey:
    """One key. Its id is the beginning of its hash: two keys never share one by mistake."""

    def __init__(self, secret: bytes) -> None:
        """Take `KEY_BYTES` random bytes; raises `ValueError` for another number."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"A text key has {KEY_BYTES} bytes, and this has {len(secret)}.")
        self._secret: Final = secret
        self.id: Final = sha256(b"consentry text key\n" + secret).hexdigest()[:_ID_CHARACTERS]

    @property
    def written(self) -> str:
        """The key as settings have it."""
        return KEY_PREFIX + base64.urlsafe_b64encode(self._secret).decode().rstrip("=")

    def cipher(self) -> "AESGCM":
        """Make what seals and opens with it."""
        # Imported only where texts are sealed: it takes as long as all the rest of a small command.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        return AESGCM(self._secret)


def read_text_key(written: str) -> TextKey:
    """Read a key as settings have it; raises `ValueError`, which does not show the key."""
    if not written.startswith(KEY_PREFIX):
        raise ValueError(f"A text key begins with {KEY_PREFIX}, and one here does not.")
    encoded = written.removeprefix(KEY_PREFIX)
    if re.fullmatch(r"[A-Za-z0-9_-]{43}", encoded) is None:
        raise ValueError("A text key has 43 letters, digits, - or _ behind ctk_.")
    return TextKey(base64.urlsafe_b64decode(encoded + "="))


class Sealing:
    """Seals with the newest key, opens with any of them."""

    def __init__(self, randomness: Callable[[int], bytes] = os.urandom) -> None:
        """Have no keys: texts are written as they are."""
        self._randomness = randomness
        self._ciphers: dict[str, AESGCM] = {}
        self._newest: tuple[str, AESGCM] | None = None
        self._tag_key = os.urandom(32)
        self._has_kept = False

    @property
    def newest(self) -> str | None:
        """The id of the key that texts are sealed with; None where they are not."""
        return None if self._newest is None else self._newest[0]

    def use(self, keys: Iterable[TextKey], *, seals: bool = True) -> None:
        """Open with these keys from now on, and seal with the first, or with none."""
        self._ciphers = {key.id: key.cipher() for key in keys}
        first = next(iter(self._ciphers.items()), None)
        self._newest = first if seals else None

    # --- Writing ----------------------------------------------------------------------------

    def seal(self, written: bytes) -> bytes:
        """Seal the texts of a value that was just encoded; each stands under a key we know."""
        if SEALED in written:
            written = written.replace(SEALED, _ESCAPED)
        if self._newest is not None:
            written = _TEXTS.sub(self._seal_one, written)
        if self._has_kept and _KEPT_MARK in written:
            written = _KEPT.sub(self._give_back, written)
        return written

    def _seal_one(self, found: re.Match[bytes]) -> bytes:
        name, text = found.groups()
        if text == _EMPTY or (text.startswith(_KEPT_MARK) and self._is_kept(text)):
            return found[0]
        return b'"%b":%b' % (name, self._seal_text(text))

    def _seal_text(self, text: bytes) -> bytes:
        if self._newest is None:
            return text
        key_id, cipher = self._newest
        nonce = self._randomness(_NONCE_BYTES)
        named = key_id.encode()
        sealed = b2a_base64(nonce + cipher.encrypt(nonce, text, named), newline=False)
        return b'"sealed:%b:%b"' % (named, sealed)

    # --- Reading ----------------------------------------------------------------------------

    def open(self, stored: str) -> str:
        """Open all texts of stored JSON; free where none is sealed. Raises `TextSealed`."""
        return _TOKEN.sub(self._open_one, stored) if _MARK in stored else stored

    def open_or_keep(self, stored: str) -> str:
        """Open what can be opened, and leave the rest to be written again as it is.

        For commands: what somebody's consent is, is decided without their texts.
        """
        return _TOKEN.sub(self._open_or_keep_one, stored) if _MARK in stored else stored

    def reseal(self, stored: str) -> str:
        """Seal all texts of stored JSON with the newest key, or write them plainly.

        What stands under the newest key stays as it is. Raises `TextSealed`.
        """
        if self._newest is None:
            return self.open(stored)
        mark = f"{_MARK}{self._newest[0]}:"
        opened = _TOKEN.sub(
            lambda found: found[0] if found[0].startswith(mark) else self._open_one(found), stored
        )
        return _TEXTS.sub(self._reseal_one, opened.encode()).decode()

    def _reseal_one(self, found: re.Match[bytes]) -> bytes:
        name, text = found.groups()
        if text == _EMPTY or text.startswith(SEALED):
            return found[0]
        return b'"%b":%b' % (name, self._seal_text(text))

    def _open_one(self, found: re.Match[str]) -> str:
        key_id, sealed = found.groups()
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise TextSealed(
                f"A text is sealed with the text key {key_id}, which is not in "
                "CONSENTRY_TEXT_KEYS here. Add it; who is opted out is known without it."
            )
        # Imported already: there is a cipher.
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            raw = a2b_base64(sealed, strict_mode=True)
            nonce, rest = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return cipher.decrypt(nonce, rest, key_id.encode()).decode()
        except (ValueError, InvalidTag) as error:
            raise TextSealed(
                f"A text that was sealed with the text key {key_id} is not what was sealed: "
                "somebody changed it in the database. Restore it from a backup."
            ) from error

    def _open_or_keep_one(self, found: re.Match[str]) -> str:
        try:
            return self._open_one(found)
        except TextSealed:
            self._has_kept = True
            place = f"{found[1]}:{found[2]}"
            return f'"unopened:{place}:{self._tag(place)}"'

    def has_texts(self, stored: str) -> bool:
        """Tell whether a value has words that could be sealed."""
        return any(text != _EMPTY for _, text in _TEXTS.findall(stored.encode()))

    # --- What is kept -----------------------------------------------------------------------

    def is_unopened(self, text: str) -> bool:
        """Tell a text that could not be opened from what somebody wrote."""
        return text.startswith("unopened:") and self._is_kept(json.dumps(text).encode())

    def _is_kept(self, written: bytes) -> bool:
        found = _KEPT.fullmatch(written)
        return found is not None and self._is_ours(found)

    def _is_ours(self, found: re.Match[bytes]) -> bool:
        return hmac.compare_digest(self._tag(found[1].decode()).encode(), found[2])

    def _give_back(self, found: re.Match[bytes]) -> bytes:
        return b'"sealed:%b"' % found[1] if self._is_ours(found) else found[0]

    def _tag(self, place: str) -> str:
        """Sign for a text that was kept, so that nobody can write one in words."""
        return hmac.new(self._tag_key, place.encode(), sha256).hexdigest()[:_TAG_CHARACTERS]


SEALING: Final = Sealing()
"""What this process seals and opens with."""


def use_text_keys(keys: Iterable[TextKey], *, seals: bool = True) -> None:
    """Open with these keys in this process, and seal with the first, or with none."""
    SEALING.use(keys, seals=seals)


def seal(written: bytes) -> bytes:
    """Seal the texts of a value that was just encoded, where this process seals."""
    return SEALING.seal(written)


def seal_all(written: list[str]) -> list[str]:
    """Seal the texts of many values that were just encoded, where this process seals."""
    if SEALING.newest is None and not any(_MARK in one for one in written):
        return written
    return [SEALING.seal(one.encode()).decode() for one in written]


def seals_none(form: str, rows: Iterable[Iterable[str]]) -> bool:
    """Tell whether a form with any of these words filled in is written as it is."""
    # A mark that only the seams have costs no more than to look at each.
    return SEALING.newest is None and _WORD not in form + "".join(chain.from_iterable(rows))


def open_sealed(stored: bytes) -> bytes:
    """Give back the JSON as it was written; free where nothing is sealed. Raises `TextSealed`."""
    return SEALING.open(stored.decode()).encode() if SEALED in stored else stored
