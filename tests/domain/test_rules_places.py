"""Where a number, a postal code or a zone says that a person is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from consentry.domain.rules.places import (
    UNKNOWN,
    InvalidPlace,
    Whereabouts,
    WhereaboutsBy,
    find_whereabouts,
    read_place,
)
from consentry.domain.rules.zones import (
    US_ZONES,
    UnknownZone,
    read_zone,
    zone_names,
    zones_of_country,
)
from consentry.domain.standing import Place

pytestmark = pytest.mark.unit

EAST, CENTRAL, MOUNTAIN, PACIFIC = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
NUMBERS = [
    ("+14155550142", ("US", "US-CA"), (PACIFIC,)),
    ("+13055550142", ("US", "US-FL"), (EAST,)),
    ("+18505550142", ("US", "US-FL"), (EAST, CENTRAL)),
    ("+14235550142", ("US", "US-TN"), (EAST, CENTRAL)),
    ("+12085550142", ("US", "US-ID"), ("America/Boise", PACIFIC)),
    ("+15415550142", ("US", "US-OR"), (PACIFIC, "America/Boise")),
    ("+17755550142", ("US", "US-NV"), (PACIFIC, MOUNTAIN)),
    ("+19285550142", ("US", "US-AZ"), ("America/Phoenix", MOUNTAIN)),
    ("+17875550142", ("US", "US-PR"), ("America/Puerto_Rico",)),
    ("+16715550142", ("US", "US-GU"), ("Pacific/Guam",)),
    ("+14165550142", ("CA", "CA-ON"), ("America/Toronto",)),
    ("+19025550142", ("CA", "CA-NS", "CA-PE"), ("America/Halifax",)),
    ("+12425550142", ("BS",), ("America/Nassau",)),
    ("+33612345678", ("FR",), ("Europe/Paris",)),
    ("+590690001234", ("FR",), ("America/Guadeloupe",)),
    ("+4915112345678", ("DE",), ("Europe/Berlin",)),
]


@pytest.mark.parametrize(("number", "jurisdictions", "zones"), NUMBERS)
def test_a_number_tells_its_places(
    number: str, jurisdictions: tuple[str, ...], zones: tuple[str, ...]
) -> None:
    """A prefix gives every state and zone that it reaches into."""
    expected = Whereabouts(jurisdictions, zones, WhereaboutsBy.PREFIX)
    assert find_whereabouts(number, None) == expected


@pytest.mark.parametrize("number", ["+18005550142", "+15005550006", "+870773111632", "+1", "x", ""])
def test_what_tells_no_place_may_be_anywhere_in_the_united_states(number: str) -> None:
    """Toll-free, personal and satellite numbers, and what is none, are in every US zone."""
    assert find_whereabouts(number, None) == UNKNOWN


@pytest.mark.parametrize(
    ("number", "code", "jurisdictions", "zones"),
    [
        ("+14155550142", "10001", ("US", "US-NY"), (EAST,)),
        ("+14155550142", "32501-1234", ("US", "US-FL"), (CENTRAL,)),
        ("+14155550142", "32401", ("US", "US-FL"), (CENTRAL, EAST)),
        ("+14155550142", "06390", ("US", "US-NY"), (EAST,)),
        ("+14155550142", "06302", ("US", "US-CT"), (EAST,)),
        ("+14155550142", "20588", ("US", "US-DC", "US-MD", "US-VA"), (EAST,)),
        ("+14155550142", "96799", ("US", "US-AS"), ("Pacific/Pago_Pago",)),
        ("+18005550142", "79901", ("US", "US-TX"), (CENTRAL, MOUNTAIN)),
        ("+14155550142", "K1A 0B1", ("CA", "CA-ON"), ("America/Toronto",)),
        ("+14155550142", "P9N", ("CA", "CA-ON"), ("America/Toronto", "America/Winnipeg")),
        ("+33612345678", "75001", ("FR",), ("Europe/Paris",)),
        ("+33612345678", "97400", ("FR",), ("Indian/Reunion",)),
    ],
)
def test_a_postal_code_comes_before_the_number(
    number: str, code: str, jurisdictions: tuple[str, ...], zones: tuple[str, ...]
) -> None:
    """Its longest known prefix tells state and zones, in the country whose form it has."""
    found = find_whereabouts(number, Place(postal_code=code))
    assert found.by is WhereaboutsBy.POSTAL_CODE
    assert found.jurisdictions == jurisdictions
    assert set(zones) <= set(found.zones)
    assert len(found.zones) == len(zones) or code == "P9N"


def test_a_zone_comes_before_all_and_leaves_the_state() -> None:
    """An explicit zone replaces the zones; whose law holds, postal code or number still tell."""
    number = "+14155550142"
    zoned = find_whereabouts(number, Place(zone=EAST))
    assert zoned == Whereabouts(("US", "US-CA"), (EAST,), WhereaboutsBy.ZONE)
    both = find_whereabouts(number, Place(zone=EAST, postal_code="33101"))
    assert both == Whereabouts(("US", "US-FL"), (EAST,), WhereaboutsBy.ZONE)
    abroad = find_whereabouts("+33612345678", Place(zone=PACIFIC))
    assert abroad.jurisdictions == ("US", "FR")
    assert find_whereabouts(number, Place()) == find_whereabouts(number, None)


def test_a_postal_code_that_is_known_no_more_lets_the_number_tell() -> None:
    """What was kept under an older table does not fail: the number tells."""
    number = "+14155550142"
    assert find_whereabouts(number, Place(postal_code="09012")) == find_whereabouts(number, None)


def test_a_place_is_checked_and_cleaned_before_it_is_kept() -> None:
    """Zones that the database knows and codes that lead to a place are kept, others refused."""
    number = "+14155550142"
    assert read_place(number, zone=EAST, postal_code=" k1a  0b1 ") == (EAST, "K1A 0B1")
    assert read_place(number, zone=None, postal_code=None) == (None, None)
    with pytest.raises(InvalidPlace, match="'Mars/Base' is not a time zone"):
        read_place(number, zone="Mars/Base", postal_code=None)
    with pytest.raises(InvalidPlace, match="may be a military one"):
        read_place(number, zone=None, postal_code="09012")
    for other, code in (
        (number, "ABC"),
        ("+4915112345678", "10115"),
        ("+33612345678", "7500"),
        ("+4915112345678", "../x"),
    ):
        with pytest.raises(InvalidPlace, match="not a postal code that fits this number"):
            read_place(other, zone=None, postal_code=code)


def offsets(zones: set[str]) -> set[tuple[object, object]]:
    """Give the clocks that zones keep, in January and in July of this year."""
    winter, summer = (datetime(2026, month, 15, tzinfo=UTC) for month in (1, 7))
    return {
        (winter.astimezone(zone).utcoffset(), summer.astimezone(zone).utcoffset())
        for zone in map(ZoneInfo, zones)
    }


# The library's default for a prefix that it knows nothing of, where the area code's own is known:
# Orlando's overlay, Labrador's without its clock, Saskatchewan's without one, all of Alaska's as
# Hawaii's.
LIBRARY_GUESSES = {"689", "879", "474", "907", "867"}


def test_every_area_code_keeps_all_clocks_that_the_library_knows_there() -> None:
    """No zone that phonenumbers gives to some number of an area code is missing in our row."""
    missing = {}
    for code in map(str, range(200, 1000)):
        found = find_whereabouts(f"+1{code}5550142", None)
        is_ours = found.by is WhereaboutsBy.PREFIX and found.jurisdictions[0] in ("US", "CA")
        if not is_ours or code in LIBRARY_GUESSES:
            continue
        theirs = {z for k, zs in TIMEZONE_DATA.items() if k.startswith(f"1{code}") for z in zs}
        if len(theirs) < 10 and offsets(theirs) - offsets(set(found.zones)):
            missing[code] = theirs
    assert missing == {}


def test_zones_are_those_of_the_shipped_database() -> None:
    """Every zone of the tables can be read; names that lead elsewhere are none."""
    for name in ("../zones", "/etc/passwd", "", "America", "localtime"):
        with pytest.raises(UnknownZone):
            read_zone(name)
    assert set(US_ZONES) <= zone_names()
    assert read_zone("UTC").key == "UTC"
    assert set(US_ZONES) - {"America/Phoenix"} <= set(zones_of_country("US"))
    assert zones_of_country("QQ") == ()
