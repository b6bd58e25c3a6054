"""Webhooks on their way to a product: signed, in order, retried as their address asks.

Each phone's texts to one number, and each message's reports, keep their order: they form a lane,
and a lane sends one webhook at a time. Lanes share a bounded number of connections.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Protocol

import aiohttp
import msgspec
from yarl import URL

from consentry.simulator.dialect import Answer, Dialect, Letter, Stamp
from consentry.simulator.faults import Fault, FaultKind, Faults, WebhookKind
from consentry.simulator.values import Account
from consentry.wire.forms import encode_form
from consentry.wire.webhook_address import RetryCause, WebhookAddress

FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"
ANSWER_BYTES_MAX = 64 * 1024
RECORDS_MAX = 200_000
RETRY_DELAY_SECONDS = 0.25
# Servers close idle connections after about five seconds; posting into a closing one loses it.
IDLE_CONNECTION_SECONDS = 2.0


class Clock(Protocol):
    """The time of day, and a stopwatch."""

    def now(self) -> datetime:
        """Read the time, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Read seconds that only go forward."""
        ...


class Outcome(StrEnum):
    """How a webhook ended."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    LOST = "lost"


class Attempt(msgspec.Struct, frozen=True):
    """One request: when it left, when it was answered, with what."""

    started_at: datetime
    ended_at: datetime
    milliseconds: float
    status: int | None = None
    error: str | None = None
    cause: RetryCause | None = None
    duplicate: bool = False


class Webhook(msgspec.Struct):
    """One event to report, and what became of it; the only value here that changes."""

    token: str
    kind: WebhookKind
    sid: str
    sender: str
    recipient: str
    url: str
    pairs: list[tuple[str, str]]
    json: str | None
    created_at: datetime
    created_order: int
    attempts: list[Attempt] = msgspec.field(default_factory=list)
    outcome: Outcome = Outcome.PENDING
    acknowledged_at: datetime | None = None
    acknowledged_order: int | None = None

    @property
    def letter(self) -> Letter:
        """What it says."""
        return Letter(self.pairs, self.json)


class Job(msgspec.Struct, frozen=True):
    """A webhook, where it goes and who signs it."""

    webhook: Webhook
    address: WebhookAddress
    account: Account
    on_answer: Callable[[Answer], None] | None = None


class Webhooks:
    """Sends webhooks and remembers every attempt."""

    def __init__(
        self,
        clock: Clock,
        faults: Faults,
        dialect: Dialect,
        *,
        next_order: Callable[[], int],
        concurrency: int,
    ) -> None:
        """Prepare; `start` opens the connections."""
        self._clock = clock
        self._faults = faults
        self._dialect = dialect
        self._next_order = next_order
        self._places = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._session: aiohttp.ClientSession | None = None
        self._lanes: dict[tuple[str, ...], deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.records: deque[Webhook] = deque(maxlen=RECORDS_MAX)
        self.by_sid: defaultdict[str, list[Webhook]] = defaultdict(list)
        self.revision = 0
        self.home = ""

    async def start(self) -> None:
        """Open the connections."""
        connector = aiohttp.TCPConnector(
            limit=self._concurrency, keepalive_timeout=IDLE_CONNECTION_SECONDS
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Give up what is under way and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def post(self, job: Job, lane: tuple[str, ...]) -> None:
        """Send a webhook after those before it in its lane, unless a fault says otherwise."""
        webhook = job.webhook
        self._remember(webhook)
        if self._draw(FaultKind.LOST_WEBHOOK, webhook) is not None:
            webhook.outcome = Outcome.LOST
            self.revision += 1
            return
        late = self._draw(FaultKind.LATE_WEBHOOK, webhook)
        if late is not None:
            self.spawn(self._deliver_late(job, late.delay_seconds))
        elif lane in self._lanes:
            self._lanes[lane].append(job)
        else:
            self._lanes[lane] = deque([job])
            self.spawn(self._run_lane(lane))

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something beside everything else until `close`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def list_records(self, limit: int) -> list[Webhook]:
        """List the latest webhooks, oldest first."""
        return list(islice(self.records, max(0, len(self.records) - limit), None))

    def _remember(self, webhook: Webhook) -> None:
        if len(self.records) == RECORDS_MAX:
            self.by_sid.pop(self.records[0].sid, None)
        self.records.append(webhook)
        self.by_sid[webhook.sid].append(webhook)

    async def _run_lane(self, lane: tuple[str, ...]) -> None:
        waiting = self._lanes[lane]
        try:
            while waiting:
                await self._deliver(waiting.popleft())
        finally:
            del self._lanes[lane]

    async def _deliver_late(self, job: Job, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._deliver(job)

    async def _deliver(self, job: Job) -> None:
        webhook = job.webhook
        answer = await self._try_with_retries(job)
        if answer is None:
            webhook.outcome = Outcome.FAILED
        else:
            webhook.outcome = Outcome.ACKNOWLEDGED
            webhook.acknowledged_at = self._clock.now()
            webhook.acknowledged_order = self._next_order()
            if job.on_answer is not None:
                job.on_answer(answer)
        self.revision += 1
        if self._draw(FaultKind.DUPLICATE_WEBHOOK, webhook) is not None:
            self.spawn(self._deliver_again(job))

    async def _deliver_again(self, job: Job) -> None:
        await self._attempt(job, duplicate=True)
        self.revision += 1

    async def _try_with_retries(self, job: Job) -> Answer | None:
        address = job.address
        deadline = self._clock.monotonic() + address.total_timeout_ms / 1000
        for number in range(address.retry_count + 1):
            answer = await self._attempt(job, duplicate=False)
            if answer is not None:
                return answer
            delay = RETRY_DELAY_SECONDS * 2**number
            cause = job.webhook.attempts[-1].cause
            if cause not in address.retry_causes or self._clock.monotonic() + delay > deadline:
                return None
            if number < address.retry_count:
                await asyncio.sleep(delay)
        return None

    async def _attempt(self, job: Job, *, duplicate: bool) -> Answer | None:
        async with self._places:
            started_at, started = self._clock.now(), self._clock.monotonic()
            answer, error, cause = await self._request(job)
            job.webhook.attempts.append(
                Attempt(
                    started_at=started_at,
                    ended_at=self._clock.now(),
                    milliseconds=round((self._clock.monotonic() - started) * 1000, 3),
                    status=None if answer is None else answer.status,
                    error=error,
                    cause=cause,
                    duplicate=duplicate,
                )
            )
        return answer if cause is None else None

    async def _request(self, job: Job) -> tuple[Answer | None, str | None, RetryCause | None]:
        address = job.address
        if self._session is None:
            raise RuntimeError("start the webhooks before posting one")
        letter, headers = self._write(job)
        timeout = aiohttp.ClientTimeout(
            total=address.total_timeout_ms / 1000,
            sock_connect=address.connect_timeout_ms / 1000,
            sock_read=address.read_timeout_ms / 1000,
        )
        try:
            async with self._session.post(
                URL(address.url, encoded=True),
                data=_encode(letter),
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = await _read_answer(response.content)
                answer = Answer(response.status, response.content_type, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return None, _describe(error), RetryCause.CONNECT
        except (aiohttp.ClientError, TimeoutError) as error:
            return None, _describe(error), RetryCause.READ_TIMEOUT
        except (OSError, ValueError) as error:
            # A host name that no resolver takes is found out only here.
            return None, _describe(error), RetryCause.CONNECT
        return answer, *_judge(answer.status)

    def _write(self, job: Job) -> tuple[Letter, dict[str, str]]:
        """Write one attempt: the letter as it is posted, and its headers."""
        webhook, dialect = job.webhook, self._dialect
        stamp = Stamp(webhook.token, self._clock.now(), self.home)
        letter = webhook.letter if dialect.seal is None else dialect.seal(webhook.letter, stamp)
        media_type = FORM_TYPE if letter.json is None else "application/json"
        signed = dialect.sign(job.account, job.address.url, letter, stamp)
        return letter, {"Content-Type": media_type, **signed}

    def _draw(self, kind: FaultKind, webhook: Webhook) -> Fault | None:
        parties = (webhook.sender, webhook.recipient)
        return self._faults.draw(kind, *parties, webhook=webhook.kind)


async def _read_answer(content: aiohttp.StreamReader) -> bytes:
    body = b""
    while len(body) < ANSWER_BYTES_MAX and (chunk := await content.readany()):
        body += chunk
    return body


def _judge(status: int) -> tuple[str | None, RetryCause | None]:
    if status >= 500:
        return f"answered {status}", RetryCause.SERVER_ERROR
    if status >= 300:
        return f"answered {status}", RetryCause.CLIENT_ERROR
    return None, None


def _describe(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _encode(letter: Letter) -> bytes:
    return encode_form(letter.pairs) if letter.json is None else letter.json.encode()
