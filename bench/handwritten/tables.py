"""What the hand-written service keeps, and the one question that a decision needs."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    MetaData,
    String,
    Table,
    and_,
    bindparam,
    literal,
    or_,
    select,
)

metadata = MetaData()


def _column(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, String, primary_key=key, nullable=False)


def _moment(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=True)


api_keys = Table("api_keys", metadata, _column("hash", key=True))
senders = Table("senders", metadata, _column("number", key=True), _column("brand"))
accounts = Table("accounts", metadata, _column("sid", key=True), _column("token"))
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


messages = Table(
    "messages",
    metadata,
    _column("id", key=True),
    _column("recipient"),
    _column("sender"),
    _column("direction"),
    _column("status"),
    Column("body", String, nullable=False),
    Column("reason", String, nullable=True),
    Column("carrier_message_id", String, nullable=True, unique=True),
    _moment("created_at"),
    Index("messages_of_recipient", "recipient", "created_at"),
)
outbox = Table(
    "outbox",
    metadata,
    _column("message", key=True),
    _column("recipient"),
    _column("sender"),
    _moment("due_at"),
    Index("outbox_due", "sender", "due_at"),
    Index("outbox_of_recipient", "recipient"),
)
events = Table(
    "events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    _column("recipient"),
    _column("kind"),
    _column("message"),
    _moment("at"),
    Index("events_of_recipient", "recipient", "id"),
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
