"""Questions to the gate, and standings that they are about, as hypothesis draws them."""

from datetime import timedelta

import msgspec
from hypothesis import strategies as st

from consent_world import DIRECTORY, LONG, NEWS, PERSON, PROMO, SENDERS, block, consent
from consentry.domain.directory import Directory, Program, Purpose
from consentry.domain.gate import Door, MessageKind, Request
from consentry.domain.keywords import read_legal
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    BlockState,
    Cause,
    ConsentLevel,
    ConsentState,
    Review,
    Standing,
    Suppression,
    Thread,
    Unclear,
)
from memory_store import START

SECOND_PROMO = Program("promo-2", "acme", Purpose.MARKETING, "More deals")
BOUND = Program("bound", "acme", Purpose.INFORMATIONAL, "One sender's", sender=LONG.number)
PROGRAMS = (LONG.conversation, PROMO.id, NEWS.id, SECOND_PROMO.id, BOUND.id, "gone")
TIMES = (None, START - timedelta(hours=1), START, START + timedelta(hours=1))
ABSENT = "+12125550000"

off = msgspec.structs.replace(LONG, enabled=False)
SWITCHED_OFF = Directory(
    DIRECTORY.brands, DIRECTORY.senders | {LONG.number: off}, DIRECTORY.programs
)
directories = st.sampled_from(
    [
        DIRECTORY,
        SWITCHED_OFF,
        Directory(
            DIRECTORY.brands,
            DIRECTORY.senders,
            DIRECTORY.programs | {p.id: p for p in (SECOND_PROMO, BOUND)},
        ),
    ]
)
requests = st.builds(
    Request,
    recipient=st.just(PERSON),
    sender=st.sampled_from([*(sender.number for sender in SENDERS), ABSENT]),
    purpose=st.sampled_from([None, *Purpose]),
    program=st.sampled_from([None, *PROGRAMS]),
    door=st.sampled_from(Door),
    kind=st.sampled_from(MessageKind),
    body=st.sampled_from([None, "", "Hello"]),
    segments=st.integers(0, 2),
)
plain_requests = st.builds(
    Request,
    recipient=st.just(PERSON),
    sender=st.just(LONG.number),
    purpose=st.sampled_from([None, *Purpose]),
    program=st.sampled_from([None, *PROGRAMS]),
)
blocks = st.builds(
    block,
    st.sampled_from(SENDERS),
    st.sampled_from(BlockLayer),
    cause=st.sampled_from([Cause.KEYWORD, Cause.CARRIER_REFUSAL, Cause.FREE_TEXT, Cause.DRIFT]),
    state=st.sampled_from(BlockState),
    since=st.sampled_from([START, START - timedelta(minutes=1)]),
)
consents = st.builds(
    consent,
    st.sampled_from(PROGRAMS),
    st.sampled_from(ConsentState),
    st.sampled_from(ConsentLevel),
    expires_at=st.sampled_from(TIMES),
)
suppressions = st.builds(
    Suppression,
    st.sampled_from(["*", "acme", "other"]),
    st.sampled_from([Cause.REASSIGNED, Cause.FREE_TEXT]),
    st.just(START),
    st.just("ent"),
    active=st.booleans(),
    lifted_for=st.sampled_from([(), (LONG.number,)]),
)
reviews = st.builds(
    Review,
    st.sampled_from([LONG.number, SENDERS[1].number, SENDERS[-1].number, "+12125550000"]),
    st.just((Unclear("rev", "msg", "ent", START, read_legal("no")),)),
)
threads = st.builds(Thread, st.just(LONG.number), last_inbound_at=st.sampled_from(TIMES))
standings = st.builds(
    Standing,
    blocks=st.lists(blocks, max_size=2).map(tuple),
    consents=st.lists(consents, max_size=2).map(tuple),
    suppressions=st.lists(suppressions, max_size=1).map(tuple),
    threads=st.lists(threads, max_size=1).map(tuple),
    reviews=st.lists(reviews, max_size=1).map(tuple),
)
