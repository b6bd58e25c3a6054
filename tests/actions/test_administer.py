"""Setting up brands, senders, programs, carriers and keys."""

import math

import msgspec
import pytest

from action_world import World
from consent_world import DIRECTORY, FOREIGN, LONG, PROMO, SECOND, minute
from consentry.actions.administer import (
    SaveBrand,
    SaveCarrier,
    SaveKey,
    SaveProgram,
    SaveSender,
    revoked,
)
from consentry.domain.directory import Brand, Program, Purpose, Replies, Sender
from consentry.domain.entries import NOBODY, Actor, ActorKind, EntryKind
from consentry.domain.reading import SenderKind
from consentry.ports import APIKey, CarrierAccount, Command, Rejected, Scope
from memory_store import START

pytestmark = pytest.mark.unit


def refused(command: Command[object]) -> tuple[str, int]:
    """Give code and status of a command that must be rejected and change nothing."""
    world = World()
    before = world.store.directory()
    with pytest.raises(Rejected) as rejected:
        world.store.run(command)
    assert world.store.directory() == before
    assert len(str(rejected.value)) > 20
    return rejected.value.code, rejected.value.status


def test_a_brand_gets_an_id_and_needs_a_name() -> None:
    """New without an id, changed with one; its name stands in replies."""
    world = World()
    made = world.store.run(SaveBrand(Brand("", "Newco")))
    assert made.id.startswith("brd_")
    world.store.run(SaveBrand(Brand(made.id, "Newer")))
    assert world.store.directory().brands[made.id].name == "Newer"
    assert refused(SaveBrand(Brand("", "  "))) == ("name_missing", 422)


@pytest.mark.parametrize(
    ("kind", "number", "kept"),
    [
        (SenderKind.LONG_CODE, " +1 (415) 555-0177 ", "+14155550177"),
        (SenderKind.TOLL_FREE, "+1-800-555-0177", "+18005550177"),
        (SenderKind.SHORT_CODE, " 12345 ", "12345"),
        (SenderKind.ALPHANUMERIC, "Acme Tools", "Acme Tools"),
    ],
)
def test_a_senders_number_fits_its_kind(kind: SenderKind, number: str, kept: str) -> None:
    """Numbers are kept as E.164, short codes and names as they are, without the space around."""
    world = World()
    saved = world.store.run(SaveSender(Sender(number, kind, "acme", "twilio-1")))
    assert saved.number == kept
    assert world.store.directory().senders[kept] == saved


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (SenderKind.LONG_CODE, "12"),
        (SenderKind.TOLL_FREE, "ACME"),
        (SenderKind.SHORT_CODE, "12"),
        (SenderKind.SHORT_CODE, "123456789"),
        (SenderKind.SHORT_CODE, "12a45"),
        (SenderKind.SHORT_CODE, "١٢٣٤٥"),
        (SenderKind.ALPHANUMERIC, ""),
        (SenderKind.ALPHANUMERIC, "12345"),
        (SenderKind.ALPHANUMERIC, "Twelve chars"),
        (SenderKind.ALPHANUMERIC, "Acmé"),
        (SenderKind.ALPHANUMERIC, "Acme\x07"),
    ],
)
def test_a_number_that_does_not_fit_is_refused(kind: SenderKind, number: str) -> None:
    """The refusal says what a sender of that kind looks like."""
    assert refused(SaveSender(Sender(number, kind, "acme", "twilio-1"))) == ("invalid_sender", 422)


def test_a_sender_needs_a_brand_and_a_rate() -> None:
    """No sender without a brand; a rate is a number above zero."""
    assert refused(SaveSender(msgspec.structs.replace(LONG, brand="x"))) == ("unknown_brand", 404)
    for rate in (0.0, -1.0, math.inf, math.nan):
        sender = msgspec.structs.replace(LONG, messages_per_second=rate)
        assert refused(SaveSender(sender)) == ("rate_invalid", 422)


@pytest.mark.parametrize(
    ("replies", "fits"),
    [
        (Replies(initial="x" * 300), True),
        (Replies(initial="x" * 301), False),
        (Replies(initial="{brand}" + "x" * 296), True),
        (Replies(initial="{brand}" + "x" * 297), False),
        (Replies(opt_out="x" * 160), True),
        (Replies(opt_out="x" * 161), False),
        (Replies(opt_out="\u2764" * 71), False),
        (Replies(help="x" * 500), True),
    ],
)
def test_wordings_fit_before_they_are_needed(replies: Replies, *, fits: bool) -> None:
    """The initial reply is at most 300 characters, the opt-out confirmation one segment."""
    command = SaveSender(msgspec.structs.replace(LONG, replies=replies))
    if fits:
        assert World().store.run(command).replies == replies
    else:
        assert refused(command) == ("reply_too_long", 422)


def test_the_confirmation_of_an_opt_out_sells_nothing() -> None:
    """Whichever door words it; a sender that has such words from before may change otherwise."""
    selling = Replies(opt_out="{brand}: no more texts. 20% off if you come back!")
    sender = msgspec.structs.replace(LONG, replies=selling)
    assert refused(SaveSender(sender)) == ("wording_invalid", 422)
    senders = {**DIRECTORY.senders, LONG.number: sender}
    world = World(directory=msgspec.structs.replace(DIRECTORY, senders=senders))
    changed = msgspec.structs.replace(sender, messages_per_second=2.0)
    assert world.store.run(SaveSender(changed)) == changed


def test_a_program_is_for_a_purpose_of_a_brand() -> None:
    """New without an id, renamed with one."""
    world = World()
    made = world.store.run(SaveProgram(Program("", "acme", Purpose.MARKETING, "Sales")))
    assert made.id.startswith("prg_")
    renamed = msgspec.structs.replace(made, name="Big sales")
    assert world.store.run(SaveProgram(renamed)) == renamed
    kept = world.store.run(SaveProgram(Program("mine", "acme", Purpose.INFORMATIONAL, "Mine")))
    assert kept.id == "mine"


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (Program("", "nobody", Purpose.MARKETING, "Deals"), "unknown_brand"),
        (Program("", "acme", Purpose.CONVERSATIONAL, "Chat"), "conversation_is_built_in"),
        (Program(LONG.conversation, "acme", Purpose.MARKETING, "X"), "conversation_is_built_in"),
        (Program("", "acme", Purpose.MARKETING, " "), "name_missing"),
        (msgspec.structs.replace(PROMO, brand="other"), "already_exists"),
        (msgspec.structs.replace(PROMO, purpose=Purpose.INFORMATIONAL), "already_exists"),
        (msgspec.structs.replace(PROMO, sender="+14155550198"), "sender_not_set_up"),
        (msgspec.structs.replace(PROMO, sender=FOREIGN.number), "sender_not_set_up"),
        (msgspec.structs.replace(PROMO, frequency="x" * 101), "invalid_program"),
        (msgspec.structs.replace(PROMO, terms_url="example.org/terms"), "invalid_program"),
        (msgspec.structs.replace(PROMO, privacy_url="https://[::1"), "invalid_program"),
    ],
)
def test_a_program_that_cannot_be_is_refused(program: Program, code: str) -> None:
    """Nor can what people consented to be turned into another seller's or another purpose."""
    assert refused(SaveProgram(program))[0] == code


def test_a_program_keeps_the_sender_that_people_were_told_of() -> None:
    """One without a sender may be given one of its brand; from then on it texts from that one."""
    world = World()
    bound = msgspec.structs.replace(PROMO, sender=LONG.number, terms_url="https://acme.example/t")
    assert world.store.run(SaveProgram(bound)) == bound
    assert world.store.run(SaveProgram(msgspec.structs.replace(bound, enabled=False)))
    for other in (None, SECOND.number):
        with pytest.raises(Rejected) as caught:
            world.store.run(SaveProgram(msgspec.structs.replace(bound, sender=other)))
        assert (caught.value.code, caught.value.status) == ("already_exists", 409)


def test_carriers_and_keys_are_kept_under_an_id() -> None:
    """New ones get an id, a key its time; known ones are replaced."""
    world = World()
    account = CarrierAccount("", "twilio", "AC1", "secret", "https://api.twilio.example")
    carrier = world.store.run(SaveCarrier(account))
    assert world.store.carriers == {carrier.id: carrier}
    world.store.run(SaveCarrier(msgspec.structs.replace(carrier, secret="new")))
    assert world.store.carriers[carrier.id].secret == "new"
    key = APIKey("", "till", "ck_1", "hash", (Scope.SEND,), minute(-9))
    made = world.store.run(SaveKey(key))
    assert (made.id[:4], made.created_at) == ("key_", START)
    used = msgspec.structs.replace(made, last_used_at=minute(1))
    assert world.store.run(SaveKey(used)) == used
    assert world.store.keys == {made.id: used}


def test_a_key_is_for_brands_that_there_are() -> None:
    """The audit names them; one that is not set up is refused."""
    world = World()
    key = APIKey("", "till", "ck_1", "hash", (Scope.SEND,), START, brands=("acme",))
    assert world.store.run(SaveKey(key)).brands == ("acme",)
    assert told(world) == ["API key till added: ck_1…, may send, for acme alone"]
    unknown = msgspec.structs.replace(key, brands=("acme", "nobody"))
    assert refused(SaveKey(unknown)) == ("unknown_brand", 404)


def test_a_key_is_revoked_once() -> None:
    """The first time stays."""
    key = APIKey("key_1", "till", "ck_1", "hash", (Scope.SEND,), START)
    gone = revoked(key, minute(1))
    assert gone.revoked_at == minute(1)
    assert revoked(gone, minute(2)) == gone


def told(world: World) -> list[str]:
    """List what the audit says of settings, oldest first."""
    entries = [e for e in world.store.entries if e.kind is EntryKind.SETTING_CHANGED]
    assert {entry.recipient for entry in entries} <= {NOBODY}
    return [entry.text or "" for entry in entries]


def test_changed_settings_are_told_with_before_and_after() -> None:
    """What changed, from what to what, and by whom; what stayed is not told."""
    world = World()
    by = Actor(ActorKind.KEY, "key_1")
    made = world.store.run(SaveBrand(Brand("", "Newco"), by))
    changed = Brand(made.id, "Newer", contact="help@newer.example")
    world.store.run(SaveBrand(changed, by))
    world.store.run(SaveBrand(changed, by))
    off = msgspec.structs.replace(LONG, enabled=False, replies=Replies(help="h" * 250))
    world.store.run(SaveSender(off, by))
    world.store.run(SaveProgram(msgspec.structs.replace(PROMO, name="Bargains"), by))
    assert told(world) == [
        "brand Newco added: name Newco",
        "brand Newer changed: name Newco → Newer; contact help@newer.example",
        f"sender {LONG.number} changed: enabled yes → no; replies.help {'h' * 200}…",
        "program Bargains changed: name Deals → Bargains",
    ]
    assert {entry.actor for entry in world.store.entries} == {by}


def test_what_the_command_line_sets_is_told_as_the_systems() -> None:
    """Without a name of who did it, the program did."""
    world = World()
    world.store.run(SaveProgram(Program("mine", "acme", Purpose.MARKETING, "Mine")))
    assert told(world) == [
        "program Mine added: brand acme; purpose marketing; name Mine; recurring yes; enabled yes",
    ]
    assert world.store.entries[0].actor == Actor(ActorKind.SYSTEM)


def test_secrets_of_carriers_are_never_told() -> None:
    """That a secret was set, changed or removed is told; which one it is, nowhere."""
    world = World()
    account = CarrierAccount("car_1", "twilio", "AC1", "s3cret", "https://x.example", "SK", "k3y")
    world.store.run(SaveCarrier(account))
    other = CarrierAccount("car_1", "twilio", "AC1", "n3w", "https://x.example")
    world.store.run(SaveCarrier(other, known=account))
    world.store.run(SaveCarrier(other, known=other))
    assert told(world) == [
        (
            "carrier account car_1 added: kind twilio; account AC1; secret set; "
            "base_url https://x.example; key_id SK; key_secret set"
        ),
        "carrier account car_1 changed: secret changed; key_id SK → none; key_secret removed",
    ]


def test_keys_are_told_when_made_and_revoked_not_when_used() -> None:
    """By the beginning of the secret, which people know them by."""
    world = World()
    scopes = (Scope.SEND, Scope.CHECK)
    key = world.store.run(SaveKey(APIKey("", "till", "csk_1", "hash", scopes, START)))
    world.store.run(SaveKey(msgspec.structs.replace(key, last_used_at=minute(1))))
    world.store.run(SaveKey(revoked(key, minute(2))))
    assert told(world) == [
        "API key till added: csk_1…, may send, check",
        "API key till revoked: csk_1…",
    ]
