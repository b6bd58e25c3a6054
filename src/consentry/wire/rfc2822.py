"""Dates as Twilio's REST writes them: RFC 2822, to the second, always +0000."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def render_rfc2822(moment: datetime) -> str:
    """Write an aware time; the machine's language plays no part, fractions are dropped."""
    utc = moment.astimezone(UTC)
    return (
        f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year:04}"
        f" {utc.hour:02}:{utc.minute:02}:{utc.second:02} +0000"
    )


def parse_rfc2822(text: str) -> datetime:
    """Read a date as aware UTC; raises ValueError where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except OverflowError as error:
        raise ValueError(f"not a date: {error}") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
