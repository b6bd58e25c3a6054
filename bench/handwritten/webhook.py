"""Texts that come in: the signature, and what an opt-out changes, in one transaction."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from tables import blocks, consents, events, messages, outbox, threads

STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)


def signature_matches(
    token: str, url: str, form: Sequence[tuple[str, str]], signature: str
) -> bool:
    """Check what Twilio signs: the URL, then names and values in the order of names."""
    signed = url + "".join(name + value for name, value in sorted(form))
    digest = hmac.digest(token.encode(), signed.encode(), hashlib.sha1)
    return hmac.compare_digest(base64.b64encode(digest).decode(), signature)


async def file_text(connection: AsyncConnection, fields: dict[str, str], now: datetime) -> None:
    """Keep a text once, and move consent where it is an opt-out."""
    recipient, sender = fields["From"], fields["To"]
    message = str(uuid4())
    kept = await connection.execute(
        insert(messages)
        .values(
            id=message,
            recipient=recipient,
            sender=sender,
            direction="inbound",
            status="received",
            body=fields.get("Body", ""),
            carrier_message_id=fields["MessageSid"],
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["carrier_message_id"])
    )
    if kept.rowcount == 0:
        return
    if fields.get("Body", "").strip().upper() in STOP_WORDS:
        await _opt_out(connection, recipient, sender, message=message, now=now)
    seen = insert(threads).values(recipient=recipient, sender=sender, last_inbound_at=now)
    await connection.execute(
        seen.on_conflict_do_update(
            index_elements=["recipient", "sender"], set_={"last_inbound_at": now}
        )
    )


async def _opt_out(
    connection: AsyncConnection, recipient: str, sender: str, *, message: str, now: datetime
) -> None:
    """Withdraw the conversation, block the sender, and cancel what waits."""
    program = f"conversation:{sender}"
    whose = (consents.c.recipient == recipient) & (consents.c.program == program)
    held = await connection.execute(select(consents.c.state).where(whose).with_for_update())
    revoked: dict[str, Any] = {"state": "revoked", "since": now, "changed_at": now}
    if held.first() is None:
        new = insert(consents).values(
            recipient=recipient, program=program, level="implied", entry=message, **revoked
        )
        await connection.execute(
            new.on_conflict_do_update(index_elements=["recipient", "program"], set_=revoked)
        )
    else:
        await connection.execute(update(consents).where(whose).values(**revoked))
    block = {"state": "blocked", "cause": "keyword", "since": now, "changed_at": now}
    await connection.execute(
        insert(blocks)
        .values(recipient=recipient, scope=sender, layer="provider", entry=message, **block)
        .on_conflict_do_update(index_elements=["recipient", "scope", "layer"], set_=block)
    )
    cancelled = await connection.execute(
        delete(outbox)
        .where(outbox.c.recipient == recipient, outbox.c.sender == sender)
        .returning(outbox.c.message)
    )
    names = [row.message for row in cancelled]
    if names:
        await connection.execute(
            update(messages).where(messages.c.id.in_(names)).values(status="canceled")
        )
    await connection.execute(
        insert(events).values(recipient=recipient, kind="opted_out", message=message, at=now)
    )
