"""Entries that are one and the same but for a few words: most of what a long list writes.

Of everybody of whom nothing is known, the same is decided and written. So it is decided once, with
marks in the place of those words, and each entry is that exemplar with its own words filled in.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from consentry.domain.entries import Entry, fold
from consentry.domain.standing import Standing
from consentry.domain.stencil import Stencil

ID: Final = 0
RECIPIENT: Final = 1
"""Where the words of an entry have its id and its recipient."""

Words = tuple[str, ...]
"""The words of one entry, as JSON writes them between quotes, in the order of the marks."""

encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Entry).decode


class Alike(msgspec.Struct, frozen=True, gc=False):
    """New entries about recipients of whom nothing is known, each of them once.

    `exemplar` is such an entry with `marks` in the place of the words; `words` are those of each
    entry. `times` are when each happened, in microseconds since 1970, UTC. An import wrote them, so
    the audit lists none by itself.
    """

    exemplar: Entry
    marks: Words
    words: tuple[Words, ...]
    times: tuple[int, ...]

    @property
    def standing(self) -> Standing:
        """How the exemplar's recipient stands behind it."""
        return fold((self.exemplar,))

    @property
    def recipients(self) -> list[str]:
        """Whom the entries are about, in order."""
        return [words[RECIPIENT] for words in self.words]

    def find(self, recipient: str) -> Words:
        """Find the words about somebody; raises `ValueError` where none are."""
        return self.words[self.recipients.index(recipient)]

    def cut(self, written: bytes) -> Stencil:
        """Cut what was encoded of the exemplar, so that it can be filled in for each entry."""
        return Stencil(written.decode(), self.marks)

    def cut_entry(self) -> Stencil:
        """Cut the entry itself."""
        return self.cut(encode(self.exemplar))

    def read(self, words: Words) -> Entry:
        """Give the entry of these words."""
        return _decode(self.cut_entry().fill(words))

    def entries(self) -> Iterator[Entry]:
        """Give all entries, in order."""
        fill = self.cut_entry().fill
        return (_decode(fill(words)) for words in self.words)
