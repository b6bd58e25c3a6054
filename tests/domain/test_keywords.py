"""The carrier reader, our own opt-in list, and the keyword tier of the legal reader."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from consentry.domain.carrier_profiles import TABLE, find_profile
from consentry.domain.keywords import is_our_opt_in, read_carrier, read_legal
from consentry.domain.reading import (
    BlockLayer,
    CarrierReading,
    CarrierWord,
    LegalMeaning,
    SenderKind,
    Tier,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROVIDER = (BlockLayer.PROVIDER,)
BOTH = (BlockLayer.NETWORK, BlockLayer.PROVIDER)
EIGHT = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
STOP_ANSWER = (
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe."
)
START_ANSWER = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
HELP_ANSWER = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


def twilio(
    text: str, kind: SenderKind = SenderKind.LONG_CODE, at: datetime = NOW, said: str | None = None
) -> CarrierReading:
    return read_carrier(text, carrier="twilio", kind=kind, at=at, opt_out_type=said)


@pytest.mark.parametrize("word", EIGHT)
def test_a_long_code_blocks_on_eight_words(word: str) -> None:
    """Each word, in any case and with white space around, sets the provider's block."""
    for text in (word, word.lower(), word.title(), f"  {word}\r\n"):
        reading = twilio(text)
        assert (reading.word, reading.layers) == (CarrierWord.OPT_OUT, PROVIDER)
        assert (reading.answers, reading.answer) == (True, STOP_ANSWER)
        assert reading.rule == f"twilio/long_code/2025-05-14:{word}"
        assert reading.version == TABLE.version


@pytest.mark.parametrize("word", ["START", "YES", "UNSTOP"])
def test_a_long_code_lifts_on_three_words(word: str) -> None:
    """START, YES and UNSTOP lift the provider's block, and the carrier answers."""
    reading = twilio(word.lower())
    assert (reading.word, reading.layers) == (CarrierWord.OPT_IN, PROVIDER)
    assert reading.answer == START_ANSWER


@pytest.mark.parametrize("kind", [SenderKind.LONG_CODE, SenderKind.TOLL_FREE])
@pytest.mark.parametrize("word", ["HELP", "info"])
def test_help_is_answered_and_touches_no_block(word: str, kind: SenderKind) -> None:
    """HELP and INFO name no layer; the carrier answers them."""
    reading = twilio(word, kind)
    assert (reading.word, reading.layers, reading.answers) == (CarrierWord.HELP, (), True)
    assert reading.answer == HELP_ANSWER


@pytest.mark.parametrize(
    "text",
    [
        *("STOP.", "STOP PLEASE", "please stop", "STOP!", '"STOP"', "S TOP", "STOP ALL", "OPT OUT"),
        *("STOP\u200b", "\u00a0STOP", "\u017ftop", "S\u0130", "\uff33\uff34\uff2f\uff30", "UNSUB"),
        *("Start!", "yes please", "START STOP", "", " ", "\x00", "STOP\x00", "\ud800"),
        "x" * 100_000,
    ],
)  # fmt: skip
def test_a_carrier_sees_only_the_whole_body(text: str) -> None:
    """Punctuation, other words, invisible or look-alike letters make it no keyword."""
    for kind in SenderKind:
        assert twilio(text, kind).word is CarrierWord.NONE


def test_new_keywords_count_from_their_day_on() -> None:
    """REVOKE and OPTOUT are keywords since 2025-05-14 in UTC, the other six were before."""
    first = datetime(2025, 5, 14, tzinfo=UTC)
    for word in ("REVOKE", "OPTOUT"):
        assert twilio(word, at=first).word is CarrierWord.OPT_OUT
        assert twilio(word, at=first - timedelta(seconds=1)).word is CarrierWord.NONE
        assert twilio(word, at=first.replace(tzinfo=None)).word is CarrierWord.OPT_OUT
        tokyo = timezone(timedelta(hours=9))
        assert twilio(word, at=datetime(2025, 5, 14, 8, tzinfo=tokyo)).word is CarrierWord.NONE
    before = twilio("STOP", at=first - timedelta(days=400))
    assert (before.word, before.rule) == (CarrierWord.OPT_OUT, "twilio/long_code/always:STOP")


def test_toll_free_has_two_blocks() -> None:
    """STOP sets the network's and the provider's, the seven other words only the provider's."""
    stop = twilio("Stop", SenderKind.TOLL_FREE)
    assert (stop.word, stop.layers) == (CarrierWord.OPT_OUT, BOTH)
    assert stop.answer == (
        'NETWORK MSG: You replied with the word "stop" which blocks all texts sent from this '
        'number. Text back "unstop" to receive messages again.'
    )
    for word in EIGHT[1:]:
        other = twilio(word, SenderKind.TOLL_FREE)
        assert (other.word, other.layers) == (CarrierWord.OPT_OUT, PROVIDER)


@pytest.mark.parametrize("word", ["START", "UNSTOP"])
def test_toll_free_lifts_both_blocks_and_quotes_the_word(word: str) -> None:
    """START and UNSTOP lift both layers; the network repeats the word that was sent."""
    reading = twilio(word, SenderKind.TOLL_FREE)
    assert (reading.word, reading.layers) == (CarrierWord.OPT_IN, BOTH)
    assert reading.answer == (
        f'NETWORK MSG: You have replied "{word.lower()}" and will begin receiving messages again '
        "from this number."
    )


def test_yes_does_nothing_on_toll_free() -> None:
    """YES is no keyword there: nothing is lifted and the carrier stays silent."""
    reading = twilio("YES", SenderKind.TOLL_FREE)
    assert reading == CarrierReading(CarrierWord.NONE, (), False, None, None, TABLE.version)


@pytest.mark.parametrize("kind", [SenderKind.SHORT_CODE, SenderKind.ALPHANUMERIC])
def test_a_short_code_alone_does_nothing(kind: SenderKind) -> None:
    """Neither a short code without a service nor a name blocks, lifts or answers."""
    for word in (*EIGHT, "START", "HELP"):
        assert (twilio(word, kind).word, twilio(word, kind).answers) == (CarrierWord.NONE, False)


def test_an_unknown_carrier_says_nothing() -> None:
    """A carrier without a profile gives no word."""
    reading = read_carrier("STOP", carrier="nobody", kind=SenderKind.LONG_CODE, at=NOW)
    assert (reading.word, reading.answers) == (CarrierWord.NONE, False)


def test_the_carriers_own_verdict_wins() -> None:
    """`OptOutType` decides for the service; its own words are not known, so no answer is shown."""
    stop = twilio("basta", said="STOP")
    assert (stop.word, stop.layers, stop.answers) == (CarrierWord.OPT_OUT, PROVIDER, True)
    assert (stop.answer, stop.rule) == (None, "twilio/long_code/service:STOP")
    start = twilio("ja", SenderKind.SHORT_CODE, said="START")
    assert (start.word, start.layers) == (CarrierWord.OPT_IN, PROVIDER)
    helped = twilio("hilfe", said="HELP")
    assert (helped.word, helped.layers, helped.answers) == (CarrierWord.HELP, (), True)
    assert twilio("STOP", said="START").word is CarrierWord.OPT_IN


def test_a_service_on_toll_free_keeps_the_networks_block() -> None:
    """The network blocks on STOP whatever the service's list; other words of it pass it by."""
    stop = twilio("STOP", SenderKind.TOLL_FREE, said="STOP")
    assert stop.layers == BOTH
    assert (stop.answer or "").startswith("NETWORK MSG")
    assert twilio("CANCEL", SenderKind.TOLL_FREE, said="STOP").layers == PROVIDER
    assert twilio("YES", SenderKind.TOLL_FREE, said="START").layers == PROVIDER


@pytest.mark.parametrize("said", ["", None, "OTHER", "stop"])
def test_an_unknown_verdict_leaves_the_prediction(said: str | None) -> None:
    """A verdict we do not know, or none, leaves what the text itself says."""
    assert twilio("STOP", said=said) == twilio("STOP")
    assert twilio("hello", said=said).word is CarrierWord.NONE


@pytest.mark.parametrize(
    ("carrier", "text", "word"),
    [
        ("telnyx", "stop all", CarrierWord.OPT_OUT),
        ("telnyx", "START", CarrierWord.OPT_IN),
        ("telnyx", "YES", CarrierWord.NONE),
        ("telnyx", "HELP", CarrierWord.HELP),
        ("telnyx", "INFO", CarrierWord.NONE),
        ("telnyx", "REVOKE", CarrierWord.NONE),
        ("aws", "stop texting me", CarrierWord.OPT_OUT),
        ("aws", "Opt-out", CarrierWord.OPT_OUT),
        ("aws", "OPTOUT now", CarrierWord.OPT_OUT),
        ("aws", "td.", CarrierWord.OPT_OUT),
        ("aws", "remove", CarrierWord.OPT_OUT),
        ("aws", "Endorsement attached", CarrierWord.NONE),
        ("aws", "stopping by", CarrierWord.NONE),
        ("aws", "please stop", CarrierWord.NONE),
        ("aws", "\u017ftop", CarrierWord.NONE),
        ("aws", "START", CarrierWord.NONE),
        ("aws", "help me", CarrierWord.HELP),
        ("plivo", "unsub", CarrierWord.OPT_OUT),
        ("plivo", "Stop All", CarrierWord.OPT_OUT),
        ("plivo", "STOPALL", CarrierWord.NONE),
        ("plivo", "unstop", CarrierWord.OPT_IN),
        ("plivo", "HELP", CarrierWord.HELP),
        ("plivo", "info", CarrierWord.HELP),
        ("plivo", "UNSUBSCRIBE", CarrierWord.NONE),
    ],
)
def test_other_carriers_have_their_own_lists(carrier: str, text: str, word: CarrierWord) -> None:
    """Telnyx and Plivo match the whole body, AWS the word a text begins with."""
    reading = read_carrier(text, carrier=carrier, kind=SenderKind.LONG_CODE, at=NOW)
    assert reading.word is word
    assert reading.answers is (word is not CarrierWord.NONE)


@pytest.mark.parametrize(
    ("profile", "text", "word", "layers"),
    [
        ("telnyx toll_free", "Stop", "opt_out", BOTH),
        ("telnyx toll_free", "stop all", "opt_out", PROVIDER),
        ("telnyx toll_free", "unstop", "opt_in", BOTH),
        ("telnyx toll_free", "YES", "none", ()),
        ("telnyx toll_free", "HELP", "help", ()),
        ("telnyx short_code", "STOP", "opt_out", PROVIDER),
        ("plivo toll_free", "STOP", "opt_out", BOTH),
        ("plivo toll_free", "UNSUB", "opt_out", PROVIDER),
        ("plivo toll_free", "START", "opt_in", BOTH),
        ("plivo toll_free", "INFO", "help", ()),
        ("plivo short_code", "STOP", "none", ()),
        ("bandwidth toll_free", "stop", "opt_out", (BlockLayer.NETWORK,)),
        ("bandwidth toll_free", "Unstop", "opt_in", (BlockLayer.NETWORK,)),
        ("bandwidth toll_free", "YES", "none", ()),
        ("bandwidth toll_free", "CANCEL", "none", ()),
        ("bandwidth long_code", "STOP", "none", ()),
        ("bandwidth short_code", "STOP", "none", ()),
        ("vonage toll_free", "Stop", "opt_out", (BlockLayer.NETWORK,)),
        ("vonage toll_free", "UNSTOP", "opt_in", (BlockLayer.NETWORK,)),
        ("vonage toll_free", "YES", "none", ()),
        ("vonage short_code", "quit", "opt_out", PROVIDER),
        ("vonage short_code", "JOIN", "opt_in", PROVIDER),
        ("vonage short_code", "UNSTOP", "none", ()),
        ("vonage short_code", "help", "help", ()),
        ("vonage long_code", "STOP", "none", ()),
        ("sinch toll_free", "arret", "opt_out", (BlockLayer.NETWORK,)),
        ("sinch toll_free", "NonArret", "opt_in", (BlockLayer.NETWORK,)),
        ("sinch toll_free", "HELP", "none", ()),
        ("sinch short_code", "STOP", "none", ()),
        ("smpp toll_free", "stop", "opt_out", (BlockLayer.NETWORK,)),
        ("smpp toll_free", "Unstop", "opt_in", (BlockLayer.NETWORK,)),
        ("smpp toll_free", "CANCEL", "none", ()),
        ("smpp long_code", "STOP", "none", ()),
        ("smpp short_code", "HELP", "none", ()),
        ("signalwire toll_free", "Stop", "opt_out", (BlockLayer.NETWORK,)),
        ("signalwire toll_free", "start", "opt_in", (BlockLayer.NETWORK,)),
        ("signalwire toll_free", "YES", "none", ()),
        ("signalwire toll_free", "CANCEL", "none", ()),
        ("signalwire long_code", "STOP", "none", ()),
        ("signalwire short_code", "START", "none", ()),
        ("aws toll_free", "stop", "opt_out", (BlockLayer.NETWORK,)),
        ("aws toll_free", "Unstop", "opt_in", (BlockLayer.NETWORK,)),
        ("aws toll_free", "YES", "none", ()),
        ("aws toll_free", "CANCEL", "none", ()),
    ],
)
def test_what_a_carrier_leaves_to_the_network_or_to_us(
    profile: str, text: str, word: str, layers: tuple[BlockLayer, ...]
) -> None:
    """The toll-free network blocks and answers by itself; where a carrier does nothing, we do."""
    carrier, kind = profile.split()
    reading = read_carrier(text, carrier=carrier, kind=SenderKind(kind), at=NOW)
    assert (reading.word, reading.layers) == (CarrierWord(word), layers)
    assert reading.answers is (word != "none")


@pytest.mark.parametrize(
    ("carrier", "said", "word"),
    [
        ("telnyx", "STOP", CarrierWord.OPT_OUT),
        ("telnyx", "START", CarrierWord.OPT_IN),
        ("telnyx", "HELP", CarrierWord.HELP),
        ("telnyx", "PROMO", CarrierWord.NONE),
        ("plivo", "optout", CarrierWord.OPT_OUT),
        ("plivo", "optin", CarrierWord.OPT_IN),
        ("plivo", "help", CarrierWord.HELP),
        ("plivo", "other", CarrierWord.NONE),
    ],
)
def test_what_a_carrier_says_that_it_read_counts(
    carrier: str, said: str, word: CarrierWord
) -> None:
    """`autoresponse_type` and `MessageIntent` decide, also about words that only they know."""
    for kind in (SenderKind.LONG_CODE, SenderKind.SHORT_CODE):
        reading = read_carrier("basta", carrier=carrier, kind=kind, at=NOW, opt_out_type=said)
        assert reading.word is word


@pytest.mark.parametrize("text", ["START", "unstop", "Yes", " yes \n"])
def test_our_own_opt_in_list(text: str) -> None:
    """START, UNSTOP and YES lift our own block, in any case."""
    assert is_our_opt_in(text)


@pytest.mark.parametrize(
    "text",
    ["Start!", "yes please", "YES.", "ok", "", "start now", "\uff33TART", "\u017ftart", "oui"],
)
def test_our_own_opt_in_list_is_not_widened(text: str) -> None:
    """Nothing but the bare words lifts a block of ours."""
    assert not is_our_opt_in(text)


def test_the_legal_reader_knows_every_carriers_keyword() -> None:
    """Each opt-out word of any profile opts out alone; only REMOVE is left to a person."""
    words = {
        text
        for profile in TABLE.profiles
        for row in profile.rows
        if row.word is CarrierWord.OPT_OUT
        for text in row.texts
    }
    assert words > set(EIGHT)
    missed = {word for word in words if read_legal(word).meaning is not LegalMeaning.OPT_OUT}
    assert missed == {"REMOVE"}
    assert read_legal("remove").meaning is LegalMeaning.AMBIGUOUS


def test_a_reading_names_its_rule_tier_and_version() -> None:
    """Every reading can be traced: the rule that matched and the edition of the data."""
    stop, phrase, silence = read_legal("Stop!"), read_legal("stop texting me"), read_legal("hello")
    assert (stop.tier, stop.rule) == (Tier.KEYWORD, "keyword:any:stop")
    assert (phrase.tier, phrase.rule) == (Tier.PHRASE, "en.stop_messaging")
    assert (silence.tier, silence.rule) == (Tier.NONE, None)
    assert stop.version
    assert stop.version == phrase.version == silence.version


def test_every_profile_has_a_source() -> None:
    """Every profile row names where it comes from and when that was checked."""
    assert all(p.source and p.checked_on for p in TABLE.profiles)
    assert all(s.source and s.checked_on for s in TABLE.service_words)


@pytest.mark.parametrize(
    "text",
    [
        "stop " * 300_000,
        "x" * 5_000_000,
        "\ufdfa" * 100_000,
        "e\u0301" * 500_000,
        "dont ring " * 999,
    ],
)
def test_a_huge_text_is_read_as_far_as_a_message_can_be(text: str) -> None:
    """Only the first 4,096 characters are looked at, whatever the text is made of."""
    assert read_legal(text) == read_legal(text[:4096])


def test_an_opt_out_beyond_a_messages_length_is_not_seen() -> None:
    """What no carrier would deliver is not read."""
    assert read_legal("hello " * 800 + ". Stop texting me").meaning is LegalMeaning.NONE


@pytest.mark.parametrize("kind", SenderKind)
def test_the_profile_in_force_is_the_one_that_is_read(kind: SenderKind) -> None:
    """The profile found for a day is the one whose words the reader knows on that day."""
    for at in (datetime(2025, 5, 13, tzinfo=UTC), datetime(2025, 5, 14), NOW):  # noqa: DTZ001
        profile = find_profile("twilio", kind, at)
        texts = set() if profile is None else {t for row in profile.rows for t in row.texts}
        read = {text for text in EIGHT if twilio(text, kind, at).word is CarrierWord.OPT_OUT}
        assert read == texts & set(EIGHT)
    assert find_profile("nobody", kind, NOW) is None
