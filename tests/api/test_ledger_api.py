"""The ledger's log through the API."""

from base64 import b64decode

import pytest
from api_world import PERSON, World

from consentry.wire.merkle import is_consistent, is_included
from consentry.wire.signed_note import is_signed_by, read_note, read_tree, read_verifier_key

pytestmark = pytest.mark.integration


async def test_an_entry_is_proved_against_the_signed_checkpoint(world: World) -> None:
    """What a write left in the ledger is proved at once: path, root, note and key fit together."""
    body = {"postal_code": "33101", "reason": "told by phone"}
    await world.call("PUT", f"/v1/recipients/{PERSON}/place", body, key="customers")
    listed = await world.call("GET", f"/v1/recipients/{PERSON}/entries", key="read")
    entry = listed.json["items"][0]["id"]
    proof = (await world.call("GET", f"/v1/ledger/proof?entry={entry}", key="read")).json
    root = b64decode(proof["root"])
    assert is_included(
        b64decode(proof["leaf_hash"]),
        proof["leaf"],
        size=proof["size"],
        path=[b64decode(part) for part in proof["path"]],
        root=root,
    )
    note = await world.call("GET", "/v1/ledger/checkpoint", key="read")
    text = note.body.decode()
    assert (note.status, text) == (200, proof["checkpoint"])
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    keys = (await world.call("GET", "/v1/ledger/keys", key="read")).json
    ((key,), following) = keys["items"], keys["next"]
    assert following is None
    read = read_note(text)
    assert is_signed_by(read, read_verifier_key(key["verifier_key"]))
    assert (read_tree(read.text).size, read_tree(read.text).root) == (proof["size"], root)
    shown = await world.call(
        "GET", "/v1/ledger/checkpoint", key="read", headers={"accept": "Application/JSON"}
    )
    assert (shown.json["note"], shown.json["text"]) == (text, read.text)
    assert shown.json["made_at"].endswith("Z")
    grown = (await world.call("GET", "/v1/ledger/consistency?from=1", key="read")).json
    assert is_consistent(
        1,
        grown["new"],
        old_root=b64decode(grown["old_root"]),
        new_root=root,
        path=[b64decode(part) for part in grown["path"]],
    )


async def test_what_is_not_in_the_log_is_told(world: World) -> None:
    """404 with the code `not_logged`, and what to do."""
    for path in ("proof?entry=ent_none", "consistency?from=5&to=4", "checkpoint?size=9000000"):
        reply = await world.call("GET", f"/v1/ledger/{path}", key="read")
        assert (reply.status, reply.json["code"]) == (404, "not_logged")
