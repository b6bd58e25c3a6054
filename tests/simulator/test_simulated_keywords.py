"""What each kind of number does with a word: the carrier's own rules, held to the letter."""

import pytest
from carrier_world import (
    LONG_CODE,
    OTHER_LONG_CODE,
    PHONE,
    SERVICE,
    SHORT_CODE,
    TOLL_FREE,
    DatedClock,
    World,
    eventually,
    on,
    running_receiver,
    running_world,
    service,
    service_senders,
)
from twilio.base.exceptions import TwilioRestException

from consentry.simulator import AdvancedOptOut, Sender, SenderKind
from consentry.simulator.profiles import RULES, TWILIO_KEYWORDS, read_keyword
from consentry.simulator.values import KeywordAction

pytestmark = pytest.mark.integration

UNSUBSCRIBED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe."
)
RESUBSCRIBED = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
HELP = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
NETWORK_STOP = (
    'NETWORK MSG: You replied with the word "stop" which blocks all texts sent from this number. '
    'Text back "unstop" to receive messages again.'
)
NETWORK_UNSTOP = (
    'NETWORK MSG: You have replied "unstop" and will begin receiving messages again from this '
    "number."
)


def refused_code(world: World, sender: str = LONG_CODE) -> int | None:
    """Send, and tell the code of the refusal if there was one."""
    try:
        world.send(sender=sender)
    except TwilioRestException as error:
        return error.code
    return None


def test_the_story_of_a_long_code(world: World) -> None:
    """STOP blocks and is answered once; START lifts it; the sender's texts go between."""
    world.send("Welcome")
    world.type(" Stop\n")
    assert refused_code(world) == 21610
    world.type("STOPALL")
    world.type("I am still here")
    world.type("START")
    assert refused_code(world) is None
    assert world.shown() == [
        ("sender", "Welcome"),
        ("handset", " Stop\n"),
        ("carrier", UNSUBSCRIBED),
        ("handset", "STOPALL"),
        ("handset", "I am still here"),
        ("handset", "START"),
        ("carrier", RESUBSCRIBED),
        ("sender", "Hello"),
    ]


@pytest.mark.parametrize("word", ["stop", "STOPALL", "Unsubscribe", "cancel", "END", "quit"])
def test_every_opt_out_word_blocks(world: World, word: str) -> None:
    """Each listed word, in any case, blocks the pair."""
    world.type(word)
    assert world.blocks() == {(LONG_CODE, PHONE, "keyword")}


@pytest.mark.parametrize(
    "body", ["STOP.", "STOP PLEASE", "stop all", '"STOP"', "\u017ftop", "REVO\u212aE", "", "yes"]
)
def test_nothing_else_blocks(body: str) -> None:
    """The whole body must be the word: no punctuation, no company, no look-alikes."""
    reading = read_keyword(TWILIO_KEYWORDS, SenderKind.LONG_CODE, body, at=on(2026, 1, 1))
    assert reading is None or reading.action is not KeywordAction.OPT_OUT


@pytest.mark.parametrize("word", ["REVOKE", "OPTOUT"])
@pytest.mark.parametrize(("day", "blocks"), [(on(2025, 5, 13), False), (on(2025, 5, 14), True)])
def test_lists_change_on_their_day(word: str, day: object, *, blocks: bool) -> None:
    """REVOKE and OPTOUT are ordinary words before 2025-05-14 and opt-outs from then on."""
    with running_world(DatedClock(day)) as world:
        world.type(word)
        world.type(word, to=TOLL_FREE)
        expected = {(LONG_CODE, PHONE, "keyword"), (TOLL_FREE, PHONE, "provider")}
        assert world.blocks() == (expected if blocks else set())


def test_lists_of_another_day_can_be_asked_for() -> None:
    """A simulator can read by the lists of a day that is not today."""
    with running_world(keywords_as_of=on(2025, 1, 1)) as world:
        world.type("REVOKE")
        assert world.blocks() == set()


def test_start_to_another_number_lifts_nothing(world: World) -> None:
    """A block belongs to its pair."""
    world.type("STOP")
    world.type("START", to=OTHER_LONG_CODE)
    assert refused_code(world) == 21610
    assert world.shown(OTHER_LONG_CODE) == [("handset", "START")]


def test_yes_lifts_on_a_long_code(world: World) -> None:
    """YES and UNSTOP are opt-ins on a long code."""
    for word in ("YES", "unstop"):
        world.type("STOP")
        world.type(word)
        assert world.blocks() == set()


def test_help_is_answered_unless_opted_out(world: World) -> None:
    """HELP and INFO are answered; whoever opted out hears nothing."""
    world.type("info")
    assert world.shown()[-1] == ("carrier", HELP)
    world.type("STOP")
    world.type("HELP")
    assert world.shown()[-1] == ("handset", "HELP")


def test_toll_free_keeps_two_blocks(world: World) -> None:
    """STOP sets the network's block and Twilio's; UNSTOP lifts both; YES lifts neither."""
    world.type("Stop", to=TOLL_FREE)
    both = {(TOLL_FREE, PHONE, "network"), (TOLL_FREE, PHONE, "provider")}
    assert world.blocks() == both
    world.type("YES", to=TOLL_FREE)
    assert world.blocks() == both
    assert refused_code(world, TOLL_FREE) == 21610
    world.type("UNSTOP", to=TOLL_FREE)
    assert world.blocks() == set()
    assert refused_code(world, TOLL_FREE) is None
    assert world.shown(TOLL_FREE) == [
        ("handset", "Stop"),
        ("carrier", NETWORK_STOP),
        ("handset", "YES"),
        ("handset", "UNSTOP"),
        ("carrier", NETWORK_UNSTOP),
        ("sender", "Hello"),
    ]


def test_toll_free_cancel_is_twilios_alone(world: World) -> None:
    """CANCEL sets only Twilio's block; a STOP after it adds the network's, and is answered."""
    world.type("CANCEL", to=TOLL_FREE)
    assert world.blocks() == {(TOLL_FREE, PHONE, "provider")}
    assert world.shown(TOLL_FREE)[-1] == ("carrier", UNSUBSCRIBED)
    world.type("STOP", to=TOLL_FREE)
    assert len(world.blocks()) == 2
    assert world.shown(TOLL_FREE)[-1] == ("carrier", NETWORK_STOP)
    world.type("start", to=TOLL_FREE)
    assert world.blocks() == set()
    assert world.shown(TOLL_FREE)[-1] == ("carrier", NETWORK_UNSTOP.replace("unstop", "start"))


def test_a_block_of_the_network_alone_fails_later(world: World) -> None:
    """What only the network blocks, Twilio accepts, and reports as blocked."""
    world.fault("block_behind_our_back", sender=TOLL_FREE, recipient=PHONE, layer="network")
    sid = world.send(sender=TOLL_FREE).sid
    eventually(lambda: "failed" in world.receiver.statuses(sid))
    assert world.client.messages(sid).fetch().error_code == 30004
    assert world.shown(TOLL_FREE) == []


def test_a_short_code_reads_nothing(world: World) -> None:
    """On a short code nobody blocks and nobody answers; the text is passed on."""
    for word in ("STOP", "HELP", "START"):
        world.type(word, to=SHORT_CODE)
    assert world.blocks() == set()
    assert [origin for origin, _ in world.shown(SHORT_CODE)] == ["handset"] * 3
    assert refused_code(world, SHORT_CODE) is None
    eventually(lambda: len(world.receiver.forms()) >= 3)


def test_a_keyword_is_passed_on_every_time(world: World) -> None:
    """The webhook gets keywords too, also those that change nothing, and no OptOutType."""
    for word in ("STOP", "STOP", "START"):
        world.type(word)
    eventually(lambda: len(world.receiver.forms()) == 3)
    forms = world.receiver.forms()
    assert [form["Body"] for form in forms] == ["STOP", "STOP", "START"]
    assert all("OptOutType" not in form for form in forms)


def test_a_service_shares_one_block_list() -> None:
    """Opting out of one number of a service is opting out of all, and opting in likewise."""
    with running_receiver() as receiver:
        senders = service_senders(receiver.url)
        with running_world(senders=senders, services=(service(),)) as world:
            world.type("STOP", to=LONG_CODE)
            assert refused_code(world, OTHER_LONG_CODE) == 21610
            block = world.get("/api/blocks").json()["blocks"][0]
            assert block["messaging_service_sid"] == SERVICE
            assert block["senders"] == [LONG_CODE, OTHER_LONG_CODE]
            world.type("START", to=OTHER_LONG_CODE)
            assert world.blocks() == set()


def test_advanced_opt_out_uses_its_own_words() -> None:
    """The service's words count, with its answers, and the webhook names the type."""
    own = AdvancedOptOut(
        opt_out=("STOP", "Arrêt"), opt_in=("Reprise",), help=("Aide",), opt_out_answer="C'est fini."
    )
    with running_receiver() as receiver:
        senders = service_senders(receiver.url)
        with running_world(senders=senders, services=(service(advanced_opt_out=own),)) as world:
            for word in ("QUIT", "ARRÊT", "aide", "reprise", "Aide"):
                world.type(word)
            eventually(lambda: len(receiver.forms()) == 5)
    types = [form.get("OptOutType") for form in receiver.forms()]
    assert types == [None, "STOP", "HELP", "START", "HELP"]


def test_advanced_opt_out_answers_as_configured() -> None:
    """Its own answer where one is set, Twilio's where none is."""
    own = AdvancedOptOut(opt_out=("HALT",), opt_out_answer="Bye.")
    with running_world(
        senders=service_senders("http://127.0.0.1:9/"), services=(service(advanced_opt_out=own),)
    ) as world:
        world.type("halt")
        world.type("START")
        carrier = [body for origin, body in world.shown() if origin == "carrier"]
        assert carrier == ["Bye.", RESUBSCRIBED]


def test_the_network_reads_beneath_advanced_opt_out() -> None:
    """On a toll-free number of a service STOP still reaches the network, whatever the list."""
    own = AdvancedOptOut(opt_out=("HALT",))
    free = Sender(TOLL_FREE, SenderKind.TOLL_FREE, None, SERVICE, None)
    with running_world(senders=(free,), services=(service(advanced_opt_out=own),)) as world:
        world.type("STOP", to=TOLL_FREE)
        assert world.blocks() == {(TOLL_FREE, PHONE, "network")}
        assert world.shown(TOLL_FREE)[-1] == ("carrier", NETWORK_STOP)
        world.type("halt", to=TOLL_FREE)
        assert len(world.blocks()) == 2


def test_a_service_refuses_later() -> None:
    """By service the message is accepted, and 21610 comes in the report."""
    with running_receiver() as receiver:
        senders = service_senders(receiver.url)
        with running_world(senders=senders, services=(service(),)) as world:
            world.type("STOP")
            message = world.client.messages.create(
                to=PHONE,
                messaging_service_sid=SERVICE,
                body="Hello",
                status_callback=world.receiver.url,
            )
            assert (message.status, message.from_) == ("accepted", None)
            eventually(lambda: world.receiver.statuses(message.sid) == ["queued", "failed"])
            last = world.receiver.forms(message.sid)[-1]
            assert last["ErrorCode"] == "21610"
            assert last["MessagingServiceSid"] == SERVICE
            assert world.shown() == [("handset", "STOP"), ("carrier", UNSUBSCRIBED)]


def test_a_service_keeps_talking_from_the_same_number() -> None:
    """A phone that texted one number of a service is answered from it."""
    with running_receiver() as receiver:
        senders = service_senders(receiver.url)
        with running_world(senders=senders, services=(service(),)) as world:
            world.type("Hi", to=OTHER_LONG_CODE)
            world.client.messages.create(to=PHONE, messaging_service_sid=SERVICE, body="Hello")
            assert world.shown(OTHER_LONG_CODE)[-1] == ("sender", "Hello")
            assert world.shown(LONG_CODE) == []


def test_every_rule_names_its_source() -> None:
    """No word is listed without the page it comes from."""
    assert all(rule.source.startswith("Twilio") and rule.words for rule in RULES)
