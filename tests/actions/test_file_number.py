"""A number that texts us is filed on one profile, whoever files it and however often."""

import pytest

from action_world import World
from consent_world import OTHER_PERSON, PERSON
from consentry.actions.file_number import FileNumber
from consentry.domain.customers import CustomerPhone, PhoneType

pytestmark = pytest.mark.unit


def test_a_number_is_filed_once() -> None:
    """The first makes a profile without a name; the second is led to the same one."""
    world = World()
    made = world.store.run(FileNumber(PERSON))
    assert world.store.customers[made].name == ""
    assert world.store.customers[made].phones == (
        CustomerPhone(PERSON, PERSON, "US", None, PhoneType.MOBILE, primary=True),
    )
    assert world.store.run(FileNumber(PERSON)) == made
    assert world.store.run(FileNumber(OTHER_PERSON)) != made
    assert len(world.store.customers) == 2


def test_what_is_no_phone_number_is_filed_as_it_is() -> None:
    """A short code that texts us has a profile too."""
    world = World()
    made = world.store.run(FileNumber("12345"))
    assert world.store.customers[made].phones == (
        CustomerPhone("12345", "12345", "001", None, PhoneType.OTHER, primary=True),
    )
