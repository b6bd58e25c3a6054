"""Standings behind entries that are one but for a few words: a form, filled in for each."""

from typing import NamedTuple

from consentry.domain.alike import Alike
from consentry.domain.microseconds import to_microseconds
from consentry.domain.stencil import Stencil
from consentry.store.derived import row_of_standing
from consentry.store.rows import encode


class AlikeStanding(NamedTuple):
    """How all stand: by which marks opted out since the time of each entry, or by none.

    `value` is the standing as JSON, to be filled in.
    """

    marks: str | None
    value: Stencil


def stand_alike(alike: Alike) -> AlikeStanding:
    """Write the standing behind entries that are alike.

    Raises `ValueError` where an opt-out is of another time than its entry.
    """
    opted_out_at, marks, standing = row_of_standing(alike.standing)
    if opted_out_at is not None and opted_out_at != to_microseconds(alike.exemplar.at):
        raise ValueError("The opt-outs of these entries are not of their times. Write each alone.")
    return AlikeStanding(marks, alike.cut(encode(standing)))
