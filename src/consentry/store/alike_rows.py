"""Rows of standings behind entries that are one but for a few words: filled in for each."""

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

from consentry.domain.alike import RECIPIENT, Alike
from consentry.store.derived import row_of_standing
from consentry.store.rows import encode, to_microseconds


class AlikeStandings(NamedTuple):
    """Standings in their order: all by the same marks opted out, or by none.

    `times` are since when, in microseconds, and `values` the standings as JSON.
    """

    recipients: list[str]
    times: Iterable[int | None]
    marks: str | None
    values: list[str]

    def rows(self) -> Iterator[tuple[str, int | None, str]]:
        """Give recipient, time and value of each."""
        return zip(self.recipients, self.times, self.values, strict=False)


def stand_alike(alike: Alike) -> AlikeStandings:
    """Write the standings behind entries that are alike.

    Raises `ValueError` where an opt-out is of another time than its entry.
    """
    opted_out_at, marks, standing = row_of_standing(alike.standing)
    times: Iterable[int | None] = alike.times
    if opted_out_at is None:
        times = repeat(None)
    elif opted_out_at != to_microseconds(alike.exemplar.at):
        raise ValueError("The opt-outs of these entries are not of their times. Write each alone.")
    recipients = [words[RECIPIENT] for words in alike.words]
    values = alike.cut(encode(standing)).fill_all(alike.words)
    return AlikeStandings(recipients, times, marks, values)
