"""Every carrier's readers against thousands of signed webhooks that nobody should send.

Where carriers share a reader, it gets them once: as many from each.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest
from _pytest.mark import ParameterSet
from carrier_loopback import OPEN, http, loopback
from carrier_table import CarrierTable, Posted, read_tables

from consentry.ports import Accepted, CarrierEvent, Forged, Malformed, Submission
from fuzzing import Effort, fuzz, make_inputs

# Measuring which lines run would take most of the time, and other tests run them all.
pytestmark = [pytest.mark.property, pytest.mark.no_cover]


ANSWERS = 500
"""As many answers to texts: each takes a connection, and not microseconds."""
STATUSES = (200, 201, 202, 204, 301, 400, 401, 403, 409, 429, 500, 503)


class Signed:
    """Reads a body as the webhook that was recorded, signed over what was changed in it."""

    def __init__(self, table: CarrierTable, posted: Posted) -> None:
        readers = table.trusting or table.kind.build(table.account, "https://texts.example.com")
        self._read = readers.read_inbound if posted.to == "inbound" else readers.read_status
        self._request = table.request(posted)
        self._sign = table.sign_fast or table.sign

    def __call__(self, body: bytes) -> tuple[CarrierEvent, ...]:
        """Read one body; raises what the carrier's reader raises."""
        return self._read(self._sign(msgspec.structs.replace(self._request, body=body)))


def name_reader(table: CarrierTable) -> str:
    """Name the class that reads a carrier's webhooks."""
    carrier = table.kind.build(table.account, "https://texts.example.com")
    reader = getattr(carrier.read_inbound, "__self__", carrier)
    return type(reader).__qualname__


def each_reader() -> Iterator[ParameterSet]:
    """Give each carrier's readers: an address, what is posted there, and the number of inputs.

    What is posted is in groups by its kind of body.
    """
    tables = read_tables()
    shared = Counter(map(name_reader, tables.values()))
    for name, table in tables.items():
        count = Effort.inputs // shared[name_reader(table)]
        readers: dict[str, dict[str, list[Posted]]] = {}
        for posted in table.posted:
            if not posted.reason:
                kinds = readers.setdefault(posted.to, {})
                kinds.setdefault(posted.media_type, []).append(posted)
        for address, kinds in readers.items():
            yield pytest.param(table, list(kinds.values()), count, id=f"{name}: {address}")


@pytest.mark.fuzz
@pytest.mark.parametrize(("table", "kinds", "count"), list(each_reader()))
def test_a_signed_webhook_is_read_or_cleanly_refused(
    table: CarrierTable, kinds: list[list[Posted]], count: int
) -> None:
    """Each gives events, `Malformed` or `Forged`, in bounded time, and nothing else."""
    for posted in kinds:
        bodies = [one.body for one in posted]
        read = Signed(table, posted[0])
        fuzz(read, bodies, clean=(Malformed, Forged), count=count // len(kinds))


@pytest.mark.parametrize(
    "table", [t for t in read_tables().values() if t.sent], ids=lambda t: t.kind.name
)
async def test_whatever_is_answered_is_one_of_the_four(table: CarrierTable) -> None:
    """No answer to a text raises anything; only a 2xx can mean that it was taken."""
    texts = [sent.text for sent in table.sent]
    answers = [sent.answer for sent in table.sent] + [b'{"a":' * 3000, b"[" * 3000]
    async with loopback() as server:
        account = msgspec.structs.replace(table.account, base_url=server.url)
        carrier = table.kind.build(account, "https://texts.example.com")
        for number, body in enumerate(make_inputs(answers, seed=9, count=ANSWERS)):
            status = STATUSES[number % len(STATUSES)]
            server.answer(http(status, body))
            means = await carrier.submit(texts[number % len(texts)], OPEN)
            assert isinstance(means, Submission), body
            assert not (isinstance(means, Accepted) and status >= 300), body
        await carrier.close()
