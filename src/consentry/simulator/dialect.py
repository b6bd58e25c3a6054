"""What differs from carrier to carrier: one value of this kind for each that can be simulated.

Handsets, blocks, faults, lanes and the journal are the same for all. A simulated carrier is a
folder with a `dialect.py` (how it writes, signs and reads) and a `rest.py` (what it answers), and
a line in `speakers.py`. It shares codecs of `consentry.wire` with the product and nothing else.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from consentry.simulator.profiles import Keywords, Reading
from consentry.simulator.values import Account, Message, Sender, Service, Text
from consentry.wire.webhook_address import WebhookAddress


class Letter(msgspec.Struct, frozen=True):
    """What a webhook says: the pairs of a form or, where `json` is given, that."""

    pairs: list[tuple[str, str]] = []
    json: str | None = None


class Stamp(msgspec.Struct, frozen=True):
    """What makes one attempt at a webhook different: `token` is the webhook's own, `at` is now.

    `home` is where this simulator is reached.
    """

    token: str
    at: datetime
    home: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What a webhook was answered with."""

    status: int
    content_type: str
    body: bytes


class Arrival(msgspec.Struct, frozen=True):
    """A text from a handset, with all that a carrier tells of it.

    `service` is the group of numbers that the sender is in; `reading` is the carrier's own.
    """

    account: Account
    sender: Sender
    service: Service | None
    text: Text
    reading: Reading | None


def ask_for_nothing(_answer: Answer) -> tuple[str, ...]:
    """Read an answer that asks for no text, whatever it is."""
    return ()


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How a carrier writes, signs and reads.

    `refuses_at_once`: whether sending to somebody who opted out is refused in the answer, or
    accepted and refused by a report. `codes` has its own codes in place of Twilio's, by which the
    simulator calls failures. `make_id` makes the id of a text, with media or without. `find_group`
    gives what all numbers of an account share their blocks in, if anything. `write_report` gives
    None for a status that is not reported. `sign` writes the headers of one attempt at a letter.
    `seal` is for a carrier that signs within the letter: it gives the letter as it is posted.
    `read_address` says how patiently the carrier posts there; raises WebhookAddressError.
    `read_answer` gives the texts that an answer asks for.
    """

    name: str
    keywords: Keywords
    refuses_at_once: bool
    codes: Mapping[int, int]
    make_id: Callable[[bool], str]
    find_group: Callable[[Account], Service | None]
    write_inbound: Callable[[Arrival], Letter]
    write_report: Callable[[Message], Letter | None]
    sign: Callable[[Account, str, Letter, Stamp], dict[str, str]]
    read_address: Callable[[str], WebhookAddress]
    read_answer: Callable[[Answer], tuple[str, ...]] = ask_for_nothing
    seal: Callable[[Letter, Stamp], Letter] | None = None

    def own_code(self, code: int) -> int:
        """Give the carrier's code for what Twilio calls this; one that is its own stays."""
        return self.codes.get(code, code)

    def common_code(self, own: int) -> int:
        """Give what Twilio calls a code of this carrier; one that it has alone stays."""
        return next((code for code, known in self.codes.items() if known == own), own)


class Told(msgspec.Struct, frozen=True):
    """One thing that must be known to use an account: its name for programs and for people."""

    name: str
    label: str
    value: str


class Speaker(msgspec.Struct, frozen=True):
    """A dialect with its REST interface.

    `account` is the one a simulator has if none is named; `tell` lists what must be known of one.
    `root` is the path below which mistakes are answered by `answer_wrong`, with a status and the
    path that was asked for.
    """

    dialect: Dialect
    account: Account
    tell: Callable[[Account], list[Told]]
    build_routes: Callable[..., list[Route]]
    root: str
    answer_wrong: Callable[[int, str], Response]
