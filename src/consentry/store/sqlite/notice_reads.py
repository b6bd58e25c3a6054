"""The part of the store that reads what programs and webhooks are told."""

from datetime import datetime

from consentry.domain.notices import Notice
from consentry.domain.webhooks import WebhookHealth, WebhookSecrets
from consentry.ports import NoticeFilter, NoticePage, Page
from consentry.store.sqlite.reading import Reader


class NoticeReads:
    """Implements that part of `ports.Store`; a read takes microseconds."""

    _reader: Reader

    async def next_notices(self) -> tuple[tuple[str, datetime], ...]:
        """List the servers that wait for notices, each with the earliest due time."""
        return self._reader.next_notices()

    async def read_notices(self, host: str, due_at: datetime, limit: int) -> list[Notice]:
        """List the notices for a server that are due by then and the next of their messages."""
        return self._reader.read_notices(host, due_at, limit)

    async def count_notices(self) -> int:
        """Count the notices that wait."""
        return self._reader.count_notices()

    async def list_notices(self, wanted: NoticeFilter, page: Page) -> NoticePage:
        """List notices that wait or were given up, the latest first."""
        return self._reader.list_notices(wanted, page)

    async def read_notice(self, notice_id: str) -> Notice | None:
        """Find a notice that waits or was given up."""
        return self._reader.read_notice(notice_id)

    async def read_webhook_secrets(self, webhook: str) -> WebhookSecrets | None:
        """Find what a webhook's events are signed with."""
        return self._reader.read_webhook_secrets(webhook)

    async def read_webhook_health(self) -> list[WebhookHealth]:
        """List how telling each webhook went last."""
        return self._reader.read_webhook_health()
