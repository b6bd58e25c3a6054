"""Machines of a Ray cluster, or the cores of this one."""

import logging
import os
import tempfile
from collections.abc import Sequence
from typing import Final

import msgspec

from consentry.scrubbing.engine import ListError
from consentry.scrubbing.many_machines import Work, answer_bucket

HERE: Final = "local"
"""The address that begins a cluster on this machine alone, for as long as a scrub takes."""

_LOOPBACK: Final = "127.0.0.1"
_OBJECTS_BYTES: Final = 80_000_000
"""The least that Ray takes: what goes between machines here are names of files."""

_ALONE: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""It tells its makers nothing, and a cluster on one machine listens on loopback alone."""


class RayMachines:
    """Implements `Machines`. Every machine must have this program, and see the same folders."""

    def __init__(self, address: str, *, processes: int) -> None:
        """Use a cluster by its address; `HERE` begins one with so many processes.

        Raises ListError where Ray is not installed.
        """
        try:
            import ray  # noqa: F401, PLC0415 - told before any work is done
        except ImportError as error:
            raise ListError("Ray is not installed: pip install 'consentry[ray]'.") from error
        self._address = address
        self._processes = processes

    def run(self, works: Sequence[Work]) -> None:
        """Run all of it; work on a machine that is lost is run on another."""
        import ray  # noqa: PLC0415 - see above

        # A short path: that of a socket has a hundred characters at most.
        with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:
            self._begin(folder)
            try:
                remote = ray.remote(num_cpus=1)(_answer)
                ray.get([remote.remote(msgspec.json.encode(work)) for work in works])
            finally:
                ray.shutdown()

    def _begin(self, folder: str) -> None:
        import ray  # noqa: PLC0415 - see above

        if self._address != HERE:
            ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR)
            return
        # It reads these nowhere else.
        os.environ.update(_ALONE)  # noqa: TID251 - see above
        ray.init(
            num_cpus=self._processes,
            include_dashboard=False,
            object_store_memory=_OBJECTS_BYTES,
            _node_ip_address=_LOOPBACK,
            _temp_dir=folder,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )


def _answer(work: bytes) -> None:
    answer_bucket(msgspec.json.decode(work, type=Work))
