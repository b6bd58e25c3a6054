"""What a text asks of us: both readings together with what stands."""

import msgspec
import pytest

from consent_world import LONG, SHORT, TOLL_FREE, after, minute, text
from consentry.domain.consent import SignalKind, Text, read_signal
from consentry.domain.directory import Sender
from consentry.domain.reading import (
    BlockLayer,
    CarrierReading,
    CarrierWord,
    LegalMeaning,
    LegalReading,
    Tier,
)
from consentry.domain.standing import Cause, Standing
from memory_store import START

pytestmark = pytest.mark.unit

OURS, PROVIDER, NETWORK = BlockLayer.OURS, BlockLayer.PROVIDER, BlockLayer.NETWORK
PLAIN, HELP = SignalKind.PLAIN_TEXT, SignalKind.HELP
OPT_OUT, OPT_IN = SignalKind.OPT_OUT, SignalKind.OPT_IN


@pytest.mark.parametrize(
    ("sender", "body", "standing", "expected"),
    [
        (LONG, "STOP", Standing(), (OPT_OUT, (PROVIDER,), True)),
        (LONG, "revoke", Standing(), (OPT_OUT, (PROVIDER,), True)),
        (LONG, "STOP.", Standing(), (OPT_OUT, (OURS,), False)),
        (TOLL_FREE, "STOP", Standing(), (OPT_OUT, (NETWORK, PROVIDER), True)),
        (TOLL_FREE, "CANCEL", Standing(), (OPT_OUT, (PROVIDER,), True)),
        (SHORT, "STOP", Standing(), (OPT_OUT, (OURS,), False)),
        (LONG, "START", Standing(), (OPT_IN, (PROVIDER, OURS), True)),
        (TOLL_FREE, "unstop", Standing(), (OPT_IN, (NETWORK, PROVIDER, OURS), True)),
        (SHORT, "START", Standing(), (OPT_IN, (OURS,), False)),
        (SHORT, "START", after("STOP", sender=SHORT), (OPT_IN, (OURS,), False)),
        (LONG, "YES", Standing(), (PLAIN, (PROVIDER, OURS), True)),
        (LONG, "YES", after("Hello"), (PLAIN, (PROVIDER, OURS), True)),
        (LONG, "YES", after("STOP"), (OPT_IN, (PROVIDER, OURS), True)),
        (TOLL_FREE, "YES", after("STOP", sender=TOLL_FREE), (PLAIN, (), False)),
        (TOLL_FREE, "YES", after("Stop.", sender=TOLL_FREE), (OPT_IN, (OURS,), False)),
        (TOLL_FREE, "YES", Standing(), (PLAIN, (), False)),
        (SHORT, "YES", Standing(), (PLAIN, (), False)),
        (SHORT, "YES", after("STOP", sender=SHORT), (OPT_IN, (OURS,), False)),
        (LONG, "HELP", Standing(), (HELP, (), True)),
        (SHORT, "Info", Standing(), (HELP, (), False)),
        (LONG, "Hello", Standing(), (PLAIN, (), False)),
        (LONG, "Start!", after("STOP"), (PLAIN, (), False)),
        (LONG, "", Standing(), (PLAIN, (), False)),
    ],
)
def test_both_readings_and_what_stands_make_the_signal(
    sender: Sender,
    body: str,
    standing: Standing,
    expected: tuple[SignalKind, tuple[BlockLayer, ...], bool],
) -> None:
    """Kind, layers, and whether the carrier answers, for each kind of sender."""
    signal = read_signal(text(body, sender, at=minute(9)), standing, sender)
    assert (signal.kind, signal.layers, signal.answered) == expected
    assert (signal.at, signal.carrier_timed) == (minute(9), False)


NO_WORD = CarrierReading(CarrierWord.NONE, (), False, None, None, "v")
NO_MEANING = LegalReading(LegalMeaning.NONE, Tier.NONE, None, "v")


@pytest.mark.parametrize(
    ("meaning", "tier", "expected"),
    [
        (LegalMeaning.OPT_OUT, Tier.KEYWORD, (OPT_OUT, Cause.KEYWORD)),
        (LegalMeaning.OPT_OUT, Tier.PHRASE, (OPT_OUT, Cause.FREE_TEXT)),
        (LegalMeaning.WRONG_NUMBER, Tier.PHRASE, (OPT_OUT, Cause.WRONG_NUMBER)),
        (LegalMeaning.AMBIGUOUS, Tier.PHRASE, (SignalKind.UNCLEAR, Cause.KEYWORD)),
        (LegalMeaning.NONE, Tier.NONE, (PLAIN, Cause.KEYWORD)),
    ],
)
def test_the_legal_reader_widens_opting_out(
    meaning: LegalMeaning, tier: Tier, expected: tuple[SignalKind, Cause]
) -> None:
    """What the person meant counts where the carrier saw nothing."""
    read = Text("...", START, NO_WORD, LegalReading(meaning, tier, "rule", "v"))
    signal = read_signal(read, Standing(), LONG)
    assert (signal.kind, signal.cause) == expected


def test_an_opt_out_outweighs_every_other_reading() -> None:
    """A service that takes a text for START or HELP does not undo what the person meant."""
    meant = LegalReading(LegalMeaning.OPT_OUT, Tier.KEYWORD, "keyword:stop", "v")
    for word in (CarrierWord.OPT_IN, CarrierWord.HELP):
        seen = CarrierReading(word, (PROVIDER,), True, None, "service", "v")
        signal = read_signal(Text("stop", START, seen, meant), Standing(), LONG)
        assert (signal.kind, signal.layers) == (OPT_OUT, (OURS,))


def test_an_opt_out_without_a_layer_is_ours() -> None:
    """Where the carrier reader names no layer, the block is ours: it is never none."""
    seen = CarrierReading(CarrierWord.OPT_OUT, (), True, None, "rule", "v")
    signal = read_signal(Text("STOP", START, seen, NO_MEANING), Standing(), LONG)
    assert signal.layers == (OURS,)


def test_the_carriers_own_verdict_counts() -> None:
    """OptOutType is authoritative: a configured word opts out, in or asks for help."""
    for verdict, kind in (("STOP", OPT_OUT), ("START", OPT_IN), ("HELP", HELP)):
        read = text("banana", at=minute(9), opt_out_type=verdict)
        assert read_signal(read, after("STOP"), LONG).kind is kind


def test_the_times_of_a_signal() -> None:
    """Ordered by the carrier's time, shown no later than it arrived."""
    read = text("STOP", at=minute(5), sent_at=minute(3))
    signal = read_signal(read, Standing(), LONG)
    assert (signal.at, signal.since, signal.carrier_timed) == (minute(3), minute(3), True)
    ahead = read_signal(text("STOP", at=minute(5), sent_at=minute(99)), Standing(), LONG)
    assert (ahead.at, ahead.since) == (minute(99), minute(5))
    bare = msgspec.structs.replace(signal, arrived_at=None)
    assert bare.since == minute(3)


def test_an_opt_in_from_the_future_does_not_outweigh_what_is_to_come() -> None:
    """A carrier's clock far ahead of ours orders an opt-in at most a minute ahead."""
    far = read_signal(text("START", at=minute(5), sent_at=minute(99)), after("STOP"), LONG)
    near = read_signal(text("START", at=minute(5), sent_at=minute(5.5)), after("STOP"), LONG)
    assert (far.at, near.at) == (minute(6), minute(5.5))
    assert far.carrier_timed
