"""A disk in memory that forgets what was not synced, tears it, fails and fills up: a VFS of SQLite.

It promises as little as SQLite asks for. What was written since the last sync of its file may be
there after a crash or not, each sector by itself; what was synced is there.
"""

import random
import sys
from collections import Counter
from typing import Any, Final

import apsw

SECTOR: Final = 512
NAME: Final = "simulated"


class PowerLost(Exception):
    """The disk has stopped: nothing is read or written until the machine starts again."""


class _File:
    """The bytes of a file as they are read, with what is needed to forget what is not synced."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.unsynced: list[tuple[int, bytes | bytearray, bytes, int]] = []
        self.was_synced = False

    def write(self, offset: int, data: bytes) -> None:
        content = self.content
        length = len(content)
        if offset == length:
            self.unsynced.append((offset, b"", data, length))
            content += data
            return
        if offset > length:
            content.extend(bytes(offset - length))
        end = offset + len(data)
        self.unsynced.append((offset, content[offset:end], data, length))
        content[offset:end] = data

    def truncate(self, size: int) -> None:
        length = len(self.content)
        self.unsynced.append((size, bytes(self.content[size:]), b"", length))
        del self.content[size:]

    def sync(self) -> None:
        self.unsynced.clear()
        self.was_synced = True

    def lose(self, chance: random.Random, counts: Counter[str]) -> None:
        """Keep what was synced, and of the rest as many sectors as chance will have it."""
        lost = self.unsynced
        for offset, before, data, length in reversed(lost):
            if data:
                self.content[offset : offset + len(data)] = before
                del self.content[length:]
            else:
                self.content.extend(before)
        keeps = chance.choice([0.0, 0.5, 0.9, 1.0])
        for offset, _, data, _ in lost:
            for place, sector in _sectors(offset, data):
                if chance.random() < keeps:
                    end = place + len(sector)
                    if end > len(self.content):
                        self.content.extend(bytes(end - len(self.content)))
                    self.content[place:end] = sector
                else:
                    counts["sector lost at a crash"] += 1
        self.unsynced = []


def _sectors(offset: int, data: bytes) -> list[tuple[int, bytes]]:
    """Cut a write where sectors end."""
    cut = []
    place = 0
    while place < len(data):
        step = SECTOR - (offset + place) % SECTOR
        cut.append((offset + place, data[place : place + step]))
        place += step
    return cut


class Faults:
    """Says what goes wrong next: chances are for each operation of the disk."""

    def __init__(self, chance: random.Random, counts: Counter[str]) -> None:
        self.chance = chance
        self.counts = counts
        self.read = 0.0
        self.write = 0.0
        self.sync = 0.0
        self.full = False
        self.crash_in: int | None = None

    def strike(self, what: str, likelihood: float) -> bool:
        """Tell whether this operation fails."""
        if likelihood and self.chance.random() < likelihood:
            self.counts[what] += 1
            return True
        return False


class SimulatedDisk:
    """All files of one machine; `image` is what lies there at the start."""

    def __init__(self, image: dict[str, bytes], faults: Faults) -> None:
        self.faults = faults
        self.files: dict[str, _File] = {}
        self.stopped = False
        self.operations = 0
        for name, content in image.items():
            file = self.files[name] = _File()
            file.content = bytearray(content)
            file.was_synced = True

    def image(self) -> dict[str, bytes]:
        """Copy what lies there, but for empty files."""
        return {name: bytes(file.content) for name, file in self.files.items() if file.content}

    def lose_power(self) -> None:
        """Stop; what was not synced is lost or torn."""
        if self.stopped:
            return
        self.stopped = True
        for name, file in list(self.files.items()):
            file.lose(self.faults.chance, self.faults.counts)
            if not file.was_synced and self.faults.chance.random() < 0.5:
                del self.files[name]

    def start_again(self) -> None:
        """Answer again, after the power is back."""
        self.stopped = False
        self.faults.crash_in = None

    def step(self) -> None:
        """Count an operation, and stop at the one that is to be the last."""
        self.operations += 1
        faults = self.faults
        if faults.crash_in is not None:
            faults.crash_in -= 1
            if faults.crash_in <= 0:
                faults.crash_in = None
                faults.counts["power lost inside a transaction"] += 1
                self.lose_power()
        if self.stopped:
            raise apsw.IOError("the power is gone")


class SimulatedFile:
    """An open file, as SQLite sees it. Without shared memory, so one connection has it alone."""

    def __init__(self, disk: SimulatedDisk, name: str) -> None:
        self._disk = disk
        self._name = name
        self._file = disk.files.setdefault(name, _File())

    def xRead(self, amount: int, offset: int) -> bytearray:
        disk = self._disk
        disk.step()
        if disk.faults.read and disk.faults.strike("read failed", disk.faults.read):
            raise apsw.IOError("the disk does not read")
        return self._file.content[offset : offset + amount]

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.step()
        faults = self._disk.faults
        if faults.full and offset + len(data) > len(self._file.content):
            faults.counts["disk full"] += 1
            raise apsw.FullError("the disk is full")
        if faults.write and faults.strike("write failed", faults.write):
            # Part of it is there all the same.
            self._file.write(offset, data[: faults.chance.randrange(len(data))])
            raise apsw.IOError("the disk does not write")
        self._file.write(offset, bytes(data))

    def xSync(self, flags: int) -> None:
        del flags
        self._disk.step()
        if self._disk.faults.strike("sync failed", self._disk.faults.sync):
            raise apsw.IOError("the disk does not sync")
        self._file.sync()

    def xTruncate(self, size: int) -> None:
        self._disk.step()
        self._file.truncate(size)

    def xFileSize(self) -> int:
        return len(self._file.content)

    def xClose(self) -> None:
        """Nothing is kept open."""

    def xLock(self, level: int) -> None:
        """Nobody else is there."""

    def xUnlock(self, level: int) -> None:
        """Nobody else is there."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xFileControl(self, op: int, pointer: int) -> bool:
        del op, pointer
        return False


class SimulatedVFS(apsw.VFS):
    """Takes the place of the system's files: every database of this process lies in memory.

    `disk` is the one that is opened from; another world puts its own there.
    """

    disk: SimulatedDisk

    def __init__(self) -> None:
        super().__init__(NAME, "", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        flags[1] = flags[0]
        return SimulatedFile(self.disk, path)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        del syncdir
        self.disk.step()
        self.disk.files.pop(filename, None)

    def xAccess(self, pathname: str, flags: int) -> bool:
        del flags
        return pathname in self.disk.files

    def xFullPathname(self, filename: str) -> str:
        return filename

    def xSleep(self, microseconds: int) -> int:
        return microseconds


def _open_alone(connection: apsw.Connection) -> None:
    """Have the log's index in the connection itself: the simulated disk shares no memory."""
    if connection.open_vfs == NAME:
        connection.pragma("locking_mode", "exclusive")


def _say_unless_meant(kind: type[BaseException], error: BaseException, where: object) -> None:
    """Keep still about faults of the disk, of which SQLite itself is told by their codes."""
    if not isinstance(error, apsw.Error):
        sys.__excepthook__(kind, error, where)  # type: ignore[arg-type]


def install_vfs() -> SimulatedVFS:
    """Let every database that is opened from now on lie on a simulated disk.

    To be called before the first is opened: nobody reads SQLite's count of its memory here, and
    each connection has room enough of its own.
    """
    apsw.shutdown()
    apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
    apsw.config(apsw.SQLITE_CONFIG_LOOKASIDE, 1200, 1000)
    apsw.initialize()
    vfs = SimulatedVFS()
    sys.excepthook = _say_unless_meant
    apsw.connection_hooks.append(_open_alone)
    return vfs
