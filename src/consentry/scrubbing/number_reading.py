"""Numbers as lists have them: the usual spellings are read by the million, the rest one by one.

What SQL reads is what `domain/plain_numbers.py` vouches for, and comes out as the parser has it.
Everything else goes to the parser itself, each text once, on all cores where there are many.
"""

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Final

from consentry.domain.phone import NORTH_AMERICAN, find_number
from consentry.domain.plain_numbers import TEN_DIGITS_OF, NumberingPlan, list_plans
from consentry.scrubbing.engine import quote

INVALID: Final = -1
"""Stands for what is no phone number."""

_SIGNS: Final = " ().-"
_WITH_PLUS: Final = r"\+ ?\(?[1-9][0-9 ().-]*[0-9]"
_WITHOUT_PLUS: Final = r"\(?[1-9][0-9 ().-]*[0-9]"
_TEN_DIGITS: Final = "[2-9][0-9]{2}[2-9][0-9]{6}"
_TEXT_LENGTH_MAX: Final = 64
"""What is longer is no number for the parser either."""

_LITERAL: Final = frozenset("0123456789")
_ONE_DIGIT: Final = frozenset({1, 7})
_CODES: Final = 1000


def write_reading(source: str, region: str | None) -> str:
    """Write a query for each row's text and its number: `n`, `number`; NULL has to be parsed.

    `source` is a query for the texts, `n`. A spreadsheet marks a cell as text by an apostrophe,
    which is no part of it.
    """
    plans = list_plans()
    ten_digits = _write_ten_digits() if region in TEN_DIGITS_OF else "NULL"
    return f"""
    SELECT n, CASE
        WHEN is_plain THEN n[2:]::BIGINT
        WHEN n IS NULL OR length(n) > {_TEXT_LENGTH_MAX} + 1 THEN {INVALID}
        WHEN international IS NULL THEN {ten_digits}
        WHEN regexp_full_match(international, '1{_TEN_DIGITS}') THEN international::BIGINT
        WHEN {_write_length_check(plans)} AND {_write_trunk_check(plans)}
        THEN TRY_CAST(international AS BIGINT)
    END AS number
    FROM (
        SELECT *, international[length(code::VARCHAR) + 1:] AS rest
        FROM (
            SELECT *, {_write_code(plans)} AS code
            FROM (
                SELECT *,
                    CASE WHEN regexp_full_match(spelled, {quote(_WITH_PLUS)})
                    THEN translate(spelled, '+{_SIGNS}', '') END AS international
                FROM (
                    SELECT *, CASE WHEN NOT is_plain AND length(n) <= {_TEXT_LENGTH_MAX} THEN
                        trim(CASE WHEN n[1] = '''' THEN n[2:] ELSE n END, ' ')
                    END AS spelled
                    FROM (
                        SELECT n, regexp_full_match(n, {quote(NORTH_AMERICAN)}) AS is_plain
                        FROM ({source})
                    )
                )
            )
        )
    )"""  # noqa: S608 - of our own patterns and the library's plans


def _write_ten_digits() -> str:
    digits = f"translate(spelled, '{_SIGNS}', '')"
    return f"""CASE
        WHEN NOT regexp_full_match(spelled, {quote(_WITHOUT_PLUS)}) THEN NULL
        WHEN regexp_full_match({digits}, '{_TEN_DIGITS}') THEN ('1' || {digits})::BIGINT
        WHEN regexp_full_match({digits}, '1{_TEN_DIGITS}') THEN {digits}::BIGINT
    END"""


def _write_code(plans: tuple[NumberingPlan, ...]) -> str:
    """Find the country code: no code is the beginning of another."""
    two = ", ".join(f"'{plan.code}'" for plan in plans if 10 <= plan.code < 100)
    return f"""CASE
        WHEN international[1] IN ('1', '7') THEN international[1]::SMALLINT
        WHEN international[:2] IN ({two}) THEN international[:2]::SMALLINT
        ELSE international[:3]::SMALLINT
    END"""


def _write_length_check(plans: tuple[NumberingPlan, ...]) -> str:
    """Compare with the lengths of the code: a bit for each, in a list by code."""
    masks = [0] * _CODES
    for plan in plans:
        masks[plan.code] = sum(1 << length for length in plan.lengths)
    listed = ", ".join(map(str, masks))
    return f"([{listed}]::INTEGER[])[code + 1] >> length(rest) & 1 = 1"


def _write_trunk_check(plans: tuple[NumberingPlan, ...]) -> str:
    """See that nothing in front of the number would be taken away."""
    literal = [""] * _CODES
    cases = []
    for plan in plans:
        trunk = plan.trunk or ""
        if _LITERAL.issuperset(trunk):
            literal[plan.code] = trunk
        else:
            pattern = quote(f"^(?:{trunk})")
            cases.append(f"WHEN {plan.code} THEN NOT regexp_matches(rest, {pattern})")
    listed = ", ".join(map(quote, literal))
    trunk = f"([{listed}])[code + 1]"
    return f"""CASE code {" ".join(cases)}
        ELSE {trunk} = '' OR NOT starts_with(rest, {trunk})
    END"""


def parse_texts(
    parts: Iterable[list[str]], region: str | None, *, processes: int
) -> Iterator[list[int]]:
    """Parse parts of texts in their order; `INVALID` stands for what is no number."""
    if processes == 1:
        yield from (parse_part(part, region) for part in parts)
        return
    # A process that is forked would have the threads' locks and none of the threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        begun: deque[Future[list[int]]] = deque()
        for part in parts:
            begun.append(pool.submit(parse_part, part, region))
            if len(begun) > 2 * processes:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def parse_part(texts: list[str], region: str | None) -> list[int]:
    """Parse some texts; a spreadsheet's apostrophe in front is no part of them."""
    found = (find_number(text.removeprefix("'"), region) for text in texts)
    return [INVALID if number is None else int(number) for number in found]
