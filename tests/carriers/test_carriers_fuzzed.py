"""Every carrier's readers against a hundred thousand signed webhooks that nobody should send."""

from collections.abc import Iterator

import msgspec
import pytest
from _pytest.mark import ParameterSet
from carrier_table import CarrierTable, Posted, read_tables

from consentry.ports import CarrierEvent, Forged, Malformed
from fuzzing import fuzz

# Measuring which lines run would take most of the time, and other tests run them all.
pytestmark = [pytest.mark.property, pytest.mark.no_cover]


class Signed:
    """Reads a body as the webhook that was recorded, signed over what was changed in it."""

    def __init__(self, table: CarrierTable, posted: Posted) -> None:
        carrier = table.kind.build(table.account, "https://texts.example.com")
        self._read = carrier.read_inbound if posted.to == "inbound" else carrier.read_status
        self._request = table.request(posted)
        self._sign = table.sign_fast or table.sign

    def __call__(self, body: bytes) -> tuple[CarrierEvent, ...]:
        """Read one body; raises what the carrier's reader raises."""
        return self._read(self._sign(msgspec.structs.replace(self._request, body=body)))


def each_reader() -> Iterator[ParameterSet]:
    """Give what each carrier posts, one address and one kind of body at a time."""
    for name, table in read_tables().items():
        kinds: dict[tuple[str, str], list[Posted]] = {}
        for posted in table.posted:
            if not posted.reason:
                kinds.setdefault((posted.to, posted.media_type), []).append(posted)
        for (to, media_type), found in kinds.items():
            yield pytest.param(table, found, id=f"{name}: {to}, {media_type.partition(';')[0]}")


@pytest.mark.parametrize(("table", "posted"), list(each_reader()))
def test_a_signed_webhook_is_read_or_cleanly_refused(
    table: CarrierTable, posted: list[Posted]
) -> None:
    """Each gives events, `Malformed` or `Forged`, in bounded time, and nothing else."""
    bodies = [one.body for one in posted]
    fuzz(Signed(table, posted[0]), bodies, clean=(Malformed, Forged))
