"""What carriers' codes mean, as tables: may the same text be taken later, has somebody opted out.

A code that is in no table may pass and says nothing about anybody's consent: a new code of a
carrier must neither drop a text at once nor opt anyone out.
"""

from collections.abc import Mapping
from datetime import date

import msgspec

from consentry.ports import CarrierRefusal


class CodeRow(msgspec.Struct, frozen=True):
    """One code: `permanent` says that the same text will be refused again."""

    code: str
    permanent: bool
    opted_out: bool
    meaning: str


class CodeTable(msgspec.Struct, frozen=True):
    """The codes of one carrier; `title` is its name, `source` says where the rows were read."""

    title: str
    source: str
    checked_on: date
    rows: Mapping[str, CodeRow]

    def is_opted_out(self, code: str | None) -> bool:
        """Tell whether a code of an answer or of a report says that the recipient opted out."""
        row = None if code is None else self.rows.get(code)
        return row is not None and row.opted_out

    def refuse(
        self, code: str, said: str = "", *, retry_after_seconds: float | None = None
    ) -> CarrierRefusal:
        """Write the refusal that a code stands for; `said` is the carrier's own sentence."""
        row = self.rows.get(code)
        meaning = said or ("no reason is given" if row is None else row.meaning)
        return CarrierRefusal(
            permanent=row is not None and row.permanent,
            opted_out=row is not None and row.opted_out,
            code=code,
            text=f"{self.title} refused it ({code}): {meaning}",
            retry_after_seconds=retry_after_seconds,
        )


def tabulate(
    title: str,
    *,
    source: str,
    checked_on: date,
    opted_out: Mapping[str, str],
    passing: Mapping[str, str],
    permanent: Mapping[str, str],
) -> CodeTable:
    """Make a table of code and meaning, by what a code is about."""
    rows = [
        *(CodeRow(code, True, True, meaning) for code, meaning in opted_out.items()),
        *(CodeRow(code, False, False, meaning) for code, meaning in passing.items()),
        *(CodeRow(code, True, False, meaning) for code, meaning in permanent.items()),
    ]
    return CodeTable(title, source, checked_on, {row.code: row for row in rows})
