"""What names a PostgreSQL database, and how it is shown."""

import pytest

from consentry.store.postgres.address import AddressError, read_address

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:geheim@db.example.org/sms", "postgresql://ann:***@db.example.org/sms"),
        ("postgresql://ann@db:6543/sms", "postgresql://ann@db:6543/sms"),
        ("postgres://db/sms", "postgres://db/sms"),
        (
            "postgresql://ann@/sms?host=/run/postgresql&password=geheim",
            "postgresql://ann@/sms?host=/run/postgresql&password=***",
        ),
        (
            "postgresql://ann:geheim@a:1,b:2/sms?target_session_attrs=read-write",
            "postgresql://ann:***@a:1,b:2/sms?target_session_attrs=read-write",
        ),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    """Wherever the password stands in the URL."""
    address = read_address(url)
    assert str(address) == shown
    assert "geheim" not in f"{address}"
    assert address.prepared


def test_statements_may_be_left_unprepared_for_a_pooler() -> None:
    """The word is ours: the driver does not see it."""
    address = read_address("postgresql://ann@db/sms?prepared_statements=off&ssl=require")
    assert not address.prepared
    assert address.url == "postgresql://ann@db/sms?ssl=require"
    assert read_address("postgresql://ann@db/sms?prepared_statements=on").prepared


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:///var/x.db", "does not begin with postgresql://"),
        ("postgresql://ann@db", "names no database"),
        ("postgresql://ann@db/", "names no database"),
        ("postgresql://ann@db/sms?prepared_statements=maybe", "may be on or off"),
        ("postgresql://[::1/sms", "no URL"),
    ],
)
def test_what_names_no_database_is_refused(url: str, told: str) -> None:
    """The message says what is wrong with it."""
    with pytest.raises(AddressError, match=told):
        read_address(url)
