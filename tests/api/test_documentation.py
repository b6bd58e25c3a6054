"""/openapi.json and /docs are made from the same table as the routes."""

import re

import jsonschema_rs
import msgspec
import pytest
from api_world import World
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape

from consentry.api.documentation import DOCUMENTATION
from consentry.api.openapi import build_document
from consentry.api.phone_schema import phone_pattern
from consentry.api.problems import PROBLEMS
from consentry.api.table import OPERATIONS
from consentry.domain.phone import parse_phone

pytestmark = pytest.mark.integration

DOCUMENT = build_document(OPERATIONS)


def test_every_operation_is_described_once() -> None:
    """The document has exactly the operations of the table, each with an id of its own."""
    described = {
        (method.upper(), path): operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }
    assert described.keys() == {(o.method, o.path) for o in OPERATIONS}
    ids = [operation["operationId"] for operation in described.values()]
    assert len(set(ids)) == len(ids)


def test_every_reference_leads_somewhere_and_every_type_is_used() -> None:
    """No $ref is dangling, and no component is left over."""
    text = str(DOCUMENT)
    references = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert references == set(DOCUMENT["components"]["schemas"])


def test_examples_fit_their_schemas() -> None:
    """Each example of a request or an answer is valid by its own schema."""
    checked = 0
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            contents = [operation.get("requestBody", {}).get("content", {})]
            contents += [r.get("content", {}) for r in operation["responses"].values()]
            for content in contents:
                for media in content.values():
                    if "example" in media:
                        schema = {**media["schema"], "components": DOCUMENT["components"]}
                        jsonschema_rs.validate(schema, media["example"])
                        checked += 1
    assert checked > 100


def test_bodies_have_examples() -> None:
    """Every JSON body is shown by an example."""
    assert [o.path for o in OPERATIONS if o.body not in (None, bytes) and not o.example] == []


@pytest.mark.property
@settings(max_examples=500, deadline=None)
@given(st.from_regex(phone_pattern(), fullmatch=True))
def test_the_promised_shape_of_a_number_can_be_parsed(text: str) -> None:
    """Whatever the document's expression for phone numbers matches is a phone number."""
    assert parse_phone(text.rstrip("\n")).normalized.startswith("+")


@pytest.mark.parametrize("number", ["+14155550142", "+442079460000", "+4915112345678", "+2901234"])
def test_real_numbers_have_the_promised_shape(number: str) -> None:
    """Numbers of long and short number plans match the expression."""
    assert re.search(phone_pattern(), number)
    assert not re.search(phone_pattern(), number + "0000000000")


async def test_the_document_is_served(world: World) -> None:
    """/openapi.json is the document, without a key."""
    reply = await world.call("GET", "/openapi.json", key=None)
    assert reply.status == 200
    assert reply.json["openapi"] == "3.1.0"
    assert reply.json == msgspec.json.decode(msgspec.json.encode(DOCUMENT))


async def test_the_page_shows_everything_and_loads_nothing(world: World) -> None:
    """/docs names every operation and code, has no script, and its policy allows none."""
    reply = await world.call("GET", "/docs", key=None)
    page = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|/docs\.css|/openapi\.json)', page)
    for operation in OPERATIONS:
        assert str(escape(operation.summary)) in page
        assert operation.path in page
    for code in PROBLEMS:
        assert f'id="{code}"' in page
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))
    style = await world.call("GET", "/docs.css", key=None)
    assert style.headers["content-type"].startswith("text/css")


def test_nothing_of_the_documentation_needs_a_key() -> None:
    """The documentation, liveness and readiness are open; everything else asks for a scope."""
    open_paths = {o.path for o in (*OPERATIONS, *DOCUMENTATION) if o.scope is None}
    assert open_paths == {
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs.css",
        "/carriers/{carrier}/inbound",
        "/carriers/{carrier}/status",
    }
