"""Forms: read strictly, written back the same."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consentry.wire.forms import FIELDS_MAX, FormError, build_form, encode_form, parse_form

pytestmark = pytest.mark.property

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
pairs_lists = st.lists(st.tuples(texts, texts), max_size=20)


@given(pairs_lists)
@example([("Body", "émoji 👍 + 100% & =")])
@settings(max_examples=300)
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]]) -> None:
    """A form survives encoding and parsing, and the standard library reads it the same."""
    body = encode_form(pairs)
    assert body == urlencode(pairs).encode()
    assert list(parse_form(body).pairs) == pairs
    assert parse_form(body) == build_form(pairs)


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Bytes give a form that agrees with the standard library, or a FormError, nothing else."""
    try:
        form = parse_form(body)
    except FormError:
        return
    assert list(form.pairs) == parse_qsl(body.decode(), keep_blank_values=True, errors="strict")


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (b"From=%2B1&Body=%FF", "Body", "is not valid UTF-8"),
        (b"From=%2B1&Body=\xff", "Body", "is not valid UTF-8"),
        (b"a=1&\xff=2", "?", "is not valid UTF-8"),
        (b"%ff=1", "%ff", "is not valid UTF-8"),
        (b"From=1&Body=a%00b", "Body", "holds a NUL character"),
        (b"From=1&Body=a\0b", "Body", "holds a NUL character"),
        (b"a%00=1", "a?", "holds a NUL character"),
        (b"Body=100%", "Body", "has a % that no two hex digits follow"),
        (b"Body=%zz", "Body", "has a % that no two hex digits follow"),
        (b"=%zz", "(no name)", "has a % that no two hex digits follow"),
        (b"a=&" * FIELDS_MAX, "form", "has 1001 fields; at most 1000 are read"),
    ],
)
def test_each_fault_is_named(body: bytes, field: str, reason: str) -> None:
    """A malformed form says which field is wrong and what is wrong with it."""
    with pytest.raises(FormError) as caught:
        parse_form(body)
    assert (caught.value.field, caught.value.reason) == (field, reason)
    assert str(caught.value) == f"{field}: {reason}"


def test_a_literal_percent_zero_zero_is_no_nul() -> None:
    """The text `%00` itself, escaped, is ordinary text."""
    assert parse_form(b"Body=%2500").get("Body") == "%00"


def test_reading_values() -> None:
    """The first value counts; an empty one counts as missing; repeats can be listed."""
    form = parse_form(b"&a=1&&a=2&b=&c&n=12&")
    assert form.get("a") == "1"
    assert form.get_all("a") == ("1", "2")
    assert form.get("b") is None
    assert form.get("missing") is None
    assert form.get_integer("n") == 12
    assert form.get_integer("missing") is None
    assert form.require("a") == "1"
    assert ("c", "") in form.pairs


@pytest.mark.parametrize(("name", "reason"), [("b", "is empty"), ("missing", "is missing")])
def test_a_required_value_must_be_there(name: str, reason: str) -> None:
    """Missing and empty are told apart in the error."""
    with pytest.raises(FormError, match=f"{name}: {reason}"):
        parse_form(b"b=").require(name)


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "٣", "1234567890", "²"])
def test_a_number_must_be_one(value: str) -> None:
    """Only plain digits are a number."""
    with pytest.raises(FormError, match="n: must be a whole number"):
        build_form([("n", value)]).get_integer("n")
