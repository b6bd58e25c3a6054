"""Texts that are one and the same but for a few words: cut once, and filled in for each of them."""

import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Final


class Stencil:
    """A text with holes."""

    def __init__(self, written: str, marks: Sequence[str]) -> None:
        """Cut a text wherever a mark stands in it; words are filled in in the order of the marks.

        A mark may stand there often, or not at all; none is a part of another.
        """
        pieces = re.split(f"({'|'.join(map(re.escape, marks))})", written)
        self.form: Final = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
        self.places: Final = tuple(map(marks.index, pieces[1::2]))
        self._pick: Final = _picking(self.places)

    def fill(self, words: Sequence[str]) -> str:
        """Write the text with these words in the place of the marks."""
        return self.form % tuple(self._pick(words))

    def fill_all(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Write the text for many rows of words."""
        form, pick = self.form, self._pick
        return [form % tuple(pick(words)) for words in rows]

    def writes_as(self, other: "Stencil") -> bool:
        """Tell whether another one writes the same, whatever its marks were."""
        return (self.form, self.places) == (other.form, other.places)


def _picking(places: Sequence[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    """Give what picks words by their places; it gives one word alone as one of many, too."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))
