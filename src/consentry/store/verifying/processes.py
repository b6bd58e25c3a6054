"""Verifies in several processes, each with a connection of its own to the same moment."""

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Self

from consentry.store.sealing import TextKey, use_text_keys
from consentry.store.verifying.findings import ChunkReport, Finding
from consentry.store.verifying.parts import verify_checkpoints, verify_chunk
from consentry.store.verifying.sources import Bounds, LogSource, Opening, StandingRun
from consentry.store.verifying.standings import verify_standings
from consentry.wire.signed_note import VerifierKey

_opened: list[LogSource] = []
"""What this process reads, where it is one of several."""


class ManyHands:
    """Implements `Hands` by so many processes; leave the block to end them."""

    def __init__(self, opening: Opening, count: int, *, text_keys: Sequence[TextKey] = ()) -> None:
        """Start processes as there is work for them."""
        self._pool = ProcessPoolExecutor(
            count,
            # A process that is forked would have this one's connections and locks.
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(opening, tuple(text_keys)),
        )

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes, whatever is left to do."""
        self._pool.shutdown(cancel_futures=True)

    def verify_chunks(self, parts: Sequence[tuple[Bounds, int]]) -> Iterator[ChunkReport]:
        """Verify chunks of a log of that size."""
        return self._pool.map(_verify_chunk, parts)

    def verify_standings(self, parts: Sequence[StandingRun]) -> Iterator[list[Finding]]:
        """Verify runs of standings."""
        return self._pool.map(_verify_standings, parts)

    def verify_checkpoints(
        self, parts: Sequence[tuple[int, int, int, tuple[VerifierKey, ...]]]
    ) -> Iterator[list[Finding]]:
        """Verify runs of checkpoints."""
        return self._pool.map(_verify_checkpoints, parts)


def _begin(opening: Opening, text_keys: tuple[TextKey, ...]) -> None:
    use_text_keys(text_keys)
    # Rows by the ten thousand come and go here, and nothing refers to itself.
    gc.disable()
    _opened.append(opening.open())


def _verify_chunk(part: tuple[Bounds, int]) -> ChunkReport:
    return verify_chunk(_opened[0], *part)


def _verify_standings(run: StandingRun) -> list[Finding]:
    return verify_standings(_opened[0], run)


def _verify_checkpoints(part: tuple[int, int, int, tuple[VerifierKey, ...]]) -> list[Finding]:
    behind, count, size, keys = part
    return verify_checkpoints(_opened[0], behind, count, size=size, keys=keys)
