"""Every carrier's readers against a hundred thousand signed webhooks that nobody should send."""

from collections.abc import Iterator

import msgspec
import pytest
from _pytest.mark import ParameterSet
from carrier_table import CarrierTable, Posted, read_tables

from consentry.ports import CarrierEvent, Forged, Malformed
from fuzzing import INPUTS, fuzz

# Measuring which lines run would take most of the time, and other tests run them all.
pytestmark = [pytest.mark.property, pytest.mark.no_cover]


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


def each_reader() -> Iterator[ParameterSet]:
    """Give each carrier's readers: an address, and what is posted there by its kind of body."""
    for name, table in read_tables().items():
        readers: dict[str, dict[str, list[Posted]]] = {}
        for posted in table.posted:
            if not posted.reason:
                kinds = readers.setdefault(posted.to, {})
                kinds.setdefault(posted.media_type, []).append(posted)
        for address, kinds in readers.items():
            yield pytest.param(table, list(kinds.values()), id=f"{name}: {address}")


@pytest.mark.parametrize(("table", "kinds"), list(each_reader()))
def test_a_signed_webhook_is_read_or_cleanly_refused(
    table: CarrierTable, kinds: list[list[Posted]]
) -> None:
    """Each gives events, `Malformed` or `Forged`, in bounded time, and nothing else."""
    for posted in kinds:
        bodies = [one.body for one in posted]
        read, count = Signed(table, posted[0]), INPUTS // len(kinds)
        fuzz(read, bodies, clean=(Malformed, Forged), count=count)
