"""What a text may be for where it does not say, and how far an opt-out reaches, by setting."""

from pathlib import Path

import pytest
from api_world import LONG_CODE, PERSON, TOLL_FREE, build_world

from consentry.domain.policy import Policy, RevocationReach

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("reach", "left"),
    [
        (RevocationReach.SENDER, {"here": "opted_out", "there": None, "news": None}),
        (RevocationReach.BRAND, {"here": "opted_out", "there": None, "news": "no_consent"}),
        (RevocationReach.ALL, {"here": "opted_out", "there": "opted_out", "news": "opted_out"}),
    ],
)
async def test_an_opt_out_reaches_as_far_as_the_setting_says(
    tmp_path: Path, reach: RevocationReach, left: dict[str, str | None]
) -> None:
    """This sender alone; the brand's programs too; or every consent there is."""
    world = await build_world(tmp_path, policy=Policy(revocation_reach=reach))
    await world.text("Hello")
    for program in ("prg_news", f"conversation:{TOLL_FREE}"):
        told = {
            "recipient": PERSON,
            "program": program,
            "action": "grant",
            "reason": "texted",
            "evidence": {"medium": "text", "verbatim": "JOIN"},
        }
        assert (await world.call("POST", "/v1/consents", told)).json["state"] == "active"
    world.clock.advance(1)
    await world.text("STOP")

    async def reason(sender: str, **more: str) -> object:
        asked = {"sender": sender, "recipient": PERSON, **more}
        return (await world.call("POST", "/v1/check", asked)).json["reason"]

    found = {
        "here": await reason(LONG_CODE, purpose="conversational"),
        "there": await reason(TOLL_FREE, purpose="conversational"),
        "news": await reason(TOLL_FREE, purpose="informational"),
    }
    assert found == left
    await world.store.close()


@pytest.mark.parametrize("hours", [1, 24])
async def test_the_window_of_a_conversation_is_a_setting(tmp_path: Path, hours: int) -> None:
    """Within it a text without a purpose is an answer; behind it the purpose must be named."""
    world = await build_world(tmp_path, policy=Policy(conversation_window_hours=hours))
    await world.text("Hello")
    asked: dict[str, object] = {"sender": LONG_CODE, "recipient": PERSON}
    world.clock.advance(hours * 3600)
    inside = (await world.call("POST", "/v1/check", asked)).json
    assert (inside["decision"], inside["reason"]) == ("allow", None)
    world.clock.advance(1)
    assert (await world.call("POST", "/v1/check", asked)).json["reason"] == "no_consent"
    named = {**asked, "purpose": "conversational"}
    assert (await world.call("POST", "/v1/check", named)).json["decision"] == "allow"
    await world.store.close()
