"""Profiles: none of what is done to them touches consent, which belongs to the number."""

import re

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import LONG, OTHER_PERSON, PERSON
from consentry.actions.keep_customers import (
    ChangeCustomer,
    CreateCustomer,
    DeleteCustomer,
    MergeCustomers,
    RemovePhone,
    SavePhone,
    one_primary,
)
from consentry.domain.customers import Customer, CustomerPhone, PhoneType
from consentry.domain.entries import NOBODY, Entry, EntryKind
from consentry.domain.standing import SMSPreference
from consentry.ports import Rejected

pytestmark = pytest.mark.unit

THIRD_PERSON = "+14155550144"


def phone(number: str = PERSON, *, primary: bool = False) -> CustomerPhone:
    """A mobile phone."""
    return CustomerPhone(number, number, "US", primary=primary)


def create(world: World, name: str = "Ada", *phones: CustomerPhone) -> Customer:
    """Make a profile."""
    return world.store.run(CreateCustomer(name, phones=phones))


def consent_of(world: World) -> list[Entry]:
    """List the ledger without what was done to profiles."""
    return [one for one in world.store.entries if one.kind is not EntryKind.CUSTOMER_CHANGED]


def told(world: World, number: str = PERSON) -> list[str]:
    """Read what the history of a number tells of its profile, oldest first."""
    entries = world.store.entries_of(number)
    return [entry.text or "" for entry in entries if entry.kind is EntryKind.CUSTOMER_CHANGED]


def test_at_most_one_phone_is_main() -> None:
    """The last one marked is Main, no number is there twice, and none need be Main."""
    first, second = phone(primary=True), phone(OTHER_PERSON, primary=True)
    assert [p.primary for p in one_primary((first, second))] == [False, True]
    assert one_primary((phone(), phone(primary=True))) == (phone(primary=True),)
    assert one_primary((phone(), phone(OTHER_PERSON))) == (phone(), phone(OTHER_PERSON))
    assert one_primary(()) == ()


def test_a_profile_is_made_and_changed() -> None:
    """Fields that are not named stay as they are."""
    world = World()
    made = world.store.run(CreateCustomer("Ada", ("ada@x.example",), (phone(),), "VIP"))
    assert world.store.customers[made.id] == made
    world.clock.advance(minutes=1)
    same = world.store.run(ChangeCustomer(made.id))
    assert (same.name, same.emails, same.phones, same.note) == (
        made.name,
        made.emails,
        made.phones,
        made.note,
    )
    assert same.updated_at == same.created_at
    changed = world.store.run(ChangeCustomer(made.id, "Eve", (), (phone(OTHER_PERSON),), ""))
    assert (changed.name, changed.emails, changed.note) == ("Eve", (), "")
    assert changed.phones == (phone(OTHER_PERSON),)


def test_one_phone_is_changed_without_the_whole_list() -> None:
    """Found by its number, or added; a new Main takes the mark from the old one."""
    world = World()
    made = create(world, "Ada", phone(primary=True))
    added = world.store.run(SavePhone(made.id, phone(OTHER_PERSON, primary=True)))
    assert [(p.normalized, p.primary) for p in added.phones] == [
        (PERSON, False),
        (OTHER_PERSON, True),
    ]
    office = CustomerPhone(PERSON, PERSON, "US", type=PhoneType.OFFICE)
    changed = world.store.run(SavePhone(made.id, office))
    assert [p.type for p in changed.phones] == [PhoneType.OFFICE, PhoneType.MOBILE]
    assert [p.primary for p in changed.phones] == [False, True]
    removed = world.store.run(RemovePhone(made.id, PERSON))
    assert removed.phones == (phone(OTHER_PERSON, primary=True),)
    with pytest.raises(Rejected, match="has no phone") as rejected:
        world.store.run(RemovePhone(made.id, PERSON))
    assert rejected.value.status == 404


def test_deleting_a_profile_leaves_the_opt_out() -> None:
    """The block belongs to the number: nobody can text it, and a new profile shows it red."""
    world = World()
    world.receive("Hello")
    world.receive("STOP")
    before, entries = world.standing(), consent_of(world)
    (customer,) = world.store.customers.values()
    world.store.run(DeleteCustomer(customer.id))
    assert world.store.customers == {}
    create(world, "Ada again", phone())
    assert (world.standing(), consent_of(world)) == (before, entries)
    assert world.standing().sms_preference is SMSPreference.FORBIDDEN
    assert world.send().message is None


def test_changing_the_number_leaves_the_opt_out_with_the_old_one() -> None:
    """A new number starts clean, the old one stays out."""
    world = World()
    world.receive("STOP")
    (customer,) = world.store.customers.values()
    world.store.run(ChangeCustomer(customer.id, phones=(phone(OTHER_PERSON),)))
    assert world.standing(OTHER_PERSON).sms_preference is SMSPreference.OFF
    assert world.standing(PERSON).sms_preference is SMSPreference.FORBIDDEN


def test_merging_keeps_phones_emails_notes_and_one_main() -> None:
    """The other's name stays; what was merged points to where it went."""
    world = World()
    kept = world.store.run(
        CreateCustomer("Ada", ("ada@x.example",), (phone(primary=True),), "first")
    )
    gone = world.store.run(
        CreateCustomer(
            "A. Lovelace",
            ("ada@x.example", "al@x.example"),
            (phone(), phone(OTHER_PERSON, primary=True)),
            "second",
        )
    )
    merged = world.store.run(MergeCustomers(kept.id, gone.id))
    assert (merged.name, merged.note) == ("Ada", "first\nsecond")
    assert merged.emails == ("ada@x.example", "al@x.example")
    assert [(p.normalized, p.primary) for p in merged.phones] == [
        (PERSON, True),
        (OTHER_PERSON, False),
    ]
    pointer = world.store.customers[gone.id]
    assert (pointer.phones, pointer.emails, pointer.merged_into) == ((), (), kept.id)
    for command in (ChangeCustomer(gone.id), DeleteCustomer(gone.id)):
        with pytest.raises(Rejected, match=f"merged into {kept.id}") as rejected:
            world.store.run(command)
        assert (rejected.value.code, rejected.value.status) == ("merged", 409)


def test_merging_into_a_nameless_profile_takes_the_name_and_the_main() -> None:
    """A profile that a first text made gets what the other knows."""
    world = World()
    world.receive("Hello")
    (nameless,) = world.store.customers.values()
    bare = world.store.run(ChangeCustomer(nameless.id, phones=()))
    named = create(world, "Ada", phone(OTHER_PERSON, primary=True))
    merged = world.store.run(MergeCustomers(bare.id, named.id))
    assert (merged.name, merged.phones) == ("Ada", (phone(OTHER_PERSON, primary=True),))


def test_merging_touches_no_consent() -> None:
    """Blocks, consents and the ledger are as before."""
    world = World()
    world.receive("STOP")
    world.receive("Hello", recipient=OTHER_PERSON)
    before = dict(world.store.standings), consent_of(world)
    first, second = world.store.customers
    world.store.run(MergeCustomers(first, second))
    assert (world.store.standings, consent_of(world)) == before
    assert world.standing(PERSON).block(LONG.number, world.standing(PERSON).blocks[0].layer)


def test_what_is_not_there_cannot_be_changed() -> None:
    """Unknown profiles and a merge with itself are told so."""
    world = World()
    made = create(world)
    with pytest.raises(Rejected, match="with itself") as rejected:
        world.store.run(MergeCustomers(made.id, made.id))
    assert rejected.value.status == 422
    with pytest.raises(Rejected, match="no customer 'cus_none'") as rejected:
        world.store.run(ChangeCustomer("cus_none"))
    assert (rejected.value.code, rejected.value.status) == ("not_found", 404)


def test_every_change_is_told_in_the_history_of_each_phone() -> None:
    """Who did what, in words; a phone that leaves hears of it too, and notes are not repeated."""
    world = World()
    made = world.store.run(CreateCustomer("", phones=(phone(),), by=AGENT))
    office = CustomerPhone(PERSON, PERSON, "US", "12", PhoneType.OFFICE, primary=True)
    world.store.run(ChangeCustomer(made.id, "Ada", ("ada@x.example",), note="VIP", by=AGENT))
    world.store.run(SavePhone(made.id, office, AGENT))
    world.store.run(SavePhone(made.id, phone(OTHER_PERSON), AGENT))
    world.store.run(RemovePhone(made.id, PERSON, AGENT))
    assert told(world) == [
        f"Customer {made.id}: profile made",
        "Ada: name changed from “” to “Ada”; email ada@x.example added; note changed",
        (
            f"Ada: phone {PERSON} changed from Mobile to Office; phone {PERSON} made Main; "
            f"phone {PERSON} has extension 12 now"
        ),
        f"Ada: phone {OTHER_PERSON} added as Mobile",
        f"Ada: phone {PERSON} removed",
    ]
    assert told(world, OTHER_PERSON) == told(world)[3:]
    world.store.run(ChangeCustomer(made.id, emails=(), note="", by=AGENT))
    world.store.run(DeleteCustomer(made.id, AGENT))
    assert told(world, OTHER_PERSON)[2:] == [
        "Ada: email ada@x.example removed; note removed",
        "Ada: profile deleted",
    ]
    assert {entry.actor for entry in world.store.entries} == {AGENT}


def test_a_change_that_changes_nothing_is_not_told() -> None:
    """Only what is different is written; a number written in another way is different."""
    world = World()
    made = create(world, "Ada", CustomerPhone(PERSON, PERSON, "US", "12"))
    assert world.store.run(ChangeCustomer(made.id, "Ada")) == made
    assert len(told(world)) == 1
    written = CustomerPhone("415 555 0142", PERSON, "US")
    world.store.run(SavePhone(made.id, msgspec.structs.replace(written, extension="12")))
    world.store.run(SavePhone(made.id, written))
    assert told(world)[1:] == [
        "Ada: written in another way",
        f"Ada: phone {PERSON} has no extension now",
    ]


def test_what_is_done_to_a_profile_without_phones_is_told_under_nobody() -> None:
    """The audit has it all the same."""
    world = World()
    create(world, "Ada")
    assert told(world, NOBODY) == ["Ada: profile made"]


def test_a_merge_is_told_to_the_phones_of_both() -> None:
    """So that the history of either says where its profile went."""
    world = World()
    kept = create(world, "Ada", phone())
    gone = create(world, "Eve", phone(OTHER_PERSON))
    world.store.run(MergeCustomers(kept.id, gone.id, AGENT))
    assert told(world)[1:] == told(world, OTHER_PERSON)[1:] == ["Ada: merged with Eve"]


def test_a_number_is_put_in_the_place_of_another() -> None:
    """The new one takes its place in the list; both histories tell of it."""
    world = World()
    made = create(world, "Ada", phone(primary=True), phone(THIRD_PERSON))
    new = phone(OTHER_PERSON, primary=True)
    changed = world.store.run(SavePhone(made.id, new, AGENT, PERSON))
    assert changed.phones == (new, phone(THIRD_PERSON))
    assert world.store.run(SavePhone(made.id, new, AGENT, OTHER_PERSON)) == changed
    assert told(world)[1:] == [
        (
            f"Ada: phone {OTHER_PERSON} added as Mobile; phone {OTHER_PERSON} made Main; "
            f"phone {PERSON} removed"
        )
    ]
    with pytest.raises(Rejected, match=f"has no phone {re.escape(PERSON)}") as rejected:
        world.store.run(SavePhone(made.id, new, AGENT, PERSON))
    assert rejected.value.status == 404
    with pytest.raises(Rejected, match="on this profile already") as rejected:
        world.store.run(SavePhone(made.id, phone(THIRD_PERSON), AGENT, OTHER_PERSON))
    assert rejected.value.code == "already_exists"
