"""Calls to action: what people are shown before they consent, in versions that never change."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.save_call_to_action import (
    HEADING_CHARACTERS_MAX,
    KEYWORD_CHARACTERS_MAX,
    SENTENCE_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    SaveCallToAction,
)
from consentry.actions.take_opt_in import is_open
from consentry.api.listing import Listing, next_cursor, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK, PageQuery, page_after
from consentry.api.problems import Problem
from consentry.api.programs import PageURL
from consentry.domain.call_to_action_check import Check, check_call, good_for
from consentry.domain.call_to_action_embedding import opt_in_path
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Directory
from consentry.domain.standing import ConsentLevel
from consentry.ports import Scope

_SHOWN_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'; sandbox"
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
OwnId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$",
        description="An id of your own: it stands in the address of the opt-in page.",
    ),
]
Locale = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([Ee][Nn]|[Ee][Ss])(-[A-Za-z0-9]{2,8})?$",
        description="A language there are words for (en, es), with a region if you like: es-MX.",
    ),
]
Heading = Annotated[
    str, msgspec.Meta(min_length=1, max_length=HEADING_CHARACTERS_MAX, pattern=NOT_BLANK)
]
Sentence = Annotated[
    str, msgspec.Meta(min_length=1, max_length=SENTENCE_CHARACTERS_MAX, pattern=NOT_BLANK)
]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX, pattern=NOT_BLANK)]
Keyword = Annotated[
    str, msgspec.Meta(min_length=1, max_length=KEYWORD_CHARACTERS_MAX, pattern=NOT_BLANK)
]


class NewCallToAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call to action to set up.

    What is shown is made of its parts; `text` is a disclosure of your own instead. `frequency`,
    `terms` and `privacy` are the program's where they are left out. `keyword`: for the medium
    `keyword`, the word that people text.
    """

    program: Id
    heading: Heading
    medium: CallMedium = CallMedium.WEB
    locale: Locale = "en"
    id: OwnId | None = None
    frequency: Sentence | None = None
    terms: PageURL | None = None
    privacy: PageURL | None = None
    text: Text | None = None
    keyword: Keyword | None = None


class CallToActionChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. What is shown then is a new version."""

    heading: Heading | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    frequency: Sentence | UnsetType | None = UNSET
    terms: PageURL | UnsetType | None = UNSET
    privacy: PageURL | UnsetType | None = UNSET
    text: Text | UnsetType | None = UNSET
    keyword: Keyword | UnsetType | None = UNSET


class CheckView(msgspec.Struct, frozen=True):
    """One thing that a call to action must show, and whether it does."""

    id: str
    says: str
    source: str
    is_met: bool
    is_needed: bool


class CallToActionView(msgspec.Struct, frozen=True):
    """A call to action as it is shown now.

    `disclosure`: what the person agrees to. `sha256`: of the HTML that is shown. `is_open`: whether
    people can be asked with it; if a brand or program gets another name, or a number goes, it is
    closed until there is a new version. `gives`: the level of the consent. `url`: the opt-in page.
    """

    id: str
    version: int
    program: str
    medium: CallMedium
    locale: str
    heading: str
    frequency: str | None
    terms: str | None
    privacy: str | None
    text: str | None
    keyword: str | None
    disclosure: str
    sha256: str
    created_at: datetime
    made_by: str
    is_open: bool
    gives: ConsentLevel
    checks: list[CheckView]
    url: str


class VersionView(msgspec.Struct, frozen=True):
    """One version of a call to action; its HTML is at `/versions/{version}`."""

    version: int
    locale: str
    heading: str
    disclosure: str
    sha256: str
    created_at: datetime
    made_by: str


def _view(call: CallToAction, directory: Directory, base_url: str) -> CallToActionView:
    checks = check_call(call, directory)
    wording = call.wording
    return CallToActionView(
        id=call.id,
        version=call.version,
        program=call.program,
        medium=call.medium,
        locale=call.locale,
        heading=wording.heading,
        frequency=wording.frequency,
        terms=wording.terms,
        privacy=wording.privacy,
        text=wording.text,
        keyword=wording.keyword,
        disclosure=call.text,
        sha256=call.sha256,
        created_at=call.created_at,
        made_by=call.made_by,
        is_open=is_open(call, directory),
        gives=good_for(checks),
        checks=[_view_check(check) for check in checks],
        url=base_url + opt_in_path(call.id),
    )


def _view_check(check: Check) -> CheckView:
    return CheckView(check.id, check.says, check.source, check.is_met, check.is_needed)


async def _in_path(call: Call[object, object]) -> tuple[CallToAction, Directory]:
    directory = await call.services.store.read_directory()
    found = directory.calls_to_action.get(call.path["id"])
    if found is None:
        raise Problem(
            "not_found",
            f"There is no call to action {call.path['id']!a}. List the calls to action.",
        )
    return found, directory


async def list_calls(call: Call[None, None]) -> Answer:
    """List the calls to action."""
    directory = await call.services.store.read_directory()
    found = directory.calls_to_action.values()
    return Answer(whole([_view(one, directory, call.base_url) for one in found]))


async def create_call(call: Call[NewCallToAction, None]) -> Answer:
    """Set up a call to action."""
    asked, store = call.body, call.services.store
    known = (await store.read_directory()).calls_to_action
    if asked.id in known:
        raise Problem("already_exists", f"There is a call to action {asked.id!a}. Change that one.")
    wording = Wording(
        asked.heading, asked.frequency, asked.terms, asked.privacy, asked.text, asked.keyword
    )
    command = SaveCallToAction(
        asked.id or "", asked.program, asked.medium, asked.locale, wording, call.actor
    )
    saved = await store.submit(command)
    return Answer(_view(saved, await store.read_directory(), call.base_url), status=201)


async def read_call(call: Call[None, None]) -> Answer:
    """Show a call to action."""
    found, directory = await _in_path(call)
    return Answer(_view(found, directory, call.base_url))


async def change_call(call: Call[CallToActionChange, None]) -> Answer:
    """Make a new version of a call to action."""
    known, _ = await _in_path(call)
    asked, store = call.body, call.services.store
    given = {name: getattr(asked, name) for name in Wording.__struct_fields__}
    changes = {name: value for name, value in given.items() if value is not UNSET}
    command = SaveCallToAction(
        known.id,
        known.program,
        known.medium,
        known.locale if asked.locale is UNSET else asked.locale,
        msgspec.structs.replace(known.wording, **changes),
        call.actor,
    )
    saved = await store.submit(command)
    return Answer(_view(saved, await store.read_directory(), call.base_url))


async def list_versions(call: Call[None, PageQuery]) -> Answer:
    """List the versions of a call to action, the newest first."""
    known, _ = await _in_path(call)
    found = await call.services.store.read_calls_to_action(known.id, page_after(call.query))
    items = [
        VersionView(
            version=one.version,
            locale=one.locale,
            heading=one.wording.heading,
            disclosure=one.text,
            sha256=one.sha256,
            created_at=one.created_at,
            made_by=one.made_by,
        )
        for one in found[: call.query.limit]
    ]
    return Answer(Listing(items, next_cursor(found, call.query, lambda one: str(one.version))))


async def read_version(call: Call[None, None]) -> Answer:
    """Show a version exactly as people saw it."""
    known, _ = await _in_path(call)
    number = call.path["version"]
    found = None
    if number.isascii() and number.isdigit() and len(number) <= 9:
        found = await call.services.store.read_call_to_action(known.id, int(number))
    if found is None:
        raise Problem("not_found", f"{known.id} has no version {number!a}. List its versions.")
    return Answer(
        found.html.encode(),
        media_type=b"text/html; charset=utf-8",
        headers=((b"content-security-policy", _SHOWN_POLICY),),
    )


_VERSION: Final = {
    "version": 3,
    "locale": "en",
    "heading": "Offers by text",
    "disclosure": "By ticking this box and pressing “Text me to confirm” I agree that Retalé …",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": "2026-11-30T09:00:00Z",
    "made_by": "agent agt_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
}
_CALL: Final = {
    "id": "offers-web",
    **_VERSION,
    "program": "offers",
    "medium": "web",
    "frequency": None,
    "terms": "https://retale.example/terms",
    "privacy": None,
    "text": None,
    "keyword": None,
    "is_open": True,
    "gives": "express_written",
    "checks": [
        {
            "id": "names_seller",
            "says": "It names the seller, Retalé.",
            "source": "47 CFR 64.1200(f)(9)(i)(A); CTIA (2023) 5.1.1",
            "is_met": True,
            "is_needed": True,
        }
    ],
    "url": "https://sms.retale.example/opt-in/offers-web",
}
_REFUSED: Final = ("wording_invalid", "call_to_action_incomplete")

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/calls-to-action",
        tag=Tag.SETTING_UP,
        summary="Calls to action",
        description="What people are shown before they consent, each as it is shown now.",
        handler=list_calls,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Listing[CallToActionView]},
        answer_example={"items": [_CALL], "next": None},
    ),
    Operation(
        method="POST",
        path="/v1/calls-to-action",
        tag=Tag.SETTING_UP,
        summary="Set up a call to action",
        description="Refused where the wording lacks what the program's consent needs.",
        handler=create_call,
        scope=Scope.ADMIN,
        body=NewCallToAction,
        answers={201: CallToActionView},
        errors=("unknown_program", "already_exists", "conversation_is_built_in", *_REFUSED),
        example={"program": "offers", "heading": "Offers by text", "id": "offers-web"},
        answer_example=_CALL,
    ),
    Operation(
        method="GET",
        path="/v1/calls-to-action/{id}",
        tag=Tag.SETTING_UP,
        summary="One call to action",
        handler=read_call,
        scope=Scope.READ,
        for_brands=True,
        answers={200: CallToActionView},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/calls-to-action/{id}",
        tag=Tag.SETTING_UP,
        summary="Make a new version of a call to action",
        description="The versions before stay readable: people consented to them.",
        handler=change_call,
        scope=Scope.ADMIN,
        body=CallToActionChange,
        answers={200: CallToActionView},
        errors=("not_found", "unknown_program", *_REFUSED),
        example={"frequency": "Up to 4 msgs/month"},
    ),
    Operation(
        method="GET",
        path="/v1/calls-to-action/{id}/versions",
        tag=Tag.SETTING_UP,
        summary="All versions of a call to action",
        handler=list_versions,
        scope=Scope.READ,
        for_brands=True,
        query=PageQuery,
        answers={200: Listing[VersionView]},
        errors=("not_found",),
        answer_example={"items": [_VERSION], "next": None},
    ),
    Operation(
        method="GET",
        path="/v1/calls-to-action/{id}/versions/{version}",
        tag=Tag.SETTING_UP,
        summary="A version exactly as people saw it",
        handler=read_version,
        scope=Scope.READ,
        for_brands=True,
        answers={200: bytes},
        errors=("not_found",),
        text_types=("text/html",),
        text_told="The HTML that was shown; its SHA-256 is the version's.",
    ),
)
