"""Numbers are masked however they are written, secrets are taken out, and the rest stays."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.telemetry.masking import HIDDEN, hide_secrets, mask_numbers

NUMBERS = st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True)
SEPARATORS = st.sampled_from(["", " ", "-", ".", " (", ") ", "\u00a0", "\u2011", "%20"])
# What may stand around a number in a line; a letter or digit glued to it makes it another word.
AROUND = st.text(string.ascii_letters + " '\"<>[]{}=:;!?&", max_size=12).map(lambda t: t + " ")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+14155550100", "+14***0100"),
        ("GET /v1/recipients/%2B14155550142/entries", "GET /v1/recipients/+14***0142/entries"),
        ("To=%2b14155550142&From=x", "To=+14***0142&From=x"),
        ("+49 1512 3456789", "+49***6789"),
        ("\uff0b\uff14\uff19\uff11\uff15\uff11\uff12", "+***\uff12"),
        ("call (415) 555-0100 now", "call 4***0100 now"),
        ("415.555.0100", "4***0100"),
        ("1-415-555-0100", "14***0100"),
        ("14155550100", "14***0100"),
        ("4155550142,4155550143", "4***0142,4***0143"),
        ("0049 1512 3456789", "00***6789"),
        ("tel:+1-415-555-0100", "tel:+14***0100"),
        ("conversation:+12025550199", "conversation:+12***0199"),
        ("key_14155550142", "key_14***0142"),
        ("+14155550142+14155550143", "+14***0142+14***0143"),
        ("+14155550142 55555 refused", "+14***0142 55555 refused"),
        ("+1415555", "+***55"),
    ],
)  # fmt: skip
def test_a_number_is_masked_however_it_is_written(text: str, masked: str) -> None:
    """Plus, percent code, spaces, dots, dashes, brackets, plain digits: each is masked."""
    assert mask_numbers(text) == masked


@pytest.mark.unit
@pytest.mark.parametrize(
    "text",
    [
        "",
        "no digit at all",
        "55555",
        "2026-11-29T19:50:04.123456Z",
        "2026-11-29 19:50:04",
        "127.0.0.1:54321",
        "192.168.100.200",
        "took 0.123456789 s",
        "1234567.123456789",
        "SM01234567890123456789012345678901",
        "msg_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
        'File "consentry/store/writer.py", line 114, in _outcomes_of',
        "HTTP 429",
    ],
)
def test_what_is_surely_no_number_stays(text: str) -> None:
    """Dates, times, addresses, decimals, ids and short codes are left alone."""
    assert mask_numbers(text) == text


@pytest.mark.property
@given(NUMBERS, AROUND, AROUND)
def test_no_number_with_a_plus_passes(number: str, before: str, after: str) -> None:
    """Wherever a number with its plus stands, its digits do not pass, nor all but one of them."""
    masked = mask_numbers(f"{before}+{number} {after}")
    assert number not in masked
    assert number[1:] not in masked
    assert number[:-1] not in masked


@pytest.mark.property
@given(st.from_regex(r"[1-9][0-9]{8,14}", fullmatch=True), AROUND, AROUND)
def test_no_long_number_without_a_plus_passes(number: str, before: str, after: str) -> None:
    """Nine digits and more are masked with no plus too."""
    assert number not in mask_numbers(f"{before}{number} {after}")


@pytest.mark.property
@given(NUMBERS, st.lists(SEPARATORS, min_size=15, max_size=15), AROUND)
def test_no_grouping_lets_a_number_pass(number: str, gaps: list[str], after: str) -> None:
    """A number with a plus may be grouped in any way; three of its digits at least are gone."""
    pieces = [gap + digit for gap, digit in zip(gaps, number, strict=False)]
    masked = mask_numbers(f"+{''.join(pieces)} {after}")
    left = sum(c.isdigit() for c in masked.replace("%20", ""))
    assert left <= len(number) - 3


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer csk_abc-DEF_123", f"Authorization: {HIDDEN}"),
        ("the key csk_AAAAAAAAAAAA", f"the key {HIDDEN}"),
        ("{'Authorization': 'Basic QUMxOnNlY3JldA=='}", f"{{'Authorization': '{HIDDEN}'}}"),
        ("/console/sign-in?token=abc-d_e&next=/", f"/console/sign-in?token={HIDDEN}&next=/"),
        ("seals with ctk_AAAA-bb_cc now", f"seals with {HIDDEN} now"),
        ("hashes by cek_AAAA-bb_cc now", f"hashes by {HIDDEN} now"),
        ("signed with whsec_AAAA+bb/cc==.", f"signed with {HIDDEN}."),
        ("GET /x?api_secret=hush&to=1", f"GET /x?api_secret={HIDDEN}&to=1"),
        ("GET /x?password=hush", f"GET /x?password={HIDDEN}"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- is bad",
            f"{HIDDEN} is bad",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMII", HIDDEN),
        ("consentry_session=abcdef; Path=/", f"consentry_session={HIDDEN}; Path=/"),
        ("postgresql://consentry:pa55@db/consentry", f"postgresql://{HIDDEN}@db/consentry"),
        (
            "null value\nDETAIL:  Row (1, my words, on\ntwo lines).\nHINT:  Mend it.\n\nDuring",
            f"null value\nDETAIL:  {HIDDEN}\nHINT:  Mend it.\n\nDuring",
        ),
        ("x\nDETAIL:  Key (id)=(words) exists.", f"x\nDETAIL:  {HIDDEN}"),
        (
            "x\nDETAIL:  words\n\nThe above exception was",
            f"x\nDETAIL:  {HIDDEN}\n\nThe above exception was",
        ),
        ("mine is hunter2hunter2", f"mine is {HIDDEN}"),
    ],
)
def test_a_secret_is_taken_out(text: str, hidden: str) -> None:
    """Keys, tokens, passwords and the server's own secrets do not pass."""
    assert hide_secrets(text, ("hunter2hunter2",)) == hidden
