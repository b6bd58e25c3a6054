"""Tells webhooks events in the form of Standard Webhooks: JSON, signed with each secret in use."""

from typing import Final

import msgspec

from consentry.domain.events import MessageReceivedData
from consentry.domain.messages import Removal
from consentry.domain.notices import EventNotice
from consentry.domain.webhooks import EventType, Webhook
from consentry.ports import Clock, Store, StoreUnavailable, Told, Untold
from consentry.telling.posting import NotTaken, Poster
from consentry.wire.standard_webhooks import read_retry_after, sign_event
from consentry.wire.webhook_address import RetryCause, WebhookAddress

_DOWN: Final = frozenset({RetryCause.CONNECT, RetryCause.READ_TIMEOUT, RetryCause.SERVER_ERROR})
_GONE: Final = 410
_TOO_MANY: Final = 429
_BUSY: Final = frozenset({_TOO_MANY, 503})
_HTTPS: Final = "https:"


class WebhookTeller:
    """Tells one event to one webhook."""

    def __init__(self, store: Store, clock: Clock, *, poster: Poster, plain: Poster) -> None:
        """Post by `poster`, and what is not encrypted by `plain`, which goes to fewer places."""
        self._store = store
        self._clock = clock
        self._poster = poster
        self._plain = plain

    async def tell(self, notice: EventNotice) -> Told | Untold:
        """Tell it once; whatever goes wrong is an `Untold`."""
        try:
            webhook = (await self._store.read_directory()).webhooks.get(notice.webhook)
            if webhook is None:
                return Untold("The webhook was removed.", None)
            if not webhook.enabled:
                return Untold("The webhook was switched off.", None)
            return await self.post(webhook, notice)
        except StoreUnavailable as error:
            return Untold(str(error), RetryCause.CONNECT)

    async def post(self, webhook: Webhook, notice: EventNotice) -> Told | Untold:
        """Post an event to a webhook, switched on or not; raises `StoreUnavailable`."""
        secrets = await self._store.read_webhook_secrets(webhook.id)
        if secrets is None:
            return Untold("The webhook has no secret. Rotate it.", None)
        now = self._clock.now()
        body = await self._write_body(notice)
        seconds = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notice.event_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign_event(secrets.in_use(now), notice.event_id, seconds, body),
        }
        poster = self._poster if webhook.url.startswith(_HTTPS) else self._plain
        try:
            taken = await poster.post(WebhookAddress(webhook.url), headers=headers, body=body)
        except NotTaken as error:
            return _explain(error, read_retry_after(error.retry_after, now))
        return Told(status=taken.status)

    async def _write_body(self, notice: EventNotice) -> bytes:
        """Write an event as it is posted: the same each time, but for a text that was erased."""
        data = notice.data
        if notice.event is EventType.MESSAGE_RECEIVED:
            data = await self._add_text(data)
        event = {"type": notice.event, "timestamp": notice.made_at, "data": data}
        return msgspec.json.encode(event)

    async def _add_text(self, data: msgspec.Raw) -> msgspec.Raw:
        """Put the text in that came: it stands with the message alone."""
        told = msgspec.json.decode(data, type=MessageReceivedData)
        message = await self._store.read_message(told.message)
        if message is None or message.removal is Removal.WHOLE:
            return data
        return msgspec.Raw(msgspec.json.encode(msgspec.structs.replace(told, text=message.body)))

    async def close(self) -> None:
        """Close connections."""
        await self._poster.close()
        await self._plain.close()


def _explain(error: NotTaken, retry_after_seconds: int | None) -> Untold:
    gone, busy = error.status == _GONE, error.status in _BUSY
    return Untold(
        str(error),
        None if gone else error.cause,
        is_server_down=error.cause in _DOWN or error.status == _TOO_MANY,
        status=error.status,
        retry_after_seconds=retry_after_seconds if busy else None,
        is_gone=gone,
    )
