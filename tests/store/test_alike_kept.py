"""Entries that are one but for a few words: in the database as if each had come by itself."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from store_world import ANN, BOB, START, Act, Database, ask, submit_together, tagged, write

from consentry.actions.import_rows import BeginImport, ImportSlice
from consentry.actions.import_words import make_ready
from consentry.actions.keep_webhooks import SaveWebhook
from consentry.domain.alike import Alike
from consentry.domain.directory import Brand, Program, Purpose
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.imports import ImportAim, ImportKind
from consentry.domain.listed_numbers import ListedNumber
from consentry.domain.webhooks import Webhook
from consentry.ports import (
    Change,
    Facts,
    Needs,
    NoticeFilter,
    OptOutFilter,
    Page,
    Store,
    TextSealed,
    spell_out,
)
from consentry.store.sealing import KEY_BYTES, TextKey, use_text_keys

pytestmark = pytest.mark.integration

BY = Actor(ActorKind.AGENT, "agt_1")
OPT_OUTS = ImportAim(ImportKind.OPT_OUTS, 'é "list"', "ab" * 32, "agt_1", brand="acme")
NEWS = ImportAim(ImportKind.CONSENTS, "Forms", "ab" * 32, "agt_1", program="news")
NUMBERS = [f"+1415555{n:04}" for n in range(150)]
ROWS = [
    ListedNumber(line, number, "%s" if line % 3 else "", "2026-11-0\\", START - timedelta(line))
    for line, number in enumerate(NUMBERS, start=2)
]
ROWS[0] = ListedNumber(50, NUMBERS[0])
ROWS[130] = ListedNumber(51, NUMBERS[130])
MARKED = ListedNumber(52, "+14155559999", 'a "sealed:', "sealed:abcdef01:AAAA", START)


def spelled(command: ImportSlice) -> Act[object]:
    """Make a command of an import write each of its entries by itself."""

    def decide(facts: Facts) -> tuple[object, Change]:
        outcome, change = command.decide(facts)
        assert change.alike
        return outcome, spell_out(change)

    return Act(decide, command.needs())


async def set_up(store: Store) -> list[ImportSlice]:
    """Make a brand and a program, and begin imports of opt-outs and of consents."""
    records = (Brand("acme", "Acme"), Program("news", "acme", Purpose.INFORMATIONAL, "News"))
    await store.submit(write(Change(records=records)))
    await store.submit(BeginImport("imp_1", "key", OPT_OUTS, BY))
    await store.submit(BeginImport("imp_2", "other", NEWS, BY))
    return [
        ImportSlice("imp_1", 0, 0, make_ready(ROWS[:120]), OPT_OUTS),
        ImportSlice("imp_2", 0, 0, make_ready(ROWS[120:]), NEWS),
        ImportSlice("imp_2", 30, 0, make_ready([MARKED]), NEWS),
    ]


async def read_all(store: Store) -> list[object]:
    """Read all that is kept of everybody, in every way in which it is looked up."""
    listed = await store.read_opt_outs(OptOutFilter(), Page(limit=200))
    return [
        await store.read_entries_after(None, 1000),
        [
            await store.read_entry_values(number, Page())
            for number in (*NUMBERS[::13], MARKED.recipient)
        ],
        await store.read_standings(NUMBERS),
        listed,
        await store.read_tallies(START.date(), START.date() + timedelta(days=2)),
        await store.read_import_parts("imp_1", 0),
        await store.read_imports(Page()),
        await store.read_audit(Page()),
        await store.count_notices(),
        await store.list_notices(NoticeFilter(given_up=False), Page(limit=200)),
    ]


@pytest.mark.parametrize("is_told", [False, True])
async def test_what_is_alike_is_kept_as_if_each_had_been_spelled_out(
    make_database: Callable[[], Database], is_told: bool
) -> None:
    """Byte for byte, in lists and counts as well, and where a program is told of each."""
    kept = []
    for form in (spelled, lambda command: command):
        store = make_database().open()
        commands = await set_up(store)
        if is_told:
            hook = Webhook("", "https://shop.example/events", START, START)
            await store.submit(SaveWebhook(hook, randomness=bytes(32)))
        for command in commands:
            await store.submit(form(command))
        kept.append(await read_all(store))
        await store.close()
    assert kept[0] == kept[1]


async def test_texts_of_what_is_alike_are_sealed(database: Database) -> None:
    """As all others are; who opens them reads what was written."""
    use_text_keys((TextKey(b"k" * KEY_BYTES),))
    try:
        store = database.open()
        command, *_ = await set_up(store)
        await store.submit(command)
        (entry,) = await store.read_entries(NUMBERS[1], Page())
        assert entry.evidence is not None
        assert entry.evidence.note == (
            f'é "list", row 3, SHA-256 {"ab" * 32}; claimed date 2026-11-0\\; brought in by agt_1'
        )
        use_text_keys(())
        with pytest.raises(TextSealed):
            await store.read_entries(NUMBERS[1], Page())
        await store.close()
    finally:
        use_text_keys(())


async def test_who_comes_next_in_a_batch_sees_what_is_alike(store: Store) -> None:
    """The standing behind it, and entries in the order in which they were decided."""
    command, *_ = await set_up(store)
    who = NUMBERS[3]
    look = ask(lambda facts: facts.standing(who), Needs(recipients=(who,)))
    first, second = tagged(90_001, who), tagged(90_002, BOB)
    _, seen, *_ = await submit_together(
        store,
        command,  # type: ignore[arg-type]
        look,  # type: ignore[arg-type]
        write(Change(entries=(first, second))),  # type: ignore[arg-type]
    )
    standing = await store.read_standing(who)
    assert standing == msgspec.structs.replace(seen, sms_tag=True)  # type: ignore[type-var]
    newest, *_ = await store.read_entries(who, Page())
    assert newest.id == first.id
    assert (await store.read_standing(BOB)).sms_tag
    assert len(await store.read_entries_after(None, 1000)) == 122


@pytest.mark.parametrize("known", [True, False])
async def test_nothing_is_alike_about_somebody_known_or_twice(store: Store, known: bool) -> None:
    """A command that takes them for strangers fails, and changes nothing."""
    if known:
        await store.submit(write(Change(entries=(tagged(1, ANN),))))
    before = await store.read_entries_after(None, 10)
    exemplar = tagged(2, "+1", message="~id~")
    words = (("ent_3", ANN),) if known else (("ent_3", ANN), ("ent_4", ANN))
    alike = Alike(exemplar, ("~id~", "+1"), words, (0,) * len(words))
    command = Act(lambda _: (None, Change(alike=(alike,))), Needs(recipients=(ANN,)))
    with pytest.raises(ValueError, match="somebody known"):
        await store.submit(command)
    assert await store.read_entries_after(None, 10) == before
