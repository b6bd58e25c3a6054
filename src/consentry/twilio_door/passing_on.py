"""Everything else below an account: handed on to Twilio where the operator allows it.

Nothing that sends a text, or that leads texts past this server, goes that way: what is handed on
is named by a path of plain characters alone, never Twilio's own message resources, and its
parameters are read, judged and written anew, so that both sides understand the same.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_plus

from consentry.domain.messages import Message
from consentry.ports import CarrierAccount, CarrierUnreachable, PassedAnswer, PassedRequest, Scope
from consentry.twilio_door.calls import Call
from consentry.twilio_door.exchange import Answer, Header
from consentry.twilio_door.one_message import find_message
from consentry.wire.forms import FormError, encode_form, parse_form
from consentry.wire.twilio_errors import TwilioRefusedError, refuse

_PLAIN: Final = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*)(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_OF_A_MESSAGE: Final = re.compile(
    r"Messages/(?P<sid>[A-Za-z0-9]+)(?P<rest>/(?:Media(?:/ME[0-9a-f]{32})?(?:\.json)?|Feedback\.json))"
)
_SID: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_SENDING: Final = frozenset({"messages", "sms"})
_SECRETS: Final = frozenset({"", "keys", "signingkeys"})
"""What tells or makes secrets of the Twilio account: with them one texts past this server."""

_UNESCAPED_MAX: Final = 4
_TWIML_THAT_SENDS: Final = re.compile(
    r"<\s*(?:[\w.-]+:)?(?:sms|message)\b|<!(?:doctype|entity)", re.IGNORECASE
)
_LOCATION: Final = b"location"
_SCOPES: Final = {"GET": Scope.READ, "HEAD": Scope.READ}


async def find_nothing(call: Call) -> Answer:
    """Answer a path that names no account: to hand it on would do something to the account."""
    raise _not_found(call)


async def pass_on(call: Call) -> Answer:
    """Hand a request on, or answer that there is nothing here; raises TwilioRefusedError."""
    services, rest = call.services, call.rest
    raw: bytes = call.http.get("raw_path") or b""
    # What was escaped, or written in another way than it was read, is not handed on.
    is_plain = raw.partition(b"?")[0] == call.http["path"].encode() and b"%" not in raw
    if services.passing_on is None or not is_plain or not _is_resource(rest):
        raise _not_found(call)
    of_message = _OF_A_MESSAGE.fullmatch(rest)
    if of_message is not None:
        call.require(_SCOPES.get(call.http["method"], Scope.SEND))
        message = await find_message(call, of_message["sid"])
        carrier = await _carrier_of(call, message)
        # Twilio knows the message by the id that it gave it itself.
        rest = f"Messages/{message.carrier_message_id}{of_message['rest']}"
    else:
        kind = rest.partition("/")[0].partition(".")[0].lower()
        if kind in _SENDING:
            raise _not_found(call)
        call.require(Scope.ADMIN)
        if kind in _SECRETS and call.account.key is not None:
            raise _not_found(call)
        carrier = await _only_carrier(call)
    return await _hand_on(call, carrier, rest)


def _is_resource(rest: str) -> bool:
    return not rest or _PLAIN.fullmatch(rest) is not None


async def _carrier_of(call: Call, message: Message) -> CarrierAccount:
    """Find the account that carried a message; one that another kind carried is not there."""
    if _SID.fullmatch(message.carrier_message_id or "") is None:
        raise _not_found(call)
    for carrier in await call.services.accounts.list_carriers():
        if carrier.id == message.carrier:
            return carrier
    raise _not_found(call)


async def _only_carrier(call: Call) -> CarrierAccount:
    """Take the account that knocks; for a key of ours, the company's only one."""
    if call.account.carrier is not None:
        return call.account.carrier
    carriers = await call.services.accounts.list_carriers()
    if len(carriers) != 1:
        raise _not_found(call)
    return carriers[0]


async def _hand_on(call: Call, carrier: CarrierAccount, rest: str) -> Answer:
    method: str = call.http["method"]
    query = parse_form(call.http["query_string"]).pairs
    form: tuple[tuple[str, str], ...] = ()
    if method == "POST":
        form = (await call.read_form()).pairs
        _check_ways((*query, *form))
    path = f"/{rest}" if rest else ".json"
    # Written anew, so that it is read there as it was judged here.
    asked = f"{path}?{encode_form(query).decode('ascii')}" if query else path
    passing_on = call.services.passing_on
    if passing_on is None:
        raise _not_found(call)
    try:
        answer = await passing_on.pass_on(carrier, PassedRequest(method, asked, encode_form(form)))
    except CarrierUnreachable as error:
        raise refuse(20503) from error
    return _answer(answer)


def _check_ways(pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse what would lead texts past this server; raises FormError."""
    for name, value in pairs:
        if name.lower().startswith("sms"):
            raise FormError(
                name, "would lead texts past Consentry. Set the sender's inbound URL there instead"
            )
        if _sends(value):
            raise FormError(name, "holds TwiML that sends a text. Send it as a message instead")


def _sends(value: str) -> bool:
    """Tell whether a value holds TwiML that sends, in the open or escaped within an address."""
    for _ in range(_UNESCAPED_MAX):
        if _TWIML_THAT_SENDS.search(value):
            return True
        value = unquote_plus(value)
    return False


def _answer(passed: PassedAnswer) -> Answer:
    headers: tuple[Header, ...] = ()
    if passed.location is not None:
        headers = ((_LOCATION, passed.location.encode("latin-1", "replace")),)
    media_type = passed.media_type.encode("latin-1", "replace")
    return Answer(passed.body, passed.status, headers, media_type)


def _not_found(call: Call) -> TwilioRefusedError:
    return refuse(20404, ascii(call.http["path"])[1:-1])
