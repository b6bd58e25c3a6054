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


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://ann@db:6543/sms?ssl=require", ["postgresql://ann@db:6543/sms?ssl=require"]),
        (
            "postgresql://ann:x@a:1,b/sms",
            [
                "postgresql://ann:x@a:1/sms?target_session_attrs=read-write",
                "postgresql://ann:x@b/sms?target_session_attrs=read-write",
            ],
        ),
        (
            "postgresql://a,b/sms?target_session_attrs=primary",
            [
                "postgresql://a/sms?target_session_attrs=primary",
                "postgresql://b/sms?target_session_attrs=primary",
            ],
        ),
        (
            "postgresql:///sms?host=/one,/two&port=1,2&user=ann",
            [
                "postgresql:/sms?target_session_attrs=read-write&host=/one&port=1&user=ann",
                "postgresql:/sms?target_session_attrs=read-write&host=/two&port=2&user=ann",
            ],
        ),
        (
            "postgresql:///sms?host=/one,/two&port=7",
            [
                "postgresql:/sms?target_session_attrs=read-write&host=/one&port=7",
                "postgresql:/sms?target_session_attrs=read-write&host=/two&port=7",
            ],
        ),
    ],
)
def test_each_of_several_hosts_has_an_address(url: str, hosts: list[str]) -> None:
    """Of several hosts the one that takes writes is meant, unless something else is said."""
    assert list(read_address(url).list_hosts()) == hosts
