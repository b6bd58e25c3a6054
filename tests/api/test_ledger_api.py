"""The ledger's log through the API."""

import dataclasses
from base64 import b64decode
from typing import Any, cast

import pytest
from api_world import PERSON, World

from consentry.api.app import build_api
from consentry.ports import LogDamaged, Logged, LogKey, Store
from consentry.wire.merkle import is_consistent, is_included
from consentry.wire.signed_note import is_signed_by, read_note, read_tree, read_verifier_key

pytestmark = pytest.mark.integration


class DamagedStore:
    """A store whose log somebody damaged, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        """Give all else as it is."""
        return getattr(self._store, name)

    async def read_logged(self, entry_ids: list[str]) -> dict[str, Logged]:
        """Find it damaged."""
        raise LogDamaged(f"Damaged, so {entry_ids} cannot be read. Run `consentry ledger verify`.")

    async def read_log_keys(self) -> list[LogKey]:
        """Find them damaged."""
        raise LogDamaged("The keys are damaged.")


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


async def test_a_damaged_log_is_told_with_what_to_do(world: World) -> None:
    """503 with a code of its own: asking again does not mend it."""
    store = cast("Store", DamagedStore(world.store))
    api = build_api(dataclasses.replace(world.services, store=store))
    damaged = dataclasses.replace(world, api=api)
    for path in ("proof?entry=ent_1", "keys"):
        reply = await damaged.call("GET", f"/v1/ledger/{path}", key="read")
        assert (reply.status, reply.json["code"]) == (503, "ledger_damaged")
        assert "amaged" in reply.json["detail"]
        assert "retry-after" not in reply.headers
