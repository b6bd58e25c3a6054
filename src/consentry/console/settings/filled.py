"""What stands in a form: what was typed, what is wrong with it, and what somebody else changed."""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from consentry.console.pages import Visit
from consentry.ports import Rejected

_CHANGED: Final = (
    "Somebody changed this while you had it open, so nothing was saved. What is stored now stands "
    "at the fields that differ. Save again to put yours in its place."
)
_SEVERAL: Final = "\n"


class Filled(msgspec.Struct, frozen=True):
    """A form with its fields filled in, each by its name.

    `seen` tells from which stored values the form was made. `errors` stand beside their fields,
    `problem` above all of them. `stored` is what another admin saved meanwhile, where it differs.
    """

    values: dict[str, str]
    seen: str
    errors: dict[str, str] = {}
    problem: str = ""
    stored: dict[str, str] = {}

    def refused(self, problem: str = "", **errors: str) -> "Filled":
        """Say what is wrong, at fields or at all of it; what was typed stays."""
        return msgspec.structs.replace(
            self, problem=problem or self.problem, errors={**self.errors, **errors}
        )

    def rejected(self, error: Rejected, fields: dict[str, str]) -> "Filled":
        """Tell why an action was refused, beside the field that its code is about."""
        field = fields.get(error.code)
        if field is None:
            return self.refused(str(error))
        return self.refused(**{field: str(error)})

    @property
    def is_fine(self) -> bool:
        """Tell whether nothing is wrong so far."""
        return not self.errors and not self.problem

    def several(self, name: str) -> tuple[str, ...]:
        """List the values of a field that has several."""
        return tuple(value for value in self.values[name].split(_SEVERAL) if value)


def join_several(values: Iterable[str]) -> str:
    """Write the values of a field that has several, in one order."""
    return _SEVERAL.join(sorted(values))


def fill(stored: dict[str, str]) -> Filled:
    """Fill a form with what is stored."""
    return Filled(stored, _mark(stored))


def read_form(visit: Visit, stored: dict[str, str], *, several: tuple[str, ...] = ()) -> Filled:
    """Read a form that was made from stored values, and tell where those are others by now.

    White space around a value is dropped, and its lines end in one way.
    """
    values = {name: visit.field(name).replace("\r\n", "\n").strip() for name in stored}
    for name in several:
        values[name] = join_several(visit.form.get_all(name))
    filled = Filled(values, _mark(stored))
    if visit.field("seen") == filled.seen:
        return filled
    differs = {name: value for name, value in stored.items() if value != values[name]}
    return msgspec.structs.replace(filled, problem=_CHANGED, stored=differs)


def _mark(stored: dict[str, str]) -> str:
    """Name a set of values; a form carries it there and back."""
    return hashlib.sha256(msgspec.json.encode(sorted(stored.items()))).hexdigest()[:24]
