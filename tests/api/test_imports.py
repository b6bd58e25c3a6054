"""Lists over HTTP: tried, brought in, gone on with, looked up and taken along."""

import csv
import io

import pytest
from api_world import LONG_CODE, OTHER_PERSON, PERSON, Reply, World

from consentry.actions.import_rows import BeginImport
from consentry.api import imports
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.imports import ImportAim, ImportKind
from consentry.ports import Page, Scope
from consentry.wire.delimited import CELL_CHARACTERS_MAX

pytestmark = pytest.mark.integration

LIST = f"Phone;Opted out at\n{PERSON};2026-04-01\nnobody;\n{OTHER_PERSON};\n{PERSON};\n".encode()
CSV = {"content-type": "text/csv"}
LINES = {"content-type": "application/x-ndjson"}


async def send(
    world: World,
    query: str = "",
    content: bytes = LIST,
    headers: dict[str, str] = CSV,
) -> Reply:
    """Post a list."""
    path = f"/v1/imports?source=Old{query}"
    return await world.call("POST", path, raw=content, headers=headers, key=Scope.CONSENT)


async def test_a_list_is_tried_and_brought_in(world: World) -> None:
    """The try counts what the import does; a text to somebody on it is refused then."""
    tried = (await send(world, "&dry_run=true")).json
    assert (tried["rows"], tried["columns"]) == (4, {"number": 1, "date": 2})
    assert await world.store.read_imports(Page()) == []
    reply = await send(world)
    assert reply.status == 201
    done = reply.json
    assert done["counts"] == tried["counts"]
    assert (done["counts"]["recorded"], done["counts"]["stands"]) == (2, 1)
    assert (done["state"], done["sha256"], done["rows"]) == ("finished", tried["sha256"], 4)
    check = {"sender": LONG_CODE, "recipient": OTHER_PERSON}
    refused = await world.call("POST", "/v1/check", check, key=Scope.CHECK)
    assert refused.json["reason"] == "suppressed"
    listed = (await world.call("GET", "/v1/imports", key=Scope.READ)).json
    assert listed == {"items": [done], "next": None}
    path = f"/v1/imports/{done['id']}"
    assert (await world.call("GET", path, key=Scope.READ)).json == done
    first = (await world.call("GET", f"{path}/rows?limit=3", key=Scope.READ)).json
    assert [(row["row"], row["outcome"]) for row in first["items"]] == [
        (2, "recorded"),
        (3, "unreadable"),
        (4, "recorded"),
    ]
    rest = await world.call("GET", f"{path}/rows?cursor={first['next']}", key=Scope.READ)
    assert [row["row"] for row in rest.json["items"]] == [5]
    assert rest.json["next"] is None


async def test_a_key_makes_a_retry_the_same_import(world: World) -> None:
    """Without one, a list that is finished is brought in anew, and changes nothing."""
    once = CSV | {"idempotency-key": "one"}
    first = (await send(world, headers=once)).json
    assert (await send(world, headers=once)).json == first
    again = (await send(world)).json
    assert again["id"] != first["id"]
    assert again["counts"]["stands"] == 3
    bad = await send(world, headers=CSV | {"idempotency-key": "ü"})
    assert bad.json["code"] == "idempotency_key_invalid"


async def test_an_import_that_was_cut_off_is_shown_and_gone_on_with(world: World) -> None:
    """By the same list sent in the same way."""
    await send(world, content=b"number\n")
    (run,) = await world.store.read_imports(Page())
    aim = ImportAim(ImportKind.OPT_OUTS, "Old", run.aim.digest, "key_consent")
    begun = BeginImport("imp_zz", run.key, aim, Actor(ActorKind.KEY, "key_consent"))
    await world.store.submit(begun)
    shown = await world.call("GET", "/v1/imports/imp_zz", key=Scope.READ)
    assert shown.json["state"] == "running"
    world.clock.advance(600)
    shown = await world.call("GET", "/v1/imports/imp_zz", key=Scope.READ)
    assert shown.json["state"] == "cut_off"
    done = (await send(world, content=b"number\n")).json
    assert (done["id"], done["state"]) == ("imp_zz", "finished")


async def test_lines_of_json_and_consents_come_in(world: World) -> None:
    """Consents wait for the handset, unless somebody vouches that it has spoken."""
    line = f'{{"number":"{PERSON}","date":"2026-04-01","text":"JOIN"}}\n'.encode()
    query = "&kind=consents&program=prg_news"
    pending = (await send(world, query, line, LINES)).json
    assert pending["counts"]["pending"] == 1
    vouched = (await send(world, query + "&texted_according_to=Ada", line, LINES)).json
    assert vouched["counts"]["recorded"] == 1
    assert vouched["texted_according_to"] == "Ada"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("&brand=none", "unknown_brand"),
        ("&kind=consents&program=none", "unknown_program"),
        ("&kind=consents", "invalid_parameter"),
        ("&kind=consents&program=prg_news&brand=brd_a", "invalid_parameter"),
        ("&texted_according_to=Ada", "invalid_parameter"),
        ("&mapping=x", "invalid_parameter"),
        ("&mapping=%7B%22number%22:%22Fone%22%7D", "invalid_parameter"),
    ],
)
async def test_what_does_not_fit_is_told(world: World, query: str, code: str) -> None:
    """And nothing begins."""
    assert (await send(world, query)).json["code"] == code
    assert await world.store.read_imports(Page()) == []


async def test_a_list_says_what_it_is_and_is_not_too_long(world: World) -> None:
    """Another media type and too many bytes are refused; a mapping may name a place."""
    other = await send(world, headers={"content-type": "text/plain"})
    assert other.json["code"] == "unsupported_media_type"
    piece = b"x" * CELL_CHARACTERS_MAX * 500
    chunks = [piece] * (imports.IMPORT_BYTES_MAX // len(piece) + 1)
    path = "/v1/imports?source=Old"
    long = await world.call("POST", path, headers=CSV, chunks=chunks, key=Scope.CONSENT)
    assert long.json["code"] == "body_too_large"
    done = await send(world, "&mapping=%7B%22number%22:1%7D")
    assert done.json["counts"]["recorded"] == 2


async def test_rows_of_nothing_are_not_found(world: World) -> None:
    """Those of an unknown import; and behind a cursor of another list there is nothing."""
    missing = await world.call("GET", "/v1/imports/imp_no/rows", key=Scope.READ)
    assert missing.json["code"] == "not_found"
    done = (await send(world)).json
    bad = await world.call("GET", f"/v1/imports/{done['id']}/rows?cursor=xyz", key=Scope.READ)
    assert bad.json == {"items": [], "next": None}


# --- Taking along -------------------------------------------------------------------------------


async def test_lists_are_taken_along_as_csv_or_json(world: World) -> None:
    """By `format` or `Accept`; numbers stay numbers, and the audit has who took what."""
    await send(world)
    reply = await world.call("GET", "/v1/exports/opt-outs", key=Scope.READ)
    rows = list(csv.DictReader(io.StringIO(reply.body.decode())))
    assert {row["number"] for row in rows} == {PERSON, OTHER_PERSON}
    accept = {"accept": "application/x-ndjson"}
    lines = await world.call("GET", "/v1/exports/suppressions", headers=accept, key=Scope.READ)
    assert lines.body.count(b"\n") == 2
    asked = "/v1/exports/entries?format=jsonl&from=2026-05-02T00:00:00Z&until=2026-05-03T00:00:00Z"
    assert (await world.call("GET", asked, key=Scope.READ)).body == b""
    newest, before, *_ = await world.store.read_audit(Page())
    assert newest.text == (
        "entries (from 2026-05-02T00:00:00+00:00 until 2026-05-03T00:00:00+00:00): 0 rows"
    )
    assert (before.text, before.actor.id) == ("suppressions: 2 rows", "key_read")


async def test_a_list_needs_its_scope_and_a_name(world: World) -> None:
    """Customers are for keys that may read customers."""
    wrong = await world.call("GET", "/v1/exports/everything", key=Scope.READ)
    assert wrong.json["code"] == "not_found"
    refused = await world.call("GET", "/v1/exports/customers", key=Scope.READ)
    assert refused.json["code"] == "scope_missing"
    bad = await world.call("GET", "/v1/exports/entries?from=now", key=Scope.READ)
    assert bad.json["code"] == "invalid_time"
    period = "from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z"
    turned = await world.call("GET", f"/v1/exports/entries?{period}", key=Scope.READ)
    assert (turned.status, turned.json["code"]) == (422, "invalid_time")
