"""Texts that somebody wants to send: into the outbox, or kept as refused."""

from datetime import datetime
from uuid import uuid4

from gate import Answer, Question
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from tables import events, messages, outbox


class Text(Question):
    """The body of a send: what a check asks, and the text."""

    body: str


async def accept_text(connection: AsyncConnection, text: Text, now: datetime) -> str:
    """Keep a text and put it into the outbox."""
    message = await _keep(connection, text, now, status="queued")
    await connection.execute(
        insert(outbox),
        {"message": message, "recipient": text.recipient, "sender": text.sender, "due_at": now},
    )
    return message


async def refuse_text(
    connection: AsyncConnection, text: Text, answer: Answer, now: datetime
) -> str:
    """Keep the attempt that was refused."""
    return await _keep(connection, text, now, status="refused", reason=answer.reason)


async def _keep(
    connection: AsyncConnection,
    text: Text,
    now: datetime,
    *,
    status: str,
    reason: str | None = None,
) -> str:
    message = str(uuid4())
    await connection.execute(
        insert(messages),
        {
            "id": message,
            "recipient": text.recipient,
            "sender": text.sender,
            "direction": "outbound",
            "status": status,
            "body": text.body,
            "reason": reason,
            "carrier_message_id": None,
            "created_at": now,
        },
    )
    await connection.execute(
        insert(events),
        {"recipient": text.recipient, "kind": f"send_{status}", "message": message, "at": now},
    )
    return message
