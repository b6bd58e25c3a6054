"""Inputs nobody should send, made from recorded ones by a seeded hand, and what becomes of them.

One mutator serves every format: it knows what separates values in forms, JSON, XML and addresses,
changes bytes, values and structure, and puts in what has broken parsers before. It is cheap, so
that a parser sees ten thousand inputs in about a tenth of a second.
"""

import itertools
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

INPUTS: Final = 10_000
"""How many inputs each parser gets, where pytest is not told otherwise by `--inputs`."""
INPUT_SECONDS_MAX: Final = 0.5
"""Processor time of one input; a parser that is quadratic in what it is sent needs more."""
INPUT_BYTES_MAX: Final = 16 * 1024
T = TypeVar("T")
_CHANGES_MAX: Final = 3
_VALUE: Final = re.compile(rb'[^"=&<>,:;{}\[\]\s?#/]+')
_NAMES_AND_VALUES: Final = re.compile(rb"[&;,\n>]")

# What a value becomes: other types, edges of numbers and dates, odd letters, broken encodings.
_VALUES: Final = (
    b"", b" ", b"0", b"-1", b"1e999", b"NaN", b"null", b"true", b"false", b"{}", b"[]", b'""',
    b"9" * 9, b"9" * 10, b"9" * 400, b"-" + b"9" * 20, b"0x10", b"1.5", b"18446744073709551616",
    b"2026-02-30T25:61:61Z", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00",
    b"2602302561", b"Mon, 32 Foo 2026 99:99:99 +9999", b"Thu, 01 Jan 1970 00:00:00 +0000",
    b"STOP", b"stop all", b"+", b"+1", b"+14155550142", b"+99999999999999999", b"tel:+1415",
    "٣".encode(), "²".encode(), "🛑".encode() * 40, "ß́".encode() * 9, "\u202e\ufeff\u200d".encode(),
    "\ud800".encode("utf-8", "surrogatepass"), "\x85\u2028".encode(), b"\\ud800", b"\\udc00\\ud800",
    b"\\u0000", b"%00", b"%ff", b"%", b"%zz", b"%ED%A0%80", b"&amp;", b"&#0;", b"&#55296;", b"&a;",
    b"http://[::1", b"https://example.com:99999999/", b"http://\xff/", b"//", b"javascript:1",
    b"SM" + b"0" * 32, b"' OR 1=1 --", b"<script>", b"../../etc", b"x" * 1601, b"\r\nX: y",
)  # fmt: skip
# What is put in between: structure that is not balanced, and markers of other formats.
_PIECES: Final = (
    b"\0", b"\xff", b"\xc3(", b"\xef\xbb\xbf", b"&", b"=", b"&&", b"%", b'"', b"'", b"\\", b"{",
    b"}", b"[", b"]", b",", b":", b"<", b">", b"</", b"/>", b"<a>", b"<!--", b"]]>", b"<![CDATA[",
    b"<?x?>", b"<!DOCTYPE r [<!ENTITY a 'b'>]>", b"#", b"?", b"\n", b"\r\n\r\n", b"\x1b", b"\x7f",
)  # fmt: skip
_NESTS: Final = ((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")"), (b"%5B", b""))
_TIMES: Final = (*([2] * 28), *([3] * 3), 60)
_DEPTHS: Final = (*([1, 2] * 6), 9, 9, 100, 2000)


class Mutator:
    """Changes recorded inputs; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._changes: tuple[Callable[[bytes], bytes], ...] = (
            self._flip_bit,
            self._set_byte,
            self._cut,
            self._drop,
            self._insert,
            self._insert,
            self._repeat,
            self._nest,
            self._swap_value,
            self._swap_value,
            self._swap_value,
            self._move_field,
        )

    def mutate(self, recorded: bytes) -> bytes:
        """Change one to three things in an input; no input is longer than `INPUT_BYTES_MAX`."""
        changed = recorded
        for _ in range(1 + int(self._random.random() * _CHANGES_MAX)):
            changed = self._pick(self._changes)(changed)
        return changed[:INPUT_BYTES_MAX]

    def _pick(self, choices: Sequence[T]) -> T:
        # Several times faster than random.choice, which takes care of what cannot happen here.
        return choices[int(self._random.random() * len(choices))]

    def _at(self, text: bytes) -> int:
        return int(self._random.random() * (len(text) + 1))

    def _flip_bit(self, text: bytes) -> bytes:
        at = self._at(text)
        flipped = bytes(b ^ (1 << int(self._random.random() * 8)) for b in text[at : at + 1])
        return text[:at] + flipped + text[at + 1 :]

    def _set_byte(self, text: bytes) -> bytes:
        at = self._at(text)
        return text[:at] + bytes([int(self._random.random() * 256)]) + text[at + 1 :]

    def _cut(self, text: bytes) -> bytes:
        return text[: self._at(text)]

    def _drop(self, text: bytes) -> bytes:
        at = self._at(text)
        return text[:at] + text[at + 1 + int(self._random.random() * 12) :]

    def _insert(self, text: bytes) -> bytes:
        at = self._at(text)
        return text[:at] + self._pick(_PIECES) + text[at:]

    def _repeat(self, text: bytes) -> bytes:
        start, end = sorted((self._at(text), self._at(text)))
        times = self._pick(_TIMES)
        return (text[:start] + text[start:end] * times + text[end:])[:INPUT_BYTES_MAX]

    def _nest(self, text: bytes) -> bytes:
        opening, closing = self._pick(_NESTS)
        depth = self._pick(_DEPTHS)
        start, end = self._find_value(text)
        inside = text[start:end] + closing * depth if self._random.random() < 0.5 else b""
        return text[:start] + opening * depth + inside + text[end:]

    def _swap_value(self, text: bytes) -> bytes:
        start, end = self._find_value(text)
        return text[:start] + self._pick(_VALUES) + text[end:]

    def _move_field(self, text: bytes) -> bytes:
        """Put what stands before a separator behind everything."""
        found = _NAMES_AND_VALUES.search(text, self._at(text))
        if found is None:
            return text[::-1]
        return text[found.end() :] + found[0] + text[: found.start()]

    def _find_value(self, text: bytes) -> tuple[int, int]:
        found = _VALUE.search(text, self._at(text)) or _VALUE.search(text)
        return found.span() if found else (0, 0)


class Effort:
    """How many inputs each parser gets in this run."""

    inputs = INPUTS


def make_inputs(
    recorded: Sequence[bytes], *, seed: int, count: int | None = None
) -> Iterator[bytes]:
    """Make `count` different inputs; those recorded come first, as they are."""
    count = Effort.inputs if count is None else count
    mutator = Mutator(seed)
    seen = set[int]()
    turns = itertools.chain(recorded, map(mutator.mutate, itertools.cycle(recorded)))
    while len(seen) < count:
        text = next(turns)
        if hash(text) not in seen:
            seen.add(hash(text))
            yield text


Engine = Callable[
    [Callable[[bytes], object], Sequence[bytes], tuple[type[Exception], ...]], "Outcome"
]

engines: Final[list[Engine]] = []
"""What tries parsers instead of the mutator: `tests/fuzz_by_coverage.py` puts its own in here."""


@dataclass
class Outcome:
    """What became of the inputs: how many gave a value, and how many the parser's own error."""

    values: int = 0
    errors: int = 0


def fuzz(
    parse: Callable[[bytes], object],
    recorded: Sequence[bytes],
    *,
    clean: type[Exception] | tuple[type[Exception], ...],
    seed: int = 20261130,
    count: int | None = None,
) -> Outcome:
    """Give a parser `count` inputs: each is a value or a clean error, in bounded time.

    Raises AssertionError with the input that was answered otherwise. Both ends must be met, so
    that a parser which refuses everything, or takes everything, is not called well tested.
    """
    if engines:
        return engines[-1](parse, recorded, clean if isinstance(clean, tuple) else (clean,))
    outcome = Outcome()
    for number, text in enumerate(make_inputs(recorded, seed=seed, count=count)):
        begun = time.thread_time()
        try:
            parse(text)
            outcome.values += 1
        except clean:
            outcome.errors += 1
        except Exception as error:
            raise AssertionError(f"input {number} of seed {seed}: {text[:2000]!r}") from error
        took = time.thread_time() - begun
        if took >= INPUT_SECONDS_MAX:
            # It may have met the interpreter as it tidied up; what is slow is slow every time.
            took = min(_take_time(parse, text, clean) for _ in range(5))
        assert took < INPUT_SECONDS_MAX, f"{took:.2f} s for input {number}: {text[:2000]!r}"
    assert outcome.values, "no input was taken"
    assert outcome.errors, "no input was refused"
    return outcome


def _take_time(
    parse: Callable[[bytes], object],
    text: bytes,
    clean: type[Exception] | tuple[type[Exception], ...],
) -> float:
    """Tell how much of the processor's time a parser takes for an input."""
    begun = time.thread_time()
    with suppress(*(clean if isinstance(clean, tuple) else (clean,))):
        parse(text)
    return time.thread_time() - begun
