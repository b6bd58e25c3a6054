"""Places by the hour that it is there, for tests on the real clock."""

from datetime import UTC, datetime


def zone_where_it_is(hour: int) -> str:
    """Name a zone in which this hour of the day is now, whenever the test runs."""
    ahead = (hour - datetime.now(UTC).hour) % 24
    ahead = ahead - 24 if ahead > 12 else ahead
    # The signs of these names are the other way round: Etc/GMT-5 is five hours ahead.
    return f"Etc/GMT{-ahead:+d}"
