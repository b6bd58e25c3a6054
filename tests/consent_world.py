"""A small company to test consent with: two brands, senders of every kind, two programs."""

from datetime import datetime, timedelta

from consentry.domain.consent import Text, Transition, decide_move, read_signal
from consentry.domain.directory import Brand, Directory, Program, Purpose, Sender
from consentry.domain.gate import Decision, Facts, Request, decide
from consentry.domain.keywords import read_carrier, read_legal
from consentry.domain.policy import Policy
from consentry.domain.reading import BlockLayer, SenderKind
from consentry.domain.standing import (
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    Place,
    Standing,
    apply_pieces,
)
from memory_store import START

PERSON = "+14155550142"
OTHER_PERSON = "+14155550143"
POLICY = Policy()

LONG = Sender("+14155550100", SenderKind.LONG_CODE, "acme", "twilio-1")
SECOND = Sender("+14155550101", SenderKind.LONG_CODE, "acme", "twilio-1")
TOLL_FREE = Sender("+18005550100", SenderKind.TOLL_FREE, "acme", "twilio-1")
SHORT = Sender("55555", SenderKind.SHORT_CODE, "acme", "twilio-1")
SERVICE_A = Sender(
    "+14155550110", SenderKind.LONG_CODE, "acme", "twilio-1", messaging_service_sid="MG1"
)
SERVICE_B = Sender(
    "+14155550111", SenderKind.LONG_CODE, "acme", "twilio-1", messaging_service_sid="MG1"
)
FOREIGN = Sender("+14155550199", SenderKind.LONG_CODE, "other", "twilio-1")
SENDERS = (LONG, SECOND, TOLL_FREE, SHORT, SERVICE_A, SERVICE_B, FOREIGN)

PROMO = Program("promo", "acme", Purpose.MARKETING, "Deals")
NEWS = Program("news", "acme", Purpose.INFORMATIONAL, "Order news")
FOREIGN_PROMO = Program("foreign-promo", "other", Purpose.MARKETING, "Offers")

DIRECTORY = Directory(
    brands={
        "acme": Brand("acme", "Acme", contact="help@acme.example"),
        "other": Brand("other", "Other"),
    },
    senders={sender.number: sender for sender in SENDERS},
    programs={program.id: program for program in (PROMO, NEWS, FOREIGN_PROMO)},
)

AT_NOON = Place(zone="Europe/London")
"""Where it is noon at the start of every test, so that marketing may go there."""


def minute(count: float) -> datetime:
    """Give the time some minutes after the start."""
    return START + timedelta(minutes=count)


def text(
    body: str,
    sender: Sender = LONG,
    *,
    at: datetime = START,
    sent_at: datetime | None = None,
    opt_out_type: str | None = None,
) -> Text:
    """Read a text as both readers do; with `sent_at` the carrier gave a time."""
    return Text(
        body=body,
        at=at if sent_at is None else sent_at,
        carrier=read_carrier(
            body, carrier="twilio", kind=sender.kind, at=at, opt_out_type=opt_out_type
        ),
        legal=read_legal(body),
        carrier_timed=sent_at is not None,
        arrived_at=at,
    )


def hear(
    standing: Standing,
    read: Text,
    sender: Sender = LONG,
    *,
    policy: Policy = POLICY,
    entry: str = "ent",
    directory: Directory = DIRECTORY,
) -> tuple[Standing, Transition]:
    """Let a text move a standing."""
    signal = read_signal(read, standing, sender)
    moved = decide_move(signal, standing, sender, directory=directory, policy=policy, entry=entry)
    return apply_pieces(standing, moved.pieces), moved


def after(*words: str, sender: Sender = LONG, standing: Standing | None = None) -> Standing:
    """Give the standing after some texts, one a minute, without a carrier's time."""
    standing = standing or Standing()
    for count, body in enumerate(words):
        read = text(body, sender, at=minute(count))
        standing, _ = hear(standing, read, sender, entry=f"ent{count}")
    return standing


def block(
    sender: Sender = LONG,
    layer: BlockLayer = BlockLayer.PROVIDER,
    *,
    cause: Cause = Cause.KEYWORD,
    state: BlockState = BlockState.BLOCKED,
    since: datetime = START,
) -> Block:
    """A block between a sender and the person."""
    return Block(sender.scope_of(layer), layer, state, cause, since, since, "ent")


def consent(
    program: str = LONG.conversation,
    state: ConsentState = ConsentState.ACTIVE,
    level: ConsentLevel = ConsentLevel.IMPLIED,
    *,
    expires_at: datetime | None = None,
) -> Consent:
    """A consent with a program."""
    return Consent(program, state, level, START, START, "ent", expires_at=expires_at)


def ask(
    request: Request,
    *pieces: Piece,
    directory: Directory = DIRECTORY,
    policy: Policy = POLICY,
    now: datetime = START,
) -> Decision:
    """Ask the gate of a standing made of pieces; where the person is it is noon at the start."""
    standing = apply_pieces(Standing(place=AT_NOON), pieces)
    return decide(request, Facts(directory, standing), policy, now)


def refused_by_carrier() -> Standing:
    """The standing after a send that the carrier refused."""
    refusal = Block(
        LONG.number,
        BlockLayer.PROVIDER,
        BlockState.BLOCKED,
        Cause.CARRIER_REFUSAL,
        START,
        START,
        "ent",
        by_person=False,
    )
    return apply_pieces(Standing(), (refusal,))


def held_back() -> Standing:
    """The standing of somebody whose opt-out the carrier has and we do not."""
    paused = Block(
        LONG.number,
        BlockLayer.PROVIDER,
        BlockState.UNKNOWN,
        Cause.DRIFT,
        START,
        START,
        "ent",
        by_person=False,
    )
    return apply_pieces(Standing(), (paused,))
