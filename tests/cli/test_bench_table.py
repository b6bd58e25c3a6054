"""The bench's table: what a round cost, whose it was, and what is missing from it."""

import subprocess
import sys
import time

import pytest

from consentry.cli.bench.load import Round
from consentry.cli.bench.plan import IN_FLIGHT, MAIN
from consentry.cli.bench.processes import (
    list_family,
    list_workers,
    read_own_mebibytes,
    read_processor_seconds,
)
from consentry.cli.bench.sheet import COLUMNS, Key, Sample, Sheet, to_table

GATE = Key("gate", "product", "SQLite", 1)


def taken(per_second: int, *, busy: float | None = None, mebibytes: float | None = None) -> Sample:
    """Make a sample of one second."""
    latencies = tuple(place / 1000 for place in range(1, 101))
    return Sample(Round(1.0, per_second, per_second, latencies, 0.0), busy, None, mebibytes)


@pytest.mark.unit
def test_a_cell_is_the_median_of_its_rounds() -> None:
    """The rate, the percentiles and the processor's time are medians; memory is the most held."""
    sheet = Sheet()
    for per_second, mebibytes in ((1000, 40.0), (4000, 70.0), (2000, 50.0)):
        sheet.add(GATE, 32, taken(per_second, busy=0.5, mebibytes=mebibytes))
    (cell,) = sheet.cells()
    assert (cell.per_second, cell.in_flight, cell.worker_mebibytes) == (2000, 32, 70.0)
    assert (cell.p50_milliseconds, cell.p99_milliseconds) == (51.0, 100.0)
    assert cell.processor_microseconds == 250.0
    assert sheet.largest_worker("SQLite") == 70.0
    (row,) = to_table([cell])
    assert len(row) == len(COLUMNS)
    assert row[5:9] == ("2,000", "51.0 ms", "100.0 ms", "250.0 us")


@pytest.mark.unit
def test_what_was_not_measured_says_so() -> None:
    """A missing row stands in the table with the reason; an unknown cost is left empty."""
    sheet = Sheet()
    sheet.miss(GATE, "there is no such database")
    assert sheet.why_missing(GATE) == "there is no such database"
    assert to_table(sheet.cells())[0][-1] == "not measured: there is no such database"
    sheet.add(Key("gate", "pgbench -S", "PostgreSQL"), 8, Sample(Round(1.0, 5, 5, (), 0.0)))
    first = to_table(sheet.cells())[0]
    assert first[3:] == ("", "8", "5", "", "", "", "", "", "")


@pytest.mark.unit
def test_goals_are_set_where_all_rounds_are_measured() -> None:
    """The number in flight that goals are about is one of those that are measured."""
    assert MAIN in IN_FLIGHT


@pytest.mark.integration
def test_a_server_is_counted_with_all_that_came_from_it() -> None:
    """The processor's time of a child counts, also after its end; workers are the children."""
    work = "import time\nwhile time.process_time() < 0.3: pass"
    code = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {work!r}], check=True)\n"
        "lasting = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print('up', flush=True)\n"
        "input()\n"
        "lasting.communicate(b'\\n')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        family = list_family(parent.pid)
        assert len(family) == 2
        assert list_workers(parent.pid) == family[1:]
        assert (read_processor_seconds(parent.pid) or 0) > 0.2
        assert (read_own_mebibytes(parent.pid) or 0) > 1
        parent.communicate(b"\n")
    last_chance = time.monotonic() + 60
    while list_family(parent.pid) != [parent.pid] and time.monotonic() < last_chance:
        time.sleep(0.01)
    assert read_processor_seconds(parent.pid) is None
    assert read_own_mebibytes(parent.pid) is None
