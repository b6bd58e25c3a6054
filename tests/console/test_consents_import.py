"""A list of people to ask: looked at first, then asked, each row told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lists_world import ADMIN, ANN, BOB, COMPLIANCE, OTHER_ONLY, World, open_world

from consentry.actions.administer import SaveProgram
from consentry.actions.import_opt_outs import hash_list
from consentry.domain.directory import Program, Purpose
from consentry.domain.entries import EntryKind
from consentry.domain.standing import ConsentState

pytestmark = pytest.mark.integration

NEWS = Program("news-1", "acme", Purpose.INFORMATIONAL, "Order news")
LIST = f"number,note\n{ANN},Form 1\n{BOB},Form 2\n{ANN},\nnobody,\n"
FORM = {"text": LIST, "source": "Forms of the fair", "program": NEWS.id, "call": ""}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A console whose company has an informational program."""
    async with open_world(tmp_path) as opened:
        await opened.store.submit(SaveProgram(NEWS))
        yield opened


async def asked(world: World, number: str) -> bool:
    """Tell whether a number is waited for."""
    consent = (await world.store.read_standing(number)).consent(NEWS.id)
    return consent is not None and consent.state is ConsentState.PENDING


async def test_a_list_is_looked_at_and_then_asked(world: World) -> None:
    """The look writes nothing; Bob withdrew; the audit tells of the import."""
    await world.text("STOP", BOB)
    looked = await world.post("/console/consents/import/check", COMPLIANCE, **FORM)
    assert "Ask 1 person" in looked.text
    assert "Will be asked" in looked.text
    assert "Withdrew, so not asked" in looked.text
    assert "Same as line 2" in looked.text
    assert not await asked(world, ANN)
    form = {**FORM, "digest": hash_list(LIST)}
    done = await world.post("/console/consents/import", COMPLIANCE, **form)
    assert "1 person is asked" in done.text
    assert await asked(world, ANN)
    assert not await asked(world, BOB)
    newest = (await world.audit())[0]
    assert newest.kind is EntryKind.IMPORTED
    again = await world.post("/console/consents/import/check", COMPLIANCE, **FORM)
    assert "There is nobody to ask" in again.text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"text": ""}, "Paste the list"),
        ({"source": ""}, "Say where the list comes from"),
        ({"program": "gone"}, "Choose what to ask for"),
        ({"program": "promo"}, "call_to_action"),
        ({"call": "gone"}, "no call to action"),
        ({"digest": "another"}, "another list"),
    ],
)
async def test_a_form_that_does_not_fit(world: World, changes: dict[str, str], says: str) -> None:
    """What is wrong is told, and nobody is asked."""
    form = {**FORM, "digest": hash_list(LIST), **changes}
    if changes == {"text": ""}:
        form["digest"] = hash_list("")
    answer = await world.post("/console/consents/import", ADMIN, **form)
    assert answer.status_code == 422
    assert says in answer.text
    assert not await asked(world, ANN)


async def test_a_brand_s_program_is_only_for_who_sees_the_brand(world: World) -> None:
    """Neither offered nor taken."""
    page = await world.get("/console/consents/import", ADMIN)
    assert "Order news (informational)" in page.text
    answer = await world.post("/console/consents/import/check", OTHER_ONLY, **FORM)
    assert answer.status_code in (403, 422)
