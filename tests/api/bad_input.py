"""Requests nobody should send, made from good ones by a seeded hand."""

import random
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
from api_world import LONG_CODE, PERSON, SIGNED
from twilio.request_validator import RequestValidator

from consentry.api.operations import Operation
from consentry.api.table import OPERATIONS

TOKEN = "secret token"
BASE = "http://api.example"
ACCOUNT = "AC" + "1" * 32

_TEXTS = (
    "",
    " ",
    "STOP",
    "\u0000",
    "🦆" * 400,
    "x" * 1601,
    "x" * 70_000,
    "\u202e\ufeff\u200d",
    "ß\u0301" * 50,
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "%00%ff",
    "null",
    "true",
    "-1",
    "9" * 400,
    "2026-05-01T12:00:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "+14155550142",
    "+1415555014",
    "(415) 555-0142 ext. 7",
    "conversation:+12025550101",
    "prg_news",
    "brd_a",
    "\n\r\t",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    -(2**63),
    1e308,
    0.1,
    [],
    {},
    [[[[[]]]]],
    {"a": {"b": [None]}},
    ["x"] * 2000,
)
_RAW = (
    b"",
    b"\xff\xfe",
    b"{",
    b"nul",
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b'{"sender":"\\ud800"}',
    b'{"sender":"\\udc00\\ud800"}',
    b'"\\u0000"',
    b"1" * 30_000,
    b"\x00" * 100,
    b" " * 1_100_000,
    b'{"sender":"\xc3("}',
)
_CONTENT_TYPES = (
    *(("application/json",) * 30),
    "application/json; charset=latin-1",
    "application/x-ndjson",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "🦆".encode().decode("latin-1"),
)


# What stands in the examples of the documentation, and what is there in the world of the tests.
_REAL = {
    b"+12025550199": LONG_CODE.encode(),
    b"brd_01KAPZ5V0Q3M9X8ZC4T2N6R7HD": b"brd_a",
    b"car_01KAPZ5V0Q3M9X8ZC4T2N6R7HD": b"fake",
    b"prg_01KAPZ5V0Q3M9X8ZC4T2N6R7HD": b"prg_news",
}
_WEIGHTED = [o for o in OPERATIONS for _ in range(1 if o.body is None else 3)]


@dataclass(frozen=True)
class Request:
    """One request as the world's `call` takes it."""

    method: str
    path: str
    raw: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Maker:
    """Makes requests from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._validator = RequestValidator(TOKEN)
        self._serial = 0

    def make(self) -> Request:
        """Make one request, three times as often of those with a body."""
        operation = self._random.choice(_WEIGHTED)
        if operation.body is bytes:
            return self._webhook(operation)
        return self._call(operation)

    def opt_out(self, recipient: str) -> Request:
        """A STOP as Twilio sends it, signed."""
        return self._signed(self._form(recipient, LONG_CODE, "STOP"), "/carriers/fake/inbound")

    def _call(self, operation: Operation[Any, Any]) -> Request:
        path = operation.path
        for name in ("{phone}", "{id}", "{number}"):
            path = path.replace(name, self._segment())
        headers = {"content-type": self._random.choice(_CONTENT_TYPES)}
        if self._random.random() < 0.3:
            path += "?" + self._query()
        if operation.path == "/v1/messages" and self._random.random() < 0.5:
            headers["idempotency-key"] = self._random.choice(("a", "b", "", "x" * 300, "\xe9"))
        return Request(operation.method, path, self._body(operation.example), headers)

    def _segment(self) -> str:
        text = self._random.choice((*_TEXTS, PERSON, "brd_a", "prg_news", LONG_CODE, "fake"))
        return text.replace("/", "").replace("?", "")[:500]

    def _query(self) -> str:
        names = ("limit", "cursor", "at", "sender", "recipient", "status", "search", "reason", "x")
        pairs = [(self._random.choice(names), self._random.choice(_TEXTS)[:300]) for _ in range(2)]
        return urlencode(pairs)

    def _body(self, example: object) -> bytes:
        kind = self._random.random()
        if kind < 0.2:
            return self._random.choice(_RAW)
        good = msgspec.json.encode(example or {})
        for shown, real in _REAL.items():
            good = good.replace(shown, real)
        value = msgspec.json.decode(good)
        for _ in range(self._random.randint(0, 3)):
            value = self._spoil(value)
        raw = msgspec.json.encode(value)
        if kind < 0.3:
            return self._damage(raw)
        return raw

    def _spoil(self, value: Any) -> Any:
        """Change one place in a value."""
        if isinstance(value, dict) and value and self._random.random() < 0.8:
            name = self._random.choice(sorted(value))
            choices = (
                lambda: {k: v for k, v in value.items() if k != name},
                lambda: {**value, name: self._spoil(value[name])},
                lambda: {**value, self._random.choice(("extra", name.upper(), "")): 1},
            )
            return self._random.choice(choices)()
        if self._random.random() < 0.5:
            return self._random.choice(_TEXTS)
        return self._random.choice(_VALUES)

    def _damage(self, raw: bytes) -> bytes:
        at = self._random.randrange(len(raw) + 1)
        piece = bytes(self._random.randrange(256) for _ in range(self._random.randrange(4)))
        return raw[:at] + piece + raw[at + self._random.randrange(3) :]

    def _form(self, recipient: str, sender: str, body: str) -> dict[str, str]:
        self._serial += 1
        return {
            "MessageSid": f"SM{self._serial:032x}",
            "AccountSid": ACCOUNT,
            "From": recipient,
            "To": sender,
            "Body": body,
            "NumMedia": "0",
        }

    def _webhook(self, operation: Operation[Any, Any]) -> Request:
        carrier = self._random.choice(("fake", "fake", "fake", "nobody", "%00"))
        path = operation.path.replace("{carrier}", carrier)
        sender = self._random.choice((LONG_CODE, LONG_CODE, "+12025550999", "55555", ""))
        recipient = self._random.choice((PERSON, "+14155559999", "anonymous", "", "+1"))
        form = self._form(recipient, sender, self._random.choice(_TEXTS))
        form["MessageStatus"] = self._random.choice(("delivered", "failed", "lost", ""))
        form["ErrorCode"] = self._random.choice(("21610", "30003", "", "x", "9" * 99))
        for _ in range(self._random.randint(0, 2)):
            name = self._random.choice(sorted(form))
            form[name] = self._random.choice(_TEXTS)
        if self._random.random() < 0.2:
            form.pop(self._random.choice(sorted(form)))
        request = self._signed(form, path)
        if self._random.random() < 0.3:
            forged = {**request.headers, "x-twilio-signature": "forged"}
            return Request("POST", path, request.raw, forged)
        if self._random.random() < 0.1:
            return Request("POST", path, self._random.choice(_RAW), request.headers)
        return request

    def _signed(self, form: dict[str, str], path: str) -> Request:
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": self._validator.compute_signature(BASE + path, form),
        }
        return Request("POST", path, urlencode(form).encode(), headers | SIGNED)
