"""The page at /docs, rendered from the OpenAPI document alone."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from consentry.api.problems import PROBLEMS

_PAGE: Final = Path(__file__).parent / "page"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_REFERENCE: Final = "#/components/schemas/"

Schema = dict[str, Any]


class Row(NamedTuple):
    """A field or parameter: its name, what it may be, whether it must be there, what it is."""

    name: str
    shape: str
    required: bool
    text: str


class Shown(NamedTuple):
    """An operation as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    text: str
    scope: str
    parameters: list[Row]
    body: str
    example: str
    answers: list[tuple[str, str, str]]
    codes: list[str]


def render_page(document: Schema) -> str:
    """Render the page."""
    # Imported here: a server that nobody asks for its page starts without it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - see above

    environment = Environment(
        loader=FileSystemLoader(_PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    operations = list(_operations(document))
    chapters = [
        (tag["name"], [shown for chapter, shown in operations if chapter == tag["name"]])
        for tag in document["tags"]
    ]
    return environment.get_template("docs.html").render(
        info=document["info"],
        chapters=[(name, shown) for name, shown in chapters if shown],
        problems=sorted(PROBLEMS.items(), key=lambda item: (item[1].status, item[0])),
        types=sorted(_types(document)),
        names=document["components"]["schemas"].keys(),
    )


@cache
def read_style() -> bytes:
    """Read the page's style sheet."""
    return (_PAGE / "docs.css").read_bytes()


def _operations(document: Schema) -> Iterator[tuple[str, Shown]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield item[method]["tags"][0], _show(method, path, item[method])


def _show(method: str, path: str, operation: Schema) -> Shown:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answers = list(_answers(operation))
    return Shown(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        scope=", ".join(scope for need in operation["security"] for scope in need["key"]),
        parameters=[
            Row(
                name=p["name"],
                shape=_shape(p["schema"]),
                required=p.get("required", False),
                text=p.get("description") or p["schema"].get("description", ""),
            )
            for p in operation["parameters"]
        ],
        body=_shape(body["schema"]) if body else "",
        example=_pretty(body.get("example")),
        answers=answers,
        codes=list(_codes(operation)),
    )


def _answers(operation: Schema) -> Iterator[tuple[str, str, str]]:
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if status.startswith("2"):
            json_content = content.get("application/json", {})
            shape = _shape(json_content["schema"]) if json_content else ", ".join(content)
            yield status, shape, _pretty(json_content.get("example"))


def _codes(operation: Schema) -> Iterator[str]:
    for status, response in operation["responses"].items():
        if not status.startswith("2"):
            told = response["description"].split("`")[1::2]
            yield from told


def _types(document: Schema) -> Iterator[tuple[str, str, list[Row], str]]:
    for name, schema in document["components"]["schemas"].items():
        required = schema.get("required", ())
        rows = [
            Row(field, _shape(part), field in required, part.get("description", ""))
            for field, part in schema.get("properties", {}).items()
        ]
        yield name, schema.get("description", ""), rows, _values(schema)


def _values(schema: Schema) -> str:
    return " · ".join(str(value) for value in schema.get("enum", ()))


def _shape(schema: Schema) -> str:
    """Say in a few words what a value may be."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REFERENCE)
    if "anyOf" in schema:
        return " or ".join(_shape(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return _values(schema)
    if schema.get("type") == "array":
        # Of an array of fixed length each place has its own shape, and `items` is false.
        places = schema.get("prefixItems")
        if places:
            return f"[{', '.join(map(_shape, places))}]"
        return f"list of {_shape(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any value")


def _pretty(example: object) -> str:
    return "" if example is None else json.dumps(example, ensure_ascii=False, indent=2)
