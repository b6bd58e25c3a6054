"""What somebody vouches for as a person's consent, read as a text that comes in."""

import pytest

from consentry.domain.carrier_profiles import TABLE
from consentry.domain.keywords import is_our_help
from consentry.domain.reading import CarrierWord
from consentry.domain.vouched_words import WHY, NoConsent, find_no_consent

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ("STOP", NoConsent.OPT_OUT),
        ("Stop.", NoConsent.OPT_OUT),
        ("stop please", NoConsent.OPT_OUT),
        ("Ne m'envoyez plus de SMS", NoConsent.OPT_OUT),
        ("Wrong number", NoConsent.OPT_OUT),
        ("no thanks", NoConsent.UNCLEAR),
        ("help", NoConsent.HELP),
        (" INFO ", NoConsent.HELP),
        ("Hello", None),
        ("START", None),
        ("Yes please, text me", None),
        ("Help me choose a colour", None),
        ("  ", None),
        ("", None),
        (None, None),
    ],
)
def test_an_opt_out_or_a_call_for_help_is_no_consent(
    words: str | None, instead: NoConsent | None
) -> None:
    """Whatever somebody vouches for; what is unclear counts against it, a plain text does not."""
    assert find_no_consent(words) is instead


def test_why_words_are_no_consent_has_words() -> None:
    """For each reason."""
    assert set(WHY) == set(NoConsent)


def test_every_carriers_word_for_help_is_one_of_ours() -> None:
    """So what a carrier answers as a call for help can never be vouched for as a consent."""
    rows = [row for profile in TABLE.profiles for row in profile.rows]
    words = {text for row in rows if row.word is CarrierWord.HELP for text in row.texts}
    assert all(is_our_help(word) for word in words)
