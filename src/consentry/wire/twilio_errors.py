"""Twilio's REST errors: the body, and the codes that this product meets or makes.

Source: Twilio's error dictionary. The message is what Twilio answers; programs should go by the
code alone, and so do we.
"""

import msgspec

UNSUBSCRIBED_RECIPIENT_CODE = 21610
UNKNOWN_ERROR_CODE = 30008
MORE_INFO = "https://www.twilio.com/docs/errors/"


class TwilioError(msgspec.Struct, frozen=True):
    """The body of a refusal: `code` is Twilio's, `status` the HTTP status it came with."""

    code: int
    message: str
    more_info: str
    status: int


class TwilioRefusedError(Exception):
    """A request that is answered with a Twilio error body."""

    def __init__(self, error: TwilioError) -> None:
        """Keep the whole body; str() is its sentence."""
        self.error = error
        super().__init__(error.message)


# code: (HTTP status, message); {} is the value that was refused.
_ERRORS: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter: {}"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed: {}"),
    20009: (409, "The message cannot be changed because its delivery has not completed"),
    20404: (404, "The requested resource {} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21211: (400, "Invalid 'To' Phone Number: {}"),
    21212: (400, "Invalid 'From' Number: {}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The 'From' number {} is not a message-capable Twilio number of this account",
    ),
    21609: (400, "The 'StatusCallback' URL {} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s): {}"),
    21623: (400, "Number of media files exceeds allowed limit of 10"),
    21624: (400, "The 'ValidityPeriod' must be 1 to 36000 seconds"),
    21701: (400, "The Messaging Service {} does not exist."),
    21703: (
        400,
        "The Messaging Service {} does not have a phone number available to send a message",
    ),
    30004: (400, "Message blocked"),
    30005: (400, "Unknown destination handset"),
    30007: (400, "Message filtered"),
    30008: (400, "Unknown error"),
    30036: (400, "Validity Period Expired"),
    30400: (400, "Parameters are not valid: {}"),
    30409: (409, "This message cannot be canceled"),
    30610: (400, "Message couldn't be delivered"),
    35111: (400, "'SendAt' is required to schedule a message"),
    35112: (400, "'ScheduleType' is required when 'SendAt' is given"),
    35115: (400, "'SendAt' must be an ISO 8601 time 5 minutes to 35 days from now, not {}"),
    35118: (400, "'MessagingServiceSid' is required to schedule a message"),
    35126: (400, "'ScheduleType' must be 'fixed', not {}"),
}

_encoder = msgspec.json.Encoder()


def build_twilio_error(code: int, value: str = "") -> TwilioError:
    """Build the body of a known code; `value` is what was refused. KeyError for another code."""
    status, message = _ERRORS[code]
    return TwilioError(code, message.replace("{}", value), f"{MORE_INFO}{code}", status)


def refuse(code: int, value: str = "") -> TwilioRefusedError:
    """Build the exception to raise for a known code."""
    return TwilioRefusedError(build_twilio_error(code, value))


def render_twilio_error(error: TwilioError) -> bytes:
    """Write the JSON body."""
    return _encoder.encode(error)


def describe_error(code: int) -> str:
    """Write what a code means; any number will do, unknown ones say so."""
    _, message = _ERRORS.get(code, (400, "Unknown error"))
    return message.replace(" {}", "")
