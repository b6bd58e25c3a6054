"""Named wordings, and the linter that judges each: /v1/templates."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.keep_templates import (
    DeleteTemplate,
    Judgement,
    SaveTemplate,
    judge_wording,
)
from consentry.api.brands import find_brand
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK
from consentry.api.problems import Problem
from consentry.domain.directory import Brand
from consentry.domain.templates import BODY_CHARACTERS_MAX, NAME_CHARACTERS_MAX, Template
from consentry.domain.wording_lint import Finding, WordingKind
from consentry.ports import Scope

BrandId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS_MAX, pattern=NOT_BLANK)]
Body = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=BODY_CHARACTERS_MAX,
        pattern=NOT_BLANK,
        description="`{brand}` and `{contact}` are filled in; other names in braces are yours.",
    ),
]


class NewTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wording to keep under a name."""

    brand: BrandId
    name: Name
    kind: WordingKind
    body: Body


class TemplateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a wording; what is left out stays. Its brand and kind stay."""

    name: Name | UnsetType = UNSET
    body: Body | UnsetType = UNSET


class LintRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wording to judge without keeping it; `program` is what it is for."""

    brand: BrandId
    kind: WordingKind
    body: Body
    program: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class JudgedWording(msgspec.Struct, frozen=True):
    """How a wording goes out, with what we fill in filled in, and what is wrong with it.

    An error keeps it from going out; a warning is for you to weigh. `characters` are septets in
    GSM-7 and UTF-16 units in UCS-2.
    """

    filled: str
    encoding: str
    characters: int
    segments: int
    findings: tuple[Finding, ...]


class TemplateView(JudgedWording, frozen=True, kw_only=True):
    """A named wording, judged by the rules in force now."""

    id: str
    brand: str
    name: str
    kind: WordingKind
    body: str
    created_at: datetime
    updated_at: datetime


def _view(template: Template, brand: Brand, now: datetime) -> TemplateView:
    judged = judge_wording(template.kind, template.body, brand, today=now.date())
    return TemplateView(
        filled=judged.filled,
        encoding=judged.size.encoding,
        characters=judged.size.characters,
        segments=judged.size.segments,
        findings=judged.findings,
        id=template.id,
        brand=template.brand,
        name=template.name,
        kind=template.kind,
        body=template.body,
        created_at=template.created_at,
        updated_at=template.updated_at,
    )


def _view_judgement(judged: Judgement) -> JudgedWording:
    return JudgedWording(
        judged.filled,
        judged.size.encoding,
        judged.size.characters,
        judged.size.segments,
        judged.findings,
    )


async def _answer(call: Call[object, object], template: Template, status: int = 200) -> Answer:
    brands = (await call.services.store.read_directory()).brands
    view = _view(template, brands[template.brand], call.services.clock.now())
    return Answer(view, status=status)


async def _template_in_path(call: Call[object, object]) -> Template:
    wanted = call.path["id"]
    for template in await call.services.store.read_templates():
        if template.id == wanted and template.deleted_at is None:
            return template
    raise Problem("not_found", f"There is no template {wanted!a}. List the templates.")


async def list_templates(call: Call[None, None]) -> Answer:
    """List the named wordings."""
    brands = (await call.services.store.read_directory()).brands
    now = call.services.clock.now()
    found = await call.services.store.read_templates()
    kept = [one for one in found if one.deleted_at is None]
    return Answer(whole([_view(one, brands[one.brand], now) for one in kept]))


async def create_template(call: Call[NewTemplate, None]) -> Answer:
    """Keep a wording under a name."""
    asked, now = call.body, call.services.clock.now()
    template = Template(
        id="",
        brand=asked.brand,
        name=asked.name,
        kind=asked.kind,
        body=asked.body,
        created_at=now,
        updated_at=now,
    )
    saved = await call.services.store.submit(SaveTemplate(template, call.actor))
    return await _answer(call, saved, status=201)


async def read_template(call: Call[None, None]) -> Answer:
    """Show a named wording."""
    return await _answer(call, await _template_in_path(call))


async def change_template(call: Call[TemplateChange, None]) -> Answer:
    """Change a named wording."""
    known, asked = await _template_in_path(call), call.body
    template = msgspec.structs.replace(
        known,
        name=known.name if asked.name is UNSET else asked.name,
        body=known.body if asked.body is UNSET else asked.body,
    )
    saved = await call.services.store.submit(SaveTemplate(template, call.actor, known))
    return await _answer(call, saved)


async def delete_template(call: Call[None, None]) -> Answer:
    """Take a named wording away."""
    known = await _template_in_path(call)
    await call.services.store.submit(DeleteTemplate(known, call.actor))
    return Answer(status=204)


async def lint_body(call: Call[LintRequest, None]) -> Answer:
    """Judge a wording; nothing is kept."""
    asked = call.body
    brand = await find_brand(call, asked.brand)
    named = None
    if asked.program is not None:
        program = (await call.services.store.read_directory()).program(asked.program)
        if program is None:
            raise Problem("unknown_program", f"There is no program {asked.program!a}.")
        named = program.name
    today = call.services.clock.now().date()
    judged = judge_wording(asked.kind, asked.body, brand, today=today, program=named)
    return Answer(_view_judgement(judged))


_BODY: Final = "{brand}: 20% off on Friday. Reply STOP to opt out."
_JUDGED: Final = {
    "filled": "Retalé: 20% off on Friday. Reply STOP to opt out.",
    "encoding": "GSM-7",
    "characters": 49,
    "segments": 1,
    "findings": [],
}
_TEMPLATE: Final = {
    **_JUDGED,
    "id": "tpl_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "brand": "brd_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "name": "Friday sale",
    "kind": "marketing",
    "body": _BODY,
    "created_at": "2026-11-30T10:00:00Z",
    "updated_at": "2026-11-30T10:00:00Z",
}
_REFUSED: Final = ("unknown_brand", "name_missing", "wording_invalid")

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/templates",
        tag=Tag.SETTING_UP,
        summary="Named wordings",
        description="Each with what the linter finds in it now.",
        handler=list_templates,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Listing[TemplateView]},
        answer_example={"items": [_TEMPLATE], "next": None},
    ),
    Operation(
        method="POST",
        path="/v1/templates",
        tag=Tag.SETTING_UP,
        summary="Keep a wording under a name",
        description="A wording with an error in it is refused with `wording_invalid`.",
        handler=create_template,
        scope=Scope.ADMIN,
        body=NewTemplate,
        answers={201: TemplateView},
        errors=_REFUSED,
        example={
            "brand": _TEMPLATE["brand"],
            "name": "Friday sale",
            "kind": "marketing",
            "body": _BODY,
        },
        answer_example=_TEMPLATE,
    ),
    Operation(
        method="POST",
        path="/v1/templates/lint",
        tag=Tag.SETTING_UP,
        summary="Judge a wording",
        description="Nothing is kept. The rules are rows with a source each.",
        handler=lint_body,
        scope=Scope.READ,
        for_brands=True,
        body=LintRequest,
        answers={200: JudgedWording},
        errors=("unknown_brand", "unknown_program"),
        example={"brand": _TEMPLATE["brand"], "kind": "marketing", "body": _BODY},
        answer_example=_JUDGED,
    ),
    Operation(
        method="GET",
        path="/v1/templates/{id}",
        tag=Tag.SETTING_UP,
        summary="One named wording",
        handler=read_template,
        scope=Scope.READ,
        for_brands=True,
        answers={200: TemplateView},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/templates/{id}",
        tag=Tag.SETTING_UP,
        summary="Change a named wording",
        handler=change_template,
        scope=Scope.ADMIN,
        body=TemplateChange,
        answers={200: TemplateView},
        errors=("not_found", *_REFUSED),
        example={"body": "{brand}: 25% off on Friday. Reply STOP to opt out."},
    ),
    Operation(
        method="DELETE",
        path="/v1/templates/{id}",
        tag=Tag.SETTING_UP,
        summary="Take a named wording away",
        handler=delete_template,
        scope=Scope.ADMIN,
        answers={204: None},
        errors=("not_found",),
    ),
)
