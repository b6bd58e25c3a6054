"""Ids: their shape and their order."""

import re

import pytest

from consentry.clock import SystemIds

pytestmark = pytest.mark.unit


def test_an_id_is_its_prefix_and_a_ulid() -> None:
    """Twenty-six characters of Crockford's base 32 follow the prefix; they fit 128 bits."""
    assert re.fullmatch(r"msg_[0-7][0-9A-HJKMNP-TV-Z]{25}", SystemIds().new("msg"))


def test_ids_are_in_the_order_they_were_made_in() -> None:
    """Each is greater than the one before, thousands within a millisecond or two."""
    ids = SystemIds()
    made = [ids.new("ent") for _ in range(5000)]
    assert made == sorted(set(made))


def test_many_ids_come_behind_those_before_them() -> None:
    """However many are made at once, and one by one between them."""
    ids = SystemIds()
    made = [ids.new("ent")]
    for count in (3, 900, 1):
        made += ids.new_many("ent", count)
        made.append(ids.new("ent"))
    assert made == sorted(set(made))
    assert len(made) == 3 + 900 + 1 + 4
    assert re.fullmatch(r"ent_[0-7][0-9A-HJKMNP-TV-Z]{25}", made[2])
