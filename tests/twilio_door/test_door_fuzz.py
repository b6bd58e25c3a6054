"""The door's own parsers against 100,000 inputs each, and the whole door against a few hundred."""

from urllib.parse import urlencode

import pytest
from door_world import LONG_CODE, MESSAGES, PERSON, SERVICE, World

from consentry.twilio_door.app import find_target
from consentry.twilio_door.exchange import read_credentials
from consentry.twilio_door.listing import read_query
from consentry.wire.forms import FormError, parse_form
from consentry.wire.twilio_consents import parse_consent_items
from consentry.wire.twilio_errors import TwilioRefusedError
from fuzzing import fuzz, make_inputs

# Measuring which lines run would take most of the time, and other tests run them all.
pytestmark = [pytest.mark.property, pytest.mark.no_cover]

QUERY = (
    b"To=%2B14155550142&From=55555&DateSent%3E=2026-05-01&DateSent%3C=2026-05-02T10%3A00%3A00Z"
    b"&PageSize=20&Page=2&PageToken=PASM019aadf2ec171d13d47d84d0aa6c1e2d"
)
ITEM = (
    '{"contact_id":"+14155550142","correlation_id":"0123456789abcdef0123456789abcdef",'
    '"sender_id":"MG1","status":"opt-in","source":"website","date_of_consent":"2026-05-01"}'
)
ITEMS = urlencode([("Items", ITEM), ("Items", ITEM)]).encode()
CREATE = urlencode(
    {
        "To": PERSON,
        "From": LONG_CODE,
        "Body": "Hi",
        "StatusCallback": "https://shop.example/a#rc=2",
        "ValidityPeriod": "60",
        "MediaUrl": "https://a.example/b",
        "MessageIntent": "customercare",
    }
).encode()
SCHEDULED = urlencode(
    {
        "To": PERSON,
        "MessagingServiceSid": SERVICE,
        "Body": "Hi",
        "ScheduleType": "fixed",
        "SendAt": "2026-05-01T12:00:00Z",
    }
).encode()


class Never(Exception):
    """What a parser raises that answers everything with a value."""


@pytest.mark.fuzz
def test_a_lists_query() -> None:
    """Any query is read, or refused with Twilio's code or by the form."""
    fuzz(
        lambda query: read_query(parse_form(query), "US"),
        (QUERY,),
        clean=(TwilioRefusedError, FormError),
    )


@pytest.mark.fuzz
def test_bulk_consents() -> None:
    """Any form of items is items, outcomes, or an error of the form."""
    fuzz(lambda body: parse_consent_items(parse_form(body)), (ITEMS,), clean=FormError)


@pytest.mark.fuzz
def test_credentials() -> None:
    """Any header is two texts or nothing."""

    def read(header: bytes) -> None:
        if read_credentials({b"authorization": header}) is None:
            raise Never

    fuzz(read, (b"Basic QUMxOnRva2Vu", b"basic  QUM6", b"Bearer x"), clean=Never)


@pytest.mark.fuzz
def test_paths() -> None:
    """Any path names a resource; only the exact ones name the list or a message."""
    sid = "SM019aadf2ec171d13d47d84d0aa6c1e2d"
    root = "/2010-04-01/Accounts/AC1"

    def read(path: bytes) -> None:
        text = path.decode("latin-1")
        target = find_target("/2010-04-01/" + text.removeprefix("/2010-04-01/"))
        if target.resource.route.endswith("/Messages.json"):
            assert text.endswith("/Messages.json")
        if target.account_sid == "AC1":
            raise Never

    recorded = (f"{root}/Messages.json", f"{root}/Messages/{sid}.json", f"{root}/Calls.json")
    fuzz(read, [path.encode() for path in recorded], clean=Never)


async def test_the_whole_door(world: World) -> None:
    """Whatever is posted or asked, the answer is Twilio's and never a 500."""
    await world.text("Hello")
    for body in make_inputs((CREATE, SCHEDULED), seed=5, count=300):
        reply = await world.call("POST", MESSAGES, raw=body)
        assert reply.status == 201 or reply.refusal[0] == 400, body
    for body in make_inputs((ITEMS,), seed=6, count=100):
        reply = await world.call("POST", "/v1/Consents/Bulk", raw=body)
        assert reply.status == 201 or reply.refusal[0] == 400, body
    for query in make_inputs((QUERY,), seed=7, count=200):
        reply = await world.call("GET", f"{MESSAGES}?{query.decode('latin-1')}")
        assert reply.status == 200 or reply.refusal[0] == 400, query
