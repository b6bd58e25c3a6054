"""Customers: profiles, their phones one by one, merging. Consent stays with the number."""

import pytest
from api_world import OTHER_PERSON, PERSON, World

from consentry.domain.reasons import OPTED_OUT_SENTENCE

pytestmark = pytest.mark.integration


async def make(world: World, name: str = "Ada", *numbers: str) -> dict[str, object]:
    phones = [{"original": number} for number in numbers]
    reply = await world.call("POST", "/v1/customers", {"name": name, "phones": phones})
    assert reply.status == 201
    return dict(reply.json)


async def test_a_profile_is_made_shown_changed_and_deleted(world: World) -> None:
    """A profile lives from POST to DELETE; its phones keep what was written and E.164."""
    asked = {
        "name": "Ada",
        "emails": ["ada@example.org"],
        "phones": [{"original": "(415) 555-0142 x7", "type": "office", "primary": True}],
        "note": "Prefers mornings",
    }
    made = await world.call("POST", "/v1/customers", asked, key="customers")
    assert made.status == 201
    assert made.json["phones"] == [
        {
            "original": "(415) 555-0142 x7",
            "normalized": PERSON,
            "region_code": "US",
            "extension": "7",
            "type": "office",
            "primary": True,
            "sms_preference": "off",
        }
    ]
    path = f"/v1/customers/{made.json['id']}"
    assert (await world.call("GET", path)).json == made.json
    changed = await world.call("PATCH", path, {"name": "Ada B.", "emails": []})
    assert (changed.json["name"], changed.json["emails"]) == ("Ada B.", [])
    assert changed.json["note"] == "Prefers mornings"
    assert (await world.call("DELETE", path)).status == 204
    for method in ("GET", "DELETE"):
        reply = await world.call(method, path)
        assert (reply.status, reply.json["code"]) == (404, "not_found")


async def test_what_was_read_can_be_sent_back(world: World) -> None:
    """The phones of an answer are a valid list of phones for a change."""
    made = await make(world, "Ada", PERSON)
    path = f"/v1/customers/{made['id']}"
    reply = await world.call("PATCH", path, {"phones": made["phones"]})
    assert reply.status == 200
    assert reply.json["phones"] == made["phones"]


async def test_customers_are_found_and_paged(world: World) -> None:
    """The list goes newest first, page by page, and finds part of a name or number."""
    made = [await make(world, f"Customer {n}", f"+1415555020{n}") for n in range(5)]
    first = (await world.call("GET", "/v1/customers?limit=3")).json
    rest = (await world.call("GET", f"/v1/customers?limit=3&cursor={first['next']}")).json
    assert rest["next"] is None
    assert [c["id"] for c in first["items"] + rest["items"]] == [c["id"] for c in made[::-1]]
    for search in ("customer 3", "5550203"):
        found = (await world.call("GET", f"/v1/customers?search={search.replace(' ', '+')}")).json
        assert [c["id"] for c in found["items"]] == [made[3]["id"]]


async def test_one_phone_changes_without_the_list(world: World) -> None:
    """A phone is added, changed and removed by its number; Main moves from one to the other."""
    made = await make(world, "Ada", PERSON)
    path = f"/v1/customers/{made['id']}/phones"
    added = await world.call(
        "POST", path, {"original": "415-555-0143", "type": "home", "primary": True}
    )
    assert added.status == 201
    assert [(p["normalized"], p["primary"]) for p in added.json["phones"]] == [
        (PERSON, False),
        (OTHER_PERSON, True),
    ]
    changed = await world.call("PATCH", f"{path}/{PERSON}", {"primary": True, "extension": "12"})
    assert [(p["primary"], p["extension"]) for p in changed.json["phones"]] == [
        (True, "12"),
        (False, None),
    ]
    cleared = await world.call("PATCH", f"{path}/{PERSON}", {"extension": None, "type": "other"})
    assert (cleared.json["phones"][0]["extension"], cleared.json["phones"][0]["type"]) == (
        None,
        "other",
    )
    assert (await world.call("DELETE", f"{path}/{OTHER_PERSON}")).status == 204
    left = await world.call("GET", f"/v1/customers/{made['id']}")
    assert [p["normalized"] for p in left.json["phones"]] == [PERSON]
    for method, body in (("PATCH", {"type": "home"}), ("DELETE", None)):
        reply = await world.call(method, f"{path}/{OTHER_PERSON}", body)
        assert (reply.status, reply.json["code"]) == (404, "not_found")


async def test_the_tag_of_one_phone(world: World) -> None:
    """`sms_preference` sets the tag; on a forbidden number it is refused in the exact words."""
    made = await make(world, "Ada", PERSON)
    path = f"/v1/customers/{made['id']}/phones/{PERSON}"
    reply = await world.call("PATCH", path, {"sms_preference": "on"})
    assert reply.json["phones"][0]["sms_preference"] == "on"
    entries = f"/v1/recipients/{PERSON}/entries"
    before = (await world.call("GET", entries)).json
    await world.call("PATCH", path, {"sms_preference": "on"})
    assert (await world.call("GET", entries)).json == before
    reply = await world.call("PATCH", path, {"sms_preference": "off"})
    assert reply.json["phones"][0]["sms_preference"] == "off"
    await world.text("STOP")
    reply = await world.call("PATCH", path, {"sms_preference": "on"})
    assert (reply.status, reply.json["code"]) == (403, "opted_out")
    assert reply.json["detail"] == OPTED_OUT_SENTENCE
    reply = await world.call("PATCH", path, {"sms_preference": "forbidden"})
    assert (reply.status, reply.json["code"]) == (422, "invalid_body")
    shown = await world.call("GET", f"/v1/customers/{made['id']}")
    assert shown.json["phones"][0]["sms_preference"] == "forbidden"


async def test_merging_shows_the_most_restrictive(world: World) -> None:
    """A merge keeps phones of both, each with its number's standing; the other points here."""
    kept = await make(world, "Ada", PERSON)
    gone = await make(world, "", PERSON, OTHER_PERSON)
    await world.text("STOP", recipient=OTHER_PERSON)
    path = f"/v1/customers/{kept['id']}"
    reply = await world.call("POST", f"{path}/merge", {"customer": gone["id"]})
    assert reply.status == 200
    assert reply.json["name"] == "Ada"
    assert [(p["normalized"], p["sms_preference"]) for p in reply.json["phones"]] == [
        (PERSON, "off"),
        (OTHER_PERSON, "forbidden"),
    ]
    other = f"/v1/customers/{gone['id']}"
    assert (await world.call("GET", other)).json["merged_into"] == kept["id"]
    reply = await world.call("PATCH", other, {"name": "x"})
    assert (reply.status, reply.json["code"]) == (409, "merged")
    assert kept["id"] in reply.json["detail"]
    reply = await world.call("POST", f"{path}/merge", {"customer": kept["id"]})
    assert (reply.status, reply.json["code"]) == (422, "same_customer")


async def test_deleting_a_profile_leaves_the_standing(world: World) -> None:
    """A deleted profile takes no opt-out with it."""
    made = await make(world, "Ada", PERSON)
    await world.text("STOP")
    await world.call("DELETE", f"/v1/customers/{made['id']}")
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json
    assert shown["customers"] == []
    assert shown["sms_preference"] == "forbidden"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"phones": [{"original": "nobody"}]}, 400, "invalid_number"),
        ({"phones": [{"original": PERSON, "type": "fax"}]}, 422, "invalid_body"),
        ({"phones": [{"original": PERSON, "extension": "x"}]}, 422, "invalid_body"),
        ({"phones": [{"original": PERSON}] * 51}, 422, "invalid_body"),
        ({"name": "x" * 201}, 422, "invalid_body"),
        ({"name": 1}, 422, "invalid_body"),
        ({"merged_into": "cus_x"}, 422, "invalid_body"),
    ],
)
async def test_a_profile_that_does_not_fit(
    world: World, body: object, status: int, code: str
) -> None:
    """A wrong profile says what is wrong, on making and on changing."""
    made = await make(world)
    for method, path in (("POST", "/v1/customers"), ("PATCH", f"/v1/customers/{made['id']}")):
        reply = await world.call(method, path, body)
        assert (reply.status, reply.json["code"]) == (status, code)


async def test_a_customer_that_is_not_there(world: World) -> None:
    """Every route of an unknown customer is 404."""
    path = "/v1/customers/cus_x"
    calls: list[tuple[str, str, object]] = [
        ("GET", path, None),
        ("PATCH", path, {}),
        ("DELETE", path, None),
        ("POST", f"{path}/phones", {"original": PERSON}),
        ("PATCH", f"{path}/phones/{PERSON}", {}),
        ("DELETE", f"{path}/phones/{PERSON}", None),
        ("POST", f"{path}/merge", {"customer": "cus_y"}),
    ]
    for method, where, body in calls:
        reply = await world.call(method, where, body)
        assert (reply.status, reply.json["code"]) == (404, "not_found"), (method, where)
