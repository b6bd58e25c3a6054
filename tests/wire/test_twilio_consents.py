"""Bulk consents: every item is a clean value or its own error, and the answer is Twilio's."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from consentry.wire.forms import Form, FormError, build_form
from consentry.wire.twilio_consents import (
    ITEMS_MAX,
    ConsentItem,
    ConsentOutcome,
    ConsentSource,
    ConsentStatus,
    parse_consent_items,
    render_consent_outcomes,
)

pytestmark = pytest.mark.unit

CORRELATION = "0123456789abcdef0123456789ABCDEF"
ITEM = {
    "contact_id": "+14155550142",
    "correlation_id": CORRELATION,
    "sender_id": "+12025550101",
    "status": "opt-in",
    "source": "website",
    "date_of_consent": "2026-05-01T12:00:00Z",
}


def form_of(*items: object) -> Form:
    """A form with these items."""
    return build_form(("Items", json.dumps(item)) for item in items)


def test_an_item_is_read_whole() -> None:
    """All its parts are there; what is unknown is passed over; a date may be missing."""
    (item,) = parse_consent_items(form_of(ITEM | {"new": "thing"}))
    assert item == ConsentItem(
        correlation_id=CORRELATION,
        contact_id="+14155550142",
        sender_id="+12025550101",
        status=ConsentStatus.OPT_IN,
        source=ConsentSource.WEBSITE,
        at=datetime(2026, 5, 1, 12, tzinfo=UTC),
    )
    for date, expected in (
        (None, None),
        ("", None),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
    ):
        (item,) = parse_consent_items(form_of(ITEM | {"date_of_consent": date}))
        assert isinstance(item, ConsentItem)
        assert item.at == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("correlation_id", ""),
        ("correlation_id", "0" * 31),
        ("contact_id", ""),
        ("contact_id", "+" * 201),
        ("contact_id", "\0"),
        ("sender_id", ""),
        ("status", "maybe"),
        ("source", "television"),
        ("date_of_consent", "yesterday"),
        ("date_of_consent", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_an_item_that_cannot_be_used_says_why(name: str, value: str) -> None:
    """It is its own outcome, which names the field, and the next item is read all the same."""
    bad, good = parse_consent_items(form_of(ITEM | {name: value}, ITEM))
    assert isinstance(bad, ConsentOutcome)
    assert bad.error_code == 20001
    assert bad.error_messages[0].startswith(name)
    assert isinstance(good, ConsentItem)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"status": 5}', "[" * 100_000])
def test_what_is_no_item_is_refused(text: str) -> None:
    """Anything but a JSON object of texts is an error of the form."""
    with pytest.raises(FormError, match="Items"):
        parse_consent_items(build_form([("Items", text)]))


@pytest.mark.parametrize("count", [0, ITEMS_MAX + 1])
def test_the_number_of_items_is_bounded(count: int) -> None:
    """None are too few, and 26 too many."""
    with pytest.raises(FormError, match="1 to 25"):
        parse_consent_items(form_of(*[ITEM] * count))
    assert len(parse_consent_items(form_of(*[ITEM] * ITEMS_MAX))) == ITEMS_MAX


def test_the_answer_has_an_outcome_for_each() -> None:
    """It is written as Twilio writes it."""
    written = render_consent_outcomes(
        (ConsentOutcome(CORRELATION), ConsentOutcome("b", 21610, ("stands",)))
    )
    assert msgspec.json.decode(written) == {
        "items": [
            {"correlation_id": CORRELATION, "error_code": 0, "error_messages": []},
            {"correlation_id": "b", "error_code": 21610, "error_messages": ["stands"]},
        ]
    }
