"""Segments: the numbers every carrier bills by."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentry.wire.gsm7 import Encoding, Segments, count_segments, outside_gsm7

pytestmark = pytest.mark.property

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(GSM7, 0, 0)),
        ("a", Segments(GSM7, 1, 1)),
        ("a" * 160, Segments(GSM7, 160, 1)),
        ("a" * 161, Segments(GSM7, 161, 2)),
        ("a" * 306, Segments(GSM7, 306, 2)),
        ("a" * 307, Segments(GSM7, 307, 3)),
        ("àéñÜ§¿", Segments(GSM7, 6, 1)),
        ("€", Segments(GSM7, 2, 1)),
        ("€" * 80, Segments(GSM7, 160, 1)),
        ("€" * 81, Segments(GSM7, 162, 2)),
        # 76 euros fill 152 septets of a part of 153: the 77th is not cut in two.
        ("€" * 153, Segments(GSM7, 306, 3)),
        ("ç", Segments(UCS2, 1, 1)),
        ("я" * 70, Segments(UCS2, 70, 1)),
        ("я" * 71, Segments(UCS2, 71, 2)),
        ("я" * 134, Segments(UCS2, 134, 2)),
        ("я" * 135, Segments(UCS2, 135, 3)),
        ("👍", Segments(UCS2, 2, 1)),
        ("👍" * 35, Segments(UCS2, 70, 1)),
        ("👍" * 36, Segments(UCS2, 72, 2)),
        # 33 pairs fill 66 units of a part of 67: the 34th is not cut in two.
        ("👍" * 67, Segments(UCS2, 134, 3)),
        ("a" * 100 + "я", Segments(UCS2, 101, 2)),
    ],
)
def test_known_counts(text: str, expected: Segments) -> None:
    """The boundaries of 160/153 and 70/67 fall where the standard puts them."""
    assert count_segments(text) == expected


@given(st.text(max_size=400))
@settings(max_examples=300)
def test_counts_are_those_of_the_encoded_text(text: str) -> None:
    """UCS-2 counts UTF-16 units; segments lie between the packed minimum and one wasted unit."""
    counted = count_segments(text)
    if counted.encoding is UCS2:
        assert counted.characters == len(text.encode("utf-16-le", "surrogatepass")) // 2
        part = 67
    else:
        part = 153
    if counted.segments > 1:
        assert -(-counted.characters // part) <= counted.segments
        assert counted.segments <= -(-counted.characters // (part - 1))


@given(st.text(max_size=200))
def test_what_is_outside_decides_the_encoding(text: str) -> None:
    """A text goes out in UCS-2 exactly where a character of it is named as outside, once each."""
    outside = outside_gsm7(text)
    assert (count_segments(text).encoding is UCS2) == bool(outside)
    assert len(set(outside)) == len(outside)
    assert set(outside) <= set(text)
