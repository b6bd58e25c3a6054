"""Where a number is its own normal form, by the plans of the world."""

import phonenumbers
import pytest

from consentry.domain.phone import find_number
from consentry.domain.plain_numbers import list_plans

pytestmark = pytest.mark.unit


def test_every_country_code_has_a_plan_but_north_america() -> None:
    """The longest number of any is less than what 63 bits hold."""
    plans = {plan.code: plan for plan in list_plans()}
    assert set(plans) == set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE) - {1}
    longest = [int(f"{plan.code}{'9' * max(plan.lengths)}") for plan in plans.values()]
    assert max(longest) < 2**63


def test_a_plan_says_what_is_taken_away() -> None:
    """A trunk prefix in Britain, the retired 1 in Mexico, nothing in Spain."""
    plans = {plan.code: plan for plan in list_plans()}
    assert (plans[44].trunk or "").startswith("0")
    assert (plans[52].trunk or "").endswith("1[0-9]{10}")
    assert plans[34].trunk is None


def test_a_number_is_found_or_it_is_none() -> None:
    """One with a plus needs no region; what is no number is None."""
    assert find_number("(415) 555-0142", "US") == "+14155550142"
    assert find_number("+442079460958", "US") == "+442079460958"
    assert find_number("(415) 555-0142", None) is None
    assert find_number("nobody", "US") is None
