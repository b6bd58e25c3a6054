"""The carriers that can be simulated, by their names: a line for each."""

from consentry.simulator.aws.rest import AWS
from consentry.simulator.dialect import Speaker
from consentry.simulator.plivo.rest import PLIVO
from consentry.simulator.telnyx.rest import TELNYX
from consentry.simulator.twilio.rest import TWILIO

SPEAKERS: dict[str, Speaker] = {
    speaker.dialect.name: speaker
    for speaker in [
        TWILIO,
        TELNYX,
        PLIVO,
        AWS,
    ]
}
