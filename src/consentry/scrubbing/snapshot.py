"""Everybody's standing in files: what decides of it, by the hash of the number, at one moment.

A list can be answered from these files anywhere, by the same code as beside the database. They
hold the numbers as they are, so a folder of them is as private as the database itself.
"""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from consentry.domain.deciding_pieces import EverythingDeciding
from consentry.domain.directory import Directory
from consentry.domain.policy import Policy
from consentry.ports import Checkpoint, ErasedStanding, Everybody
from consentry.scrubbing.engine import ListError, failing, open_engine, quote, quote_path
from consentry.wire.keyed_hash import HashKeys, UnknownHashKey

if TYPE_CHECKING:
    import duckdb

FORMAT: Final = 1
PARTITIONS: Final = 16
_MANIFEST: Final = "manifest.json"
_DIRECTORY: Final = "directory.json"
_ERASED: Final = "erased.json"
_ALL: Final = "everybody.tsv"
_AT_ONCE: Final = 2_000
_LINE_BYTES_MAX: Final = 1_000_000
_decode_part: Final = msgspec.json.Decoder(list[tuple[int, EverythingDeciding]]).decode
_encode: Final = msgspec.json.Encoder().encode


class Part(msgspec.Struct, frozen=True):
    """A file of a snapshot, with the hash of its bytes; `rows` is how many people are in it."""

    file: str
    sha256: str
    rows: int = 0


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot is of: when, by which policy, and the ledger's checkpoint then.

    The parts are in the order of buckets: `bucket_of` says which one a number is in.
    """

    format: int
    as_of: datetime
    policy_version: str
    policy: Policy
    checkpoint: Checkpoint | None
    standings: int
    directory: Part
    erased: Part
    erasure_keys: tuple[str, ...]
    parts: tuple[Part, ...]


def bucket_of(number: str, buckets: int) -> str:
    """Write SQL for the bucket of a number: by its MD5, which every engine has and none changes."""
    return f"(md5_number_lower({number}::VARCHAR) % {buckets})::INTEGER"


async def write_snapshot(
    everybody: Everybody, folder: Path, policy: Policy, now: datetime, *, buckets: int = PARTITIONS
) -> Manifest:
    """Write everybody into a new folder, readable by its owner alone; whole, or not there.

    Raises ListError where the folder is there already.
    """
    _check_new(folder)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        await _collect(everybody, draft / _ALL)
        known = everybody.directory
        directory = Directory(known.brands, known.senders, known.programs)
        erased = await everybody.read_erased()
        parts = await asyncio.to_thread(_write_parts, draft, buckets)
        manifest = Manifest(
            format=FORMAT,
            as_of=now,
            policy_version=policy.version,
            policy=policy,
            checkpoint=everybody.checkpoint,
            standings=sum(part.rows for part in parts),
            directory=_write_json(draft / _DIRECTORY, directory),
            erased=_write_json(draft / _ERASED, erased),
            erasure_keys=tuple(sorted({one.key for one in erased})),
            parts=parts,
        )
        _write_json(draft / _MANIFEST, manifest)
        await asyncio.to_thread(draft.replace, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _check_new(folder: Path) -> None:
    if folder.exists():
        raise ListError(f"{folder} is there already. Name another folder, or remove it first.")
    if not folder.parent.is_dir():
        raise ListError(f"There is no folder {folder.parent} to write to.")


async def _collect(everybody: Everybody, file: Path) -> None:
    """Write a line for each person: the number, and what decides, as JSON on one line."""
    with file.open("wb") as out:
        async for part in everybody.parts():
            for number, deciding in _decode_part(part):
                out.write(b"%d\t%b\n" % (number, _encode(deciding)))
            await asyncio.sleep(0)


def _write_parts(folder: Path, buckets: int) -> tuple[Part, ...]:
    """Spread the lines over buckets, each in the order of numbers."""
    file = folder / _ALL
    with (
        failing("The snapshot cannot be made"),
        closing(open_engine(folder / "work", threads=1)) as engine,
    ):
        engine.execute(f"""
            CREATE TABLE everybody AS
            SELECT number, standing, {bucket_of("number", buckets)} AS bucket
            FROM read_csv({quote_path(file)}, auto_detect = false, header = false,
                delim = '\t', quote = '', escape = '', max_line_size = {_LINE_BYTES_MAX},
                buffer_size = {8 * _LINE_BYTES_MAX},
                columns = {{number: 'BIGINT', standing: 'VARCHAR'}})
        """)  # noqa: S608 - our own file
        file.unlink()
        parts = tuple(_write_part(engine, folder, bucket) for bucket in range(buckets))
    shutil.rmtree(folder / "work", ignore_errors=True)
    return parts


def _write_part(engine: "duckdb.DuckDBPyConnection", folder: Path, bucket: int) -> Part:
    file = folder / f"part-{bucket:04}.parquet"
    (rows,) = engine.execute(f"""
        COPY (SELECT number, standing FROM everybody WHERE bucket = {bucket} ORDER BY number)
        TO {quote(str(file))} (FORMAT parquet, COMPRESSION zstd)
    """).fetchone() or (0,)  # noqa: S608 - our own file
    return Part(file.name, _hash_file(file), int(rows))


def _write_json(file: Path, value: object) -> Part:
    written = _encode(value)
    file.write_bytes(written)
    return Part(file.name, hashlib.sha256(written).hexdigest())


def _hash_file(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


class Snapshot:
    """Implements `Everybody` on a folder, or on one bucket of it.

    What is read of it is compared with the hashes of its manifest first: a file that was changed
    raises ListError.
    """

    def __init__(
        self, folder: Path, hash_keys: HashKeys | None = None, *, bucket: int | None = None
    ) -> None:
        """Open a folder that `write_snapshot` made; `hash_keys` find who was erased.

        Raises ListError.
        """
        self.folder = folder
        self.manifest = _read_manifest(folder)
        self._parts = self.manifest.parts if bucket is None else (self.manifest.parts[bucket],)
        self._keys = hash_keys or HashKeys()
        self.directory = msgspec.json.decode(self._check(self.manifest.directory), type=Directory)
        self._erased = {
            (one.key, one.hash): one.standing
            for one in msgspec.json.decode(
                self._check(self.manifest.erased), type=list[ErasedStanding]
            )
        }

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The ledger's newest checkpoint when it was made."""
        return self.manifest.checkpoint

    @property
    def has_erased(self) -> bool:
        """Tell whether anybody was erased by then."""
        return bool(self.manifest.erasure_keys)

    async def parts(self) -> AsyncIterator[bytes]:
        """Give all standings part by part, in the order of buckets and numbers."""
        with closing(open_engine(Path(tempfile.gettempdir()), threads=1)) as engine:
            for part in self._parts:
                self._check_hash(part, await asyncio.to_thread(_hash_file, self.folder / part.file))
                file = quote_path(self.folder / part.file)
                rows = engine.execute(f"SELECT number, standing FROM read_parquet({file})")  # noqa: S608 - our own file
                while found := rows.fetchmany(_AT_ONCE):
                    yield f"[{','.join([f'[{n},{standing}]' for n, standing in found])}]".encode()

    async def match_erased(self, numbers: list[str]) -> dict[str, str]:
        """Find what stands against numbers that were erased; raises ListError without the key."""
        found = {}
        try:
            for key in self.manifest.erasure_keys:
                for number in numbers:
                    standing = self._erased.get(self._keys.hash_by(key, number))
                    if standing is not None:
                        found[number] = standing
        except UnknownHashKey as error:
            raise ListError(str(error)) from error
        return found

    async def read_erased(self) -> list[ErasedStanding]:
        """List what stands against all who were erased."""
        return [ErasedStanding(*place, standing) for place, standing in self._erased.items()]

    def _check(self, part: Part) -> bytes:
        written = _read_file(self.folder / part.file)
        self._check_hash(part, hashlib.sha256(written).hexdigest())
        return written

    def _check_hash(self, part: Part, found: str) -> None:
        if found != part.sha256:
            raise ListError(
                f"{self.folder / part.file} is not what the snapshot's manifest says it was. Make "
                "a new snapshot."
            )


def _read_manifest(folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(_read_file(folder / _MANIFEST), type=Manifest)
    except msgspec.DecodeError as error:
        raise ListError(f"{folder} is no snapshot of this version: {error}.") from error
    if manifest.format != FORMAT:
        raise ListError(f"{folder} is a snapshot of another version. Make a new one.")
    return manifest


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ListError(f"{file} cannot be read: {error.strerror}.") from error
