"""The gate as a good team would write it by hand, to compare with.

FastAPI, pydantic models, SQLAlchemy's async engine on SQLite through aiosqlite. It answers
`POST /v1/check` as the product does: the same key check, the same questions of the same data, the
same JSON. Nothing is left out to make it look bad: the statement is built once, one round trip
loads all that a decision needs, keys and senders are cached for a second, connections are pooled
and the database is in WAL mode. It has no ledger, no replay of the past and no other door.

    python bench/handwritten_service.py fill DATABASE < content.json
    python bench/handwritten_service.py serve DATABASE --port 8001
"""

import argparse
import hashlib
import hmac
import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, field_validator
from sqlalchemy import (
    Column,
    DateTime,
    MetaData,
    RowMapping,
    String,
    Table,
    and_,
    bindparam,
    create_engine,
    event,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

CACHE_SECONDS = 1.0
CONVERSATION_WINDOW = timedelta(hours=24)
POLICY_VERSION = "handwritten"
OPTED_OUT = (
    "The destination number has disabled receiving messages from this number and must text "
    "'START' to this number to enable"
)
DETAILS = {
    "unknown_sender": "No such sender is set up here. List the senders, or add this one first.",
    "carrier_blocked": OPTED_OUT,
    "opted_out": OPTED_OUT,
    "suppressed": "This number is on the do-not-text list. Do not text it.",
    "no_consent": "There is no consent for this text. The person must text this sender first.",
    "consent_expired": "The consent has expired. Ask the person for it again.",
    "consent_level": "The consent is too weak for this purpose.",
}
LEVELS = ("implied", "express", "express_written")
NEEDED_LEVEL = {"conversational": 0, "informational": 1, "marketing": 2}
E164 = re.compile(r"\+[1-9][0-9]{6,14}")

# --- What is kept ---------------------------------------------------------------------------

metadata = MetaData()


def _column(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, String, primary_key=key, nullable=False)


def _moment(name: str) -> Column[datetime]:
    return Column(name, DateTime, nullable=True)


api_keys = Table("api_keys", metadata, _column("hash", key=True))
senders = Table("senders", metadata, _column("number", key=True), _column("brand"))
programs = Table(
    "programs", metadata, _column("id", key=True), _column("brand"), _column("purpose")
)
consents = Table(
    "consents",
    metadata,
    _column("recipient", key=True),
    _column("program", key=True),
    _column("state"),
    _column("level"),
    _moment("since"),
    _moment("changed_at"),
    _moment("expires_at"),
    _column("entry"),
    sqlite_with_rowid=False,
)
blocks = Table(
    "blocks",
    metadata,
    _column("recipient", key=True),
    _column("scope", key=True),
    _column("layer", key=True),
    _column("state"),
    _column("cause"),
    _moment("since"),
    _moment("changed_at"),
    _column("entry"),
    sqlite_with_rowid=False,
)
suppressions = Table(
    "suppressions",
    metadata,
    _column("recipient", key=True),
    _column("scope", key=True),
    _column("cause"),
    _moment("since"),
    _column("entry"),
    sqlite_with_rowid=False,
)
threads = Table(
    "threads",
    metadata,
    _column("recipient", key=True),
    _column("sender", key=True),
    _moment("last_inbound_at"),
    sqlite_with_rowid=False,
)


def build_standing_query() -> Any:
    """Ask for all that a decision needs in one round trip.

    A recipient has one or two rows in each table, so the product of the joins stays that small.
    """
    recipient = bindparam("recipient", type_=String)
    sender = bindparam("sender", type_=String)
    scopes = (suppressions.c.scope == "*", suppressions.c.scope == bindparam("brand", type_=String))
    one = select(literal(1).label("one")).subquery("one")
    joined = (
        one.outerjoin(consents, consents.c.recipient == recipient)
        .outerjoin(
            blocks,
            and_(
                blocks.c.recipient == recipient,
                blocks.c.scope == sender,
                blocks.c.state != "open",
            ),
        )
        .outerjoin(suppressions, and_(suppressions.c.recipient == recipient, or_(*scopes)))
        .outerjoin(threads, and_(threads.c.recipient == recipient, threads.c.sender == sender))
    )
    prefixed = [
        column.label(f"{table.name}_{column.name}")
        for table in (consents, blocks, suppressions, threads)
        for column in table.columns
    ]
    return select(*prefixed).select_from(joined)


STANDING = build_standing_query()

# --- What is asked and answered -------------------------------------------------------------


class Purpose(StrEnum):
    """What a text is for."""

    CONVERSATIONAL = "conversational"
    INFORMATIONAL = "informational"
    MARKETING = "marketing"


class Question(BaseModel):
    """The body of a check."""

    sender: str
    recipient: str
    purpose: Purpose | None = None

    @field_validator("recipient")
    @classmethod
    def check_recipient(cls, value: str) -> str:
        """Let only E.164 through."""
        if E164.fullmatch(value) is None:
            raise ValueError("Send the number as E.164, such as +14155550142.")
        return value


class Consent(BaseModel):
    """The consent that a decision rests on."""

    program: str
    state: str
    level: str
    since: datetime
    changed_at: datetime
    expires_at: datetime | None
    entry: str


class Block(BaseModel):
    """The block that a decision rests on."""

    scope: str
    layer: str
    state: str
    cause: str
    since: datetime
    changed_at: datetime
    entry: str


class Answer(BaseModel):
    """The gate's answer."""

    decision: Literal["allow", "deny"]
    reason: str | None = None
    detail: str
    rules: list[str]
    policy_version: str = POLICY_VERSION
    as_of: datetime
    consent: Consent | None = None
    block: Block | None = None


# --- How it is decided ----------------------------------------------------------------------


def deny(
    reason: str,
    rule: str,
    now: datetime,
    *,
    block: Block | None = None,
    consent: Consent | None = None,
) -> Answer:
    """Say no, with the piece that the answer rests on."""
    return Answer(
        decision="deny",
        reason=reason,
        detail=DETAILS[reason],
        rules=[rule],
        as_of=now,
        block=block,
        consent=consent,
    )


def read_block(row: RowMapping) -> Block | None:
    """Read the block of a row, if it has one."""
    if row["blocks_scope"] is None:
        return None
    return Block(
        scope=row["blocks_scope"],
        layer=row["blocks_layer"],
        state=row["blocks_state"],
        cause=row["blocks_cause"],
        since=row["blocks_since"].replace(tzinfo=UTC),
        changed_at=row["blocks_changed_at"].replace(tzinfo=UTC),
        entry=row["blocks_entry"],
    )


def read_consent(row: RowMapping) -> Consent:
    """Read the consent of a row that has one."""
    expires_at = row["consents_expires_at"]
    return Consent(
        program=row["consents_program"],
        state=row["consents_state"],
        level=row["consents_level"],
        since=row["consents_since"].replace(tzinfo=UTC),
        changed_at=row["consents_changed_at"].replace(tzinfo=UTC),
        expires_at=None if expires_at is None else expires_at.replace(tzinfo=UTC),
        entry=row["consents_entry"],
    )


def decide(
    question: Question, rows: Sequence[RowMapping], directory: "Directory", now: datetime
) -> Answer:
    """Decide in the product's order: block, revoked conversation, suppression, consent."""
    first = rows[0]
    block = read_block(first)
    if block is not None:
        reason = "carrier_blocked" if block.cause == "carrier_refusal" else "opted_out"
        return deny(reason, f"block/{block.layer}", now, block=block)
    conversation = f"conversation:{question.sender}"
    kept = {row["consents_program"]: row for row in rows if row["consents_program"] is not None}
    own = kept.get(conversation)
    if own is not None and own["consents_state"] == "revoked":
        consent = read_consent(own)
        return deny("opted_out", "consent/conversation_revoked", now, consent=consent)
    if first["suppressions_scope"] is not None:
        return deny("suppressed", f"suppression/{first['suppressions_scope']}", now)
    purpose = find_purpose(question, first["threads_last_inbound_at"], now)
    if purpose is None:
        return deny("no_consent", "purpose/not_named", now)
    names = [conversation]
    if purpose is not Purpose.CONVERSATIONAL:
        names = directory.programs_for(directory.senders[question.sender], purpose)
    return judge_consents([kept[name] for name in names if name in kept], purpose, now)


def find_purpose(
    question: Question, last_inbound_at: datetime | None, now: datetime
) -> Purpose | None:
    """Take the purpose named; within the window after the person's text it is a conversation."""
    if question.purpose is not None:
        return question.purpose
    if last_inbound_at is None or now - last_inbound_at.replace(tzinfo=UTC) > CONVERSATION_WINDOW:
        return None
    return Purpose.CONVERSATIONAL


def judge_consents(rows: list[RowMapping], purpose: Purpose, now: datetime) -> Answer:
    """Allow by the first consent that is active, in time and strong enough."""
    refusal: Answer | None = None
    for row in rows:
        consent = read_consent(row)
        if consent.state != "active":
            reason, rule = "no_consent", "consent/state"
        elif consent.expires_at is not None and consent.expires_at <= now:
            reason, rule = "consent_expired", "consent/expires_at"
        elif LEVELS.index(consent.level) < NEEDED_LEVEL[purpose]:
            reason, rule = "consent_level", "consent/level"
        else:
            return Answer(
                decision="allow",
                detail=f"Allowed: {consent.level} consent with {consent.program} is active.",
                rules=[f"consent/{consent.program}"],
                as_of=now,
                consent=consent,
            )
        refusal = refusal or deny(reason, rule, now, consent=consent)
    return refusal or deny("no_consent", f"consent/{purpose}", now)


# --- The service ----------------------------------------------------------------------------


@dataclass
class Directory:
    """Keys, senders and programs, read again when they are older than a second."""

    engine: AsyncEngine
    keys: frozenset[str] = frozenset()
    senders: dict[str, str] = field(default_factory=dict)
    programs: list[tuple[str, str, str]] = field(default_factory=list)
    read_at: float = 0.0

    async def refresh(self) -> None:
        """Read everything again if it is time."""
        if time.monotonic() - self.read_at < CACHE_SECONDS:
            return
        async with self.engine.connect() as connection:
            found = await connection.execute(select(api_keys.c.hash))
            self.keys = frozenset(row.hash for row in found)
            found = await connection.execute(select(senders))
            self.senders = {row.number: row.brand for row in found}
            found = await connection.execute(select(programs))
            self.programs = [(row.id, row.brand, row.purpose) for row in found]
        self.read_at = time.monotonic()

    def programs_for(self, brand: str, purpose: Purpose) -> list[str]:
        """List the brand's programs of a purpose."""
        return [name for name, of, why in self.programs if of == brand and why == purpose]


def hash_key(secret: str) -> str:
    """Hash an API key as it is kept."""
    return hmac.digest(b"handwritten", secret.encode(), hashlib.sha256).hex()


def build_app(engine: AsyncEngine) -> FastAPI:
    """Put the service together."""
    app = FastAPI()
    directory = Directory(engine)
    app.state.directory = directory

    async def check_key(authorization: Annotated[str, Header()] = "") -> None:
        await directory.refresh()
        scheme, _, secret = authorization.partition(" ")
        if scheme != "Bearer" or hash_key(secret) not in directory.keys:
            raise HTTPException(401, "No valid API key. Send Authorization: Bearer KEY.")

    @app.post("/v1/check", dependencies=[Depends(check_key)])
    async def check(question: Question) -> Answer:
        now = datetime.now(UTC)
        brand = directory.senders.get(question.sender)
        if brand is None:
            return deny("unknown_sender", "sender/known", now)
        bindings = {"recipient": question.recipient, "sender": question.sender, "brand": brand}
        async with engine.connect() as connection:
            found = (await connection.execute(STANDING, bindings)).mappings().all()
        return decide(question, found, directory, now)

    @app.get("/healthz")
    async def healthz(request: Request) -> dict[str, str]:
        del request
        return {"status": "ok"}

    return app


def serve(database: str, port: int) -> None:
    """Serve until a signal comes."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}", pool_size=4, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA cache_size=-16384")
        cursor.close()

    uvicorn.run(
        build_app(engine), host="127.0.0.1", port=port, log_level="warning", access_log=False
    )


# --- The same content as the product's database ---------------------------------------------


def fill(database: str, content: Mapping[str, Any]) -> None:
    """Make the tables and fill them: `content` says with how many people of which shapes."""
    engine = create_engine(f"sqlite:///{database}")
    metadata.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO api_keys VALUES (?)", (hash_key(content["key"]),))
        connection.executemany("INSERT INTO senders VALUES (:number, :brand)", content["senders"])
        for table, columns in _ROWS.items():
            marks = ", ".join("?" * (len(columns) + 1))
            rows = _rows_of(table, columns, content)
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own names
        connection.execute("COMMIT")


_ROWS = {
    table.name: tuple(column.name for column in table.columns)[1:]
    for table in (consents, blocks, suppressions, threads)
}


def _rows_of(
    table: str, columns: tuple[str, ...], content: Mapping[str, Any]
) -> Iterator[tuple[Any, ...]]:
    """Give each person the rows of their shape, in the order of their numbers."""
    shapes = [
        [tuple(_plain(piece.get(column)) for column in columns) for piece in shape.get(table, ())]
        for shape in content["shapes"]
    ]
    for place in range(content["people"]):
        number = f"{content['prefix']}{content['first'] + place}"
        for row in shapes[place % len(shapes)]:
            yield (number, *row)


def _plain(value: Any) -> Any:
    """Write a time as SQLAlchemy keeps it."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


def main() -> None:
    """Fill a database, or serve one."""
    parser = argparse.ArgumentParser(description="The gate as a team would write it by hand.")
    parser.add_argument("what", choices=("fill", "serve"))
    parser.add_argument("database")
    parser.add_argument("--port", type=int, default=8001)
    chosen = parser.parse_args()
    if chosen.what == "fill":
        fill(chosen.database, json.load(sys.stdin))
    else:
        serve(chosen.database, chosen.port)


if __name__ == "__main__":
    main()
