"""The clock of the server's host jumps under load: texts are neither sent twice nor misordered."""

import asyncio
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_judge import Counts, judge
from fault_load import under_load
from real_processes import Running
from real_site import Site

from needed import need
from postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

MakeSite = Callable[..., tuple[Site, Running]]
Tell = Callable[[Counts], None]
_SOURCE = Path(__file__).with_name("wall_clock.c")


class WallClock:
    """The wall clock of the processes that are started with its settings; it may be set."""

    def __init__(self, folder: Path) -> None:
        """Build what is loaded into these processes; their clock is right at first."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        need(compiler, "gcc libc6-dev")
        assert compiler is not None
        self._library = folder / "wall_clock.so"
        command = [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", self._library, _SOURCE]
        subprocess.run(command, check=True)
        self._offset = folder / "offset"
        self._offset.write_bytes(bytes(8))

    def set_off(self, seconds: int) -> None:
        """Set it off by so much from now on."""
        with self._offset.open("r+b") as file:
            file.write(struct.pack("=q", seconds))

    def settings(self) -> dict[str, str]:
        """Give what a process must be started with."""
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK_OFFSET": str(self._offset)}


async def test_a_clock_that_jumps_forth_and_back(
    database: PostgresServer, make_site: MakeSite, tell: Tell, tmp_path: Path
) -> None:
    """An hour ahead, right again, an hour behind, right again: the last word of each holds.

    Some of the carrier's answers and reports are lost in each of these times, so that its list must
    be asked by a clock that is wrong, or was. An hour behind, the gate says no: nobody has written
    to us within the time that it looks back. What was queued while the clock was ahead waits for
    its time; in the end it is ahead again for that.
    """
    clock = WallClock(tmp_path)
    site, _ = make_site(database.url(), **clock.settings())
    async with under_load(site) as load:
        await asyncio.to_thread(site.carrier.fault, "lost_answer", rate=0.3)
        await asyncio.to_thread(site.carrier.fault, "lost_webhook", webhook="status", rate=0.5)
        for seconds in (3600, 0, -3600, 0, 3700):
            clock.set_off(seconds)
            await asyncio.sleep(3)
        await asyncio.to_thread(site.carrier.clear_faults)
        await load.wait_for_more(10)
        tell(await judge(site, load, "clock of the server's host set an hour forth and back"))
