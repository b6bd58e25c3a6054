"""What a carrier's test table holds: recorded payloads, and what each of them means.

One module in `tables` for each carrier, with its `TABLE`. Everything that is true of all carriers
is tested over these tables, so that a new carrier is tested, and fuzzed, by having one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal
from urllib.parse import quote_plus

from consentry.carriers.shared.http_carrier import Webhooks
from consentry.ports import (
    CarrierAccount,
    CarrierEvent,
    CarrierKind,
    OutboundText,
    Submission,
    WebhookRequest,
)

BASE = "https://texts.example.com"
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
JSON_TYPE = "application/json"

Address = Literal["inbound", "status"]


@dataclass(frozen=True)
class Posted:
    """A webhook as the carrier posts it, without its signature.

    `query` is what stands behind the address, with its question mark. `events` is what it says;
    for one that cannot be read, `reason` is how the sentence begins.
    """

    name: str
    body: bytes
    events: tuple[CarrierEvent, ...] = ()
    reason: str = ""
    to: Address = "inbound"
    media_type: str = JSON_TYPE
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """A text, the request it becomes, and what an answer to it means.

    `path` is with the query. Of `form` and `body_json` the one that the carrier takes is given;
    `headers` must be among those sent, names in lower case.
    """

    name: str
    text: OutboundText
    status: int
    answer: bytes
    means: Submission
    path: str | None = None
    form: list[tuple[str, str]] | None = None
    body_json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CarrierTable:
    """All of one carrier.

    `sign` signs a request as the carrier does, by its own SDK where that can; `forge` does the
    same with a wrong secret. `posted` are the webhooks, readable and not; `sent` the texts.
    `sign_fast` signs what is fuzzed, where signing as the carrier does would take most of the time;
    where checking would, `trusting` are readers that believe every signature.
    """

    kind: CarrierKind
    account: CarrierAccount
    sign: Callable[[WebhookRequest], WebhookRequest]
    forge: Callable[[WebhookRequest], WebhookRequest]
    posted: tuple[Posted, ...]
    sent: tuple[Sent, ...] = ()
    sign_fast: Callable[[WebhookRequest], WebhookRequest] | None = None
    trusting: Webhooks | None = None

    def request(self, posted: Posted) -> WebhookRequest:
        """Write the request, not yet signed."""
        url = f"{BASE}/carriers/{self.account.id}/{posted.to}{posted.query}"
        headers = {"content-type": posted.media_type, **posted.headers}
        return WebhookRequest(url, headers, posted.body, received_at=NOW)


def form_body(pairs: list[tuple[str, str]]) -> bytes:
    """Write a form."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()


def json_body(value: object) -> bytes:
    """Write JSON as most carriers do: without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def read_tables() -> dict[str, CarrierTable]:
    """Find the tables by the names of their modules, which are the carriers' names."""
    folder = Path(__file__).with_name("tables")
    names = sorted(found.name for found in iter_modules([str(folder)]))
    return {name: import_module(f"tables.{name}").TABLE for name in names}
