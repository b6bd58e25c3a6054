"""Everything else below an account."""

from consentry.twilio_door.calls import Call
from consentry.twilio_door.exchange import Answer
from consentry.wire.twilio_errors import refuse


async def pass_on(call: Call) -> Answer:
    """Answer that there is nothing here."""
    raise refuse(20404, ascii(call.http["path"])[1:-1])
