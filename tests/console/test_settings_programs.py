"""Settings, programs and rules: what people consent to, and by which policy it is decided."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from settings_world import ACME_ADMIN, AGENT, COMPLIANCE, SECOND_ADMIN, TOLL_FREE, World, open_world

from consentry.console.settings.rules import LEVELS, STATES, describe_policy
from consentry.domain.directory import Program, Purpose
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.standing import ConsentLevel, ConsentState

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with one marketing program."""
    async with open_world(tmp_path) as made:
        yield made


async def names(world: World) -> set[str]:
    return {
        program.name for program in (await world.console.store.read_directory()).programs.values()
    }


async def test_a_program_is_added_and_renamed(world: World) -> None:
    """Brand and purpose are chosen once; the name may change; both are told."""
    desk = await world.desk()
    sent = await desk.change(
        "/new-program", brand="acme", purpose="informational", name="Order updates"
    )
    assert "Saved. Program Order updates added" in (await desk.follow(sent)).text
    after = await desk.follow(await desk.change("/programs/promo", name="Offers"))
    assert "Saved. Program Offers changed: name Deals → Offers" in after.text
    promo = (await world.console.store.read_directory()).programs["promo"]
    assert promo == Program("promo", "acme", Purpose.MARKETING, "Offers")


async def test_what_people_are_told_of_a_program_is_set(world: World) -> None:
    """How often, about what, from which number, where the terms are; a number once set stays."""
    desk = await world.desk()
    told = {
        "description": "What is cheaper",
        "frequency": "up to 4 msgs/month",
        "terms_url": "https://acme.example/terms",
        "recurring": "no",
    }
    await desk.change("/programs/promo", **told, sender=TOLL_FREE.number)
    promo = (await world.console.store.read_directory()).programs["promo"]
    assert msgspec.structs.asdict(promo).items() >= {**told, "recurring": False}.items()
    assert promo.sender == TOLL_FREE.number
    assert "sender" not in (await desk.open("/programs/promo")).forms[0]
    wrong = await desk.change("/programs/promo", terms_url="acme.example", frequency="x" * 101)
    assert (wrong.status, wrong.invalid) == (422, {"terms_url", "frequency"})


async def test_a_number_of_another_brand_is_refused_for_a_program(world: World) -> None:
    """It is told at its field."""
    shown = await (await world.desk()).change("/programs/promo", sender="+14155550155")
    assert (shown.status, shown.invalid) == (422, {"sender"})


async def test_a_program_is_switched_off_and_on(world: World) -> None:
    """The list shows which is off; the audit has who did it."""
    desk = await world.desk()
    for to, enabled in (("off", False), ("on", True)):
        form = await desk.open("/programs/promo")
        sent = await desk.send(form, "/programs/promo/switch", {"to": to})
        assert "Saved. Program Deals changed: enabled" in (await desk.follow(sent)).text
        promo = (await world.console.store.read_directory()).programs["promo"]
        assert promo.enabled is enabled
    assert (await desk.send(form, "/programs/none/switch", {"to": "on"})).status == 404


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"brand": "", "purpose": "", "name": ""}, {"brand", "purpose", "name"}),
        ({"brand": "acme", "purpose": "conversational", "name": "Chat"}, {"purpose"}),
        ({"brand": "acme", "purpose": "marketing", "name": "x" * 201}, {"name"}),
    ],
)
async def test_wrong_input_loses_nothing(
    world: World, form: dict[str, str], wrong: set[str]
) -> None:
    """What is wrong is told at its field; what was typed stays."""
    shown = await (await world.desk()).change("/new-program", **form)
    assert (shown.status, shown.invalid) == (422, wrong)
    assert shown.value("name") == form["name"]
    assert await names(world) == {"Deals"}


async def test_a_stale_rename_is_told(world: World) -> None:
    """Another admin's name stands until it was seen."""
    first, second = await world.desk(), await world.desk(SECOND_ADMIN)
    mine = await first.open("/programs/promo")
    await second.change("/programs/promo", name="Theirs")
    assert "Stored now: Theirs" in (await first.send(mine, "/programs/promo", {"name": "X"})).text
    assert await names(world) == {"Theirs"}


async def test_who_may_look_and_who_may_change(world: World) -> None:
    """Compliance looks, an agent does not, and a brand's admin sees that brand's programs."""
    admin = await world.desk()
    await admin.change("/new-program", brand="other", purpose="marketing", name="Foreign")
    form = await admin.open("/programs/promo")
    looked = await (await world.desk(COMPLIANCE)).open("/programs/promo")
    assert looked.disabled == set(looked.disabled) | {"name", "frequency", "sender", "recurring"}
    assert "Switch off" not in looked.text
    for email in (COMPLIANCE, AGENT):
        desk = await world.desk(email)
        assert (await desk.send(form, "/programs/promo", {"name": "Mine"})).status == 403
    held = await world.desk(ACME_ADMIN)
    assert "Foreign" not in (await held.open("/programs")).text
    programs = (await world.console.store.read_directory()).programs.values()
    foreign = next(program.id for program in programs if program.name == "Foreign")
    assert (await held.open(f"/programs/{foreign}")).status == 404
    assert (await held.send(form, f"/programs/{foreign}", {"name": "Mine"})).status == 404
    sneaked = await held.change("/new-program", brand="other", purpose="marketing", name="N")
    assert sneaked.invalid == {"brand"}


async def test_the_rules_say_what_is_in_force_and_what_sets_it(world: World) -> None:
    """Each part of the policy with its value and its setting; every level and state is told."""
    text = (await (await world.desk(COMPLIANCE)).open("/rules")).text
    policy = world.console.services.policy
    for line in describe_policy(policy):
        assert line.words in text
        assert line.value in text
    for said in (
        policy.version,
        "CONSENTRY_REVOCATION_REACH",
        "CONSENTRY_CONVERSATION_WINDOW_HOURS",
    ):
        assert said in text
    assert "5 minutes" in text
    assert set(LEVELS) == set(ConsentLevel)
    assert set(STATES) == set(ConsentState)


@pytest.mark.parametrize("reach", RevocationReach)
def test_each_reach_is_told_in_words(reach: RevocationReach) -> None:
    """Whatever was chosen has a sentence, and an hour is one hour."""
    lines = describe_policy(Policy(revocation_reach=reach, conversation_window_hours=1))
    assert lines[0].value == reach.value.capitalize()
    assert lines[1].value == "1 hour"
