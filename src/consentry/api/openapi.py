"""The OpenAPI 3.1 document, made from the table of operations and the types it names."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from consentry import __version__
from consentry.api.operations import Operation, Tag
from consentry.api.phone_schema import phone_pattern
from consentry.api.problems import PROBLEMS, Problem, describe_problem
from consentry.api.views import ProblemDetails
from consentry.api.webhook_events import DATA_SHAPES, describe_webhooks

Schema = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
# A backslash and the letters, for a regular expression; no text of ours holds the character.
_NO_NUL: Final = r"^[^\x00]*$"
_INTRODUCTION: Final = (
    "May this text go to this person? Every door asks one gate, and an opt-out stands at all of "
    "them. Errors are problems (RFC 9457) with a `code`; lists are `{items, next}` and go on with "
    "`cursor`; times are RFC 3339 in UTC."
)


def implied_errors(operation: Operation[Any, Any]) -> tuple[str, ...]:
    """List the codes that an operation can answer with by what it takes, and its own."""
    codes = list(operation.errors)
    if operation.scope is not None:
        codes += ["unauthorized", "scope_missing", "store_unavailable", "text_sealed"]
        codes += ["brand_limited", "too_many_requests"]
    if operation.body is bytes:
        codes += ["body_too_large"]
    elif operation.body is not None:
        codes += ["malformed_json", "unsupported_media_type", "body_too_large", "invalid_body"]
        codes += ["nul_character"]
    if operation.query is not None:
        codes += ["invalid_parameter", "nul_character"]
    return tuple(dict.fromkeys([*codes, "internal_error"]))


def build_document(operations: Iterable[Operation[Any, Any]]) -> Schema:
    """Build the whole document."""
    table = tuple(operations)
    schemas = _schemas(table)
    paths: dict[str, Schema] = {}
    for operation in table:
        item = paths.setdefault(operation.path, {})
        item[operation.method.lower()] = _describe(operation, schemas)
    for operation in table:
        if operation.query is not None:
            schemas.pop(operation.query.__name__, None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Consentry",
            "version": __version__,
            "description": _INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": str(tag)} for tag in Tag],
        "paths": paths,
        "webhooks": describe_webhooks(_REFERENCE),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key: `Authorization: Bearer csk_…`.",
                }
            },
        },
    }


def _schemas(operations: tuple[Operation[Any, Any], ...]) -> dict[str, Schema]:
    """Collect the schemas of every type that is taken or given."""
    taken = [o.body for o in operations if o.body not in (None, bytes)]
    asked = [o.query for o in operations if o.query is not None]
    given = [t for o in operations for t in o.answers.values() if t not in (None, bytes)]
    types = [*taken, *asked, *given, *DATA_SHAPES, ProblemDetails]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REFERENCE + "{name}")
    for name in _reachable([_name_of(t) for t in (*taken, *asked)], schemas):
        schemas[name] = _without_nul(schemas[name])
    phone = {
        "type": "string",
        "pattern": phone_pattern(),
        "description": "A phone number in E.164. Other spellings are read with the default region.",
        "examples": ["+14155550142"],
    }
    return {**{name: _name_phones(schema) for name, schema in schemas.items()}, "Phone": phone}


def _name_of(shape: object) -> str:
    schemas, _ = msgspec.json.schema_components([shape], ref_template="{name}")
    return str(schemas[0]["$ref"])


def _reachable(names: Iterable[str], schemas: dict[str, Schema]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [ref.removeprefix(_REFERENCE) for ref in _references(schemas[name])]
    return found


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _without_nul(part: Any) -> Any:
    """Say of every free text that it holds no NUL character."""
    if isinstance(part, list):
        return [_without_nul(value) for value in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") == "string" and not {"pattern", "format", "enum"} & part.keys():
        return {**part, "pattern": _NO_NUL}
    return {key: _without_nul(value) for key, value in part.items()}


def _name_phones(part: Any) -> Any:
    """Put the one schema of a phone number where a type says it is one."""
    if isinstance(part, list):
        return [_name_phones(value) for value in part]
    if not isinstance(part, dict):
        return part
    if part.get("format") == "phone":
        return {"$ref": _REFERENCE + "Phone"}
    return {key: _name_phones(value) for key, value in part.items()}


def _describe(operation: Operation[Any, Any], schemas: dict[str, Schema]) -> Schema:
    described: Schema = {
        "operationId": operation.handler.__name__,
        "tags": [str(operation.tag)],
        "summary": operation.summary,
        "parameters": [*_parameters(operation, schemas)],
        "responses": _responses(operation),
        "security": [] if operation.scope is None else [{"key": [str(operation.scope)]}],
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None or operation.streamed_types:
        described["requestBody"] = _request_body(operation)
    return described


def _parameters(operation: Operation[Any, Any], schemas: dict[str, Schema]) -> Iterator[Schema]:
    for name in _PARAMETER.findall(operation.path):
        schema: Schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^/]+$"}
        if name == "phone":
            schema = {"$ref": _REFERENCE + "Phone"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for name, text in operation.headers.items():
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        yield {"name": name, "in": "header", "description": text, "schema": schema}
    if operation.query is None:
        return
    shape = schemas[operation.query.__name__]
    required = shape.get("required", ())
    for name, schema in shape["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _given(schema),
        }


def _given(schema: Schema) -> Schema:
    """Take "or nothing" off an optional parameter: one that is given has a value."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    shown = {key: value for key, value in schema.items() if key != "anyOf"}
    if shown.get("default", "") is None:
        del shown["default"]
    return {**shown, **choices[0]} if len(choices) == 1 else shown


def _request_body(operation: Operation[Any, Any]) -> Schema:
    if operation.streamed_types:
        text = {"schema": {"type": "string"}}
        content: Schema = dict.fromkeys(operation.streamed_types, text)
    elif operation.body is bytes:
        form = {"type": "object", "additionalProperties": {"type": "string"}}
        content = {"application/x-www-form-urlencoded": {"schema": form}}
    else:
        content = {"application/json": {"schema": _refer(operation.body)}}
        if operation.example is not None:
            content["application/json"]["example"] = operation.example
        if operation.stream is not None:
            content["application/x-ndjson"] = {"schema": {"type": "string"}}
    return {"required": True, "content": content}


def _refer(shape: object) -> Schema:
    return {"$ref": _REFERENCE + _name_of(shape)}


def _responses(operation: Operation[Any, Any]) -> dict[str, Schema]:
    responses: dict[str, Schema] = {}
    for status, shape in operation.answers.items():
        responses[str(status)] = _success(operation, shape)
    by_status: dict[int, list[str]] = {}
    for code in implied_errors(operation):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    for status in sorted(by_status):
        responses[str(status)] = _failure(by_status[status])
    return responses


def _success(operation: Operation[Any, Any], shape: object) -> Schema:
    if shape is None:
        return {"description": "Done; there is nothing to say."}
    if shape is bytes:
        return {
            "description": operation.text_told,
            "content": {kind: {"schema": {"type": "string"}} for kind in operation.text_types},
        }
    content: Schema = {"application/json": {"schema": _refer(shape)}}
    if operation.answer_example is not None:
        content["application/json"]["example"] = operation.answer_example
    if operation.stream is not None:
        content["application/x-ndjson"] = {"schema": {"type": "string"}}
    if operation.or_text:
        content[operation.or_text] = {"schema": {"type": "string"}}
    return {"description": operation.summary, "content": content}


def _failure(codes: list[str]) -> Schema:
    example = describe_problem(Problem(codes[0], "What happened, to what, and what to do next."))
    titles = "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in codes)
    return {
        "description": f"{titles}.",
        "content": {
            "application/problem+json": {
                "schema": {"$ref": _REFERENCE + "ProblemDetails"},
                "example": msgspec.to_builtins(example),
            }
        },
    }
