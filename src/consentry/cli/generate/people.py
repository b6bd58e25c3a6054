"""People: who they are, when they text us, and what was made durable of each."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random  # noqa: TID251 - seeded, and handed on
from typing import Final

import msgspec

from consentry.cli.generate.names import draw_email, draw_name, number_of, write_phone
from consentry.cli.generate.stories import ENTRIES, STANDINGS, Counted, Story
from consentry.cli.generate.world import draw_chance, write_count, write_time
from consentry.domain.customers import Customer
from consentry.store.changed import Table
from consentry.store.derived import DAY_MICROSECONDS
from consentry.store.sqlite.encoding import JSON_ROWS

_STRANGERS_SHARE: Final = 0.15
_EMAIL_SHARE: Final = 0.6
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CARRIER_ID_BITS: Final = 100


class Told(msgspec.Struct):
    """A row that is to be written, filled in: when, into which table, and what is counted.

    A customer's row comes with the number that it holds, and its id.
    """

    at: int
    table: str
    row: bytes
    counted: Counted | None = None
    audited: bytes | None = None
    holds: str = ""
    held_by: str = ""


class Narrator:
    """Tells of people, one after the other; the same seed tells the same."""

    def __init__(self, stories: Sequence[Story], *, texting_share: float, seed: int) -> None:
        """Choose among stories; so large a share of people text us at all."""
        self._stories = stories
        self._share = texting_share
        self._random = Random(seed + 1)  # noqa: S311 - made-up data
        self._told = 0
        self.messages = 0

    def tell(self, end: int) -> Iterator[Told]:
        """Tell of the next person, whose story, if there is one, ends at a time."""
        story = None
        if self._random.random() < self._share:
            story = self._random.choice(self._stories)
        yield from self.tell_of(story, end)

    def tell_of(self, story: Story | None, end: int) -> Iterator[Told]:
        """Tell of the next person what a story says."""
        place, random = self._told, self._random
        self._told += 1
        number, region = number_of(place)
        start = end if story is None else end - story.length
        chance = draw_chance(random)
        profile = f"cus_{write_time(start // 1000)}{write_count(0)}{chance}"
        customer = self._draw_customer(profile, number, region, start)
        encoded = JSON_ROWS.encode_customer(customer)
        yield Told(start, Table.CUSTOMERS, encoded, holds=number, held_by=profile)
        if story is not None:
            self.messages += story.messages
            own = _Own(start, number, profile, chance, random.getrandbits(_CARRIER_ID_BITS) << 28)
            yield from _tell_rows(story, own)

    def _draw_customer(self, profile: str, number: str, region: str, start: int) -> Customer:
        random, created_at = self._random, _EPOCH + timedelta(microseconds=start)
        stranger = random.random() < _STRANGERS_SHARE
        name = "" if stranger else draw_name(random)
        has_email = name and random.random() < _EMAIL_SHARE
        return Customer(
            id=profile,
            name=name,
            created_at=created_at,
            updated_at=created_at,
            emails=(draw_email(name, random),) if has_email else (),
            phones=(write_phone(number, region, random),),
        )


class _Own(msgspec.Struct, frozen=True):
    """What is another for each person: when it begins, and what ids are made of."""

    start: int
    number: str
    profile: str
    chance: str
    carrier_id: int


def _fill(story: Story, own: _Own) -> list[bytes]:
    """Make what fills the gaps of a story, in their order."""
    made = {at: write_time((own.start + at) // 1000) for at in set(story.ids)}
    return [
        own.number.encode(),
        own.profile.encode(),
        *(_write_instant(own.start + at) for at in story.times),
        *(
            f"{made[at]}{write_count(place + 1)}{own.chance}".encode()
            for place, at in enumerate(story.ids)
        ),
        *(b"%032x" % (own.carrier_id + place) for place in range(story.carrier_ids)),
    ]


def _write_instant(microseconds: int) -> bytes:
    """Write a time as the encoder of the store does, many times faster than a datetime would."""
    day, rest = divmod(microseconds, DAY_MICROSECONDS)
    seconds, fraction = divmod(rest, 1_000_000)
    hour, minute, second = seconds // 3600, seconds // 60 % 60, seconds % 60
    if fraction:
        return b"%bT%02d:%02d:%02d.%06dZ" % (_write_day(day), hour, minute, second, fraction)
    return b"%bT%02d:%02d:%02dZ" % (_write_day(day), hour, minute, second)


@lru_cache(maxsize=10_000)
def _write_day(day: int) -> bytes:
    return (_EPOCH + timedelta(days=day)).date().isoformat().encode()


def _tell_rows(story: Story, own: _Own) -> Iterator[Told]:
    fillings, start = _fill(story, own), own.start
    for row in story.rows:
        at = start + row.at
        text = row.text % row.pick(fillings)
        if row.table == ENTRIES:
            audited = None
            if row.counted is not None and row.counted.audited is not None:
                audited = b"ent_" + fillings[row.counted.audited]
            yield Told(at, ENTRIES, b"[%d,%b]" % (at, text), row.counted, audited)
        elif row.table == STANDINGS:
            since = b"null" if story.opted_out_at is None else b"%d" % (start + story.opted_out_at)
            yield Told(
                at, STANDINGS, b'"%b":[%b,%b,%b]' % (fillings[0], since, story.opt_out_marks, text)
            )
        else:
            yield Told(at, row.table, text)


def spread(count: int, begin: int, end: int, seed: int) -> Iterator[int]:
    """Give so many times from begin to end, in order, as evenly as people come: not at all."""
    random = Random(seed + 2)  # noqa: S311 - made-up data
    gaps = accumulate(random.expovariate(1) for _ in range(count))
    for gap in gaps:
        yield begin + int((end - begin) * min(1.0, gap / (count + 1)))
