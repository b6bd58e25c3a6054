"""Somebody is erased, and told what is held of them, by programs."""

import pytest
from api_world import LONG_CODE, PERSON, World

from consentry.domain.entries import EntryKind
from consentry.domain.reasons import OPTED_OUT_SENTENCE
from consentry.ports import Page

pytestmark = pytest.mark.integration

PATH = f"/v1/recipients/{PERSON}"
WHY = "reason=asked%20by%20mail"


async def test_somebody_is_erased_and_refused_as_before(world: World) -> None:
    """A dry run counts, the erasure tells the same and its entry; the gate says the same no."""
    await world.text("Hello")
    await world.text("STOP")
    question = {"sender": LONG_CODE, "recipient": PERSON, "purpose": "conversational"}
    before = (await world.call("POST", "/v1/check", question)).json
    would = await world.call("DELETE", f"{PATH}?{WHY}&dry_run=true")
    assert (would.status, would.json["entry"], would.json["kept"]) == (200, None, True)
    done = await world.call("DELETE", f"{PATH}?{WHY}")
    assert done.status == 200
    assert done.json == {**would.json, "entry": done.json["entry"]}
    assert (await world.call("GET", f"{PATH}/entries")).json["items"] == []
    after = (await world.call("POST", "/v1/check", question)).json
    assert (after["reason"], after["detail"]) == (before["reason"], before["detail"])
    assert after["detail"] == OPTED_OUT_SENTENCE
    shown = (await world.call("GET", PATH)).json
    assert (shown["sms_preference"], shown["customers"]) == ("forbidden", [])
    again = await world.call("DELETE", f"{PATH}?{WHY}")
    assert (again.json["entries"], again.json["entry"], again.json["kept"]) == (0, None, True)


async def test_an_erasure_needs_a_reason_and_an_admin(world: World) -> None:
    """Without a reason, with the number in it, or with another key nothing is destroyed."""
    await world.text("Hello")
    assert (await world.call("DELETE", PATH)).json["code"] == "invalid_parameter"
    named = await world.call("DELETE", f"{PATH}?reason=for%20{PERSON.removeprefix('+')}")
    assert (named.status, named.json["code"]) == (422, "reason_names_number")
    other = await world.call("DELETE", f"{PATH}?{WHY}", key="customers")
    assert (other.status, other.json["code"]) == (403, "scope_missing")
    assert (await world.call("GET", f"{PATH}/entries")).json["items"]


async def test_all_that_is_held_of_a_customer_is_given(world: World) -> None:
    """The profile and all rows of its numbers; the audit names who took it."""
    await world.text("Hello")
    [customer] = (await world.call("GET", "/v1/customers")).json["items"]
    path = f"/v1/customers/{customer['id']}/export"
    held = (await world.call("GET", path)).json
    [number] = held["numbers"]
    assert number["number"] == PERSON
    assert "Hello" in {text["body"] for text in number["rows"]["messages"]}
    [told] = await world.store.read_audit(Page(), kinds=(EntryKind.EXPORTED,))
    assert (told.text or "").startswith(f"everything held of a customer ({customer['id']})")
    assert (await world.call("GET", path, key="customers")).status == 403
    assert (await world.call("GET", "/v1/customers/cus_none/export")).status == 404
