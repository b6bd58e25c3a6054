"""What made-up people and agents write to each other."""

from importlib.resources import files
from typing import Final

import msgspec


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts by what they are for."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    updates: tuple[str, ...]
    offers: tuple[str, ...]
    stops: tuple[str, ...]
    meant_stops: tuple[str, ...]
    wrong_numbers: tuple[str, ...]
    notes: tuple[str, ...]


TEXTS: Final = msgspec.json.decode(
    (files("consentry.cli.generate") / "data" / "texts.json").read_bytes(), type=Texts
)
