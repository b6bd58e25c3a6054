"""A period that somebody names must be one."""

from datetime import datetime

from consentry.ports import Rejected


def check_period(since: datetime | None, until: datetime | None) -> None:
    """Refuse a period that ends before it begins: raises `Rejected` (`invalid_time`).

    Else what is asked would be answered with nothing, as if there were nothing.
    """
    if since is not None and until is not None and since > until:
        raise Rejected(
            "invalid_time",
            "The period ends before it begins. Give a beginning before its end.",
            status=422,
        )
