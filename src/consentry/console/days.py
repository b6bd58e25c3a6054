"""Days as addresses and reports have them: in UTC, from midnight to midnight."""

from datetime import UTC, date, datetime, time


def read_day(text: str) -> date | None:
    """Read a day of a form; None where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def day_begin(day: date) -> datetime:
    """Give the first moment of a day in UTC."""
    return datetime.combine(day, time.min, UTC)


def day_end(day: date) -> datetime:
    """Give the last moment of a day in UTC."""
    return datetime.combine(day, time.max, UTC)
