"""The filters of Twilio's message list by the day or time at which a message was sent."""

from datetime import UTC, date, datetime

from consentry.wire.twilio_errors import refuse

SENT_ON = "DateSent"
_DATE_CHARACTERS = len("2026-01-31")


def parse_sent_filter(name: str, text: str) -> date | datetime:
    """Read a day, which means all of it, or an aware UTC time to the second, which bounds.

    What is sent on a date is asked for by a day: Twilio's clients write it as its midnight. Raises
    TwilioRefusedError, which names the parameter.
    """
    try:
        if len(text) == _DATE_CHARACTERS:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return moment.date() if name == SENT_ON else moment
    except (ValueError, OverflowError):
        raise refuse(20001, f"{name}: must be YYYY-MM-DD or an ISO 8601 time") from None
