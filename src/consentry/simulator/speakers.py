"""The carriers that can be simulated, by their names: a line for each."""

from consentry.simulator.dialect import Speaker
from consentry.simulator.twilio.rest import TWILIO

SPEAKERS: dict[str, Speaker] = {
    speaker.dialect.name: speaker
    for speaker in [
        TWILIO,
    ]
}
