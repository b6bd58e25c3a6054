"""What people consent to with a brand beyond a conversation."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.administer import SaveProgram
from consentry.api.brands import Name, find_brand
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK
from consentry.api.problems import Problem
from consentry.domain.directory import Program, Purpose
from consentry.ports import Scope

Description = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=1000, pattern=NOT_BLANK, description="What the texts are about."
    ),
]
Frequency = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        pattern=NOT_BLANK,
        description="How often, as people read it: `up to 4 msgs/month`.",
    ),
]
PageURL = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=2000,
        pattern=r"^https?://[A-Za-z0-9]([A-Za-z0-9.\-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][!-~]*)?$",
        description="A page that people can open; http or https.",
    ),
]
SenderNumber = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=32,
        pattern=NOT_BLANK,
        description="The one sender that texts for it; left out, every sender of the brand may.",
    ),
]


class NewProgram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program to set up: brand + purpose + name, and what people are told of it.

    `recurring`: texts come again and again; false where each answers one request of the person.
    """

    brand: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    purpose: Literal["informational", "marketing"]
    name: Name
    sender: SenderNumber | None = None
    description: Description | None = None
    frequency: Frequency | None = None
    terms_url: PageURL | None = None
    privacy_url: PageURL | None = None
    recurring: bool = True
    enabled: bool = True


class ProgramChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a program; what is left out stays, null empties.

    Brand and purpose are what people consented to, so they stay. A program without a sender may
    be given one, and keeps it from then on. `enabled` false: nothing is sent for it, and the
    consents with it stay.
    """

    name: Name | UnsetType = UNSET
    sender: SenderNumber | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    frequency: Frequency | UnsetType | None = UNSET
    terms_url: PageURL | UnsetType | None = UNSET
    privacy_url: PageURL | UnsetType | None = UNSET
    recurring: bool | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


async def _program_in_path(call: Call[object, object]) -> Program:
    program = (await call.services.store.read_directory()).programs.get(call.path["id"])
    if program is None:
        raise Problem("not_found", f"There is no program {call.path['id']!a}. List the programs.")
    return program


async def list_programs(call: Call[None, None]) -> Answer:
    """List the programs that were set up."""
    return Answer(whole(list((await call.services.store.read_directory()).programs.values())))


async def create_program(call: Call[NewProgram, None]) -> Answer:
    """Set up a program."""
    asked = msgspec.structs.asdict(call.body)
    brand = await find_brand(call, call.body.brand)
    program = Program(
        **{**asked, "id": "", "brand": brand.id, "purpose": Purpose(asked["purpose"])}
    )
    return Answer(await call.services.store.submit(SaveProgram(program, call.actor)), status=201)


async def read_program(call: Call[None, None]) -> Answer:
    """Show a program."""
    return Answer(await _program_in_path(call))


async def change_program(call: Call[ProgramChange, None]) -> Answer:
    """Change a program."""
    program = await _program_in_path(call)
    asked = msgspec.structs.asdict(call.body).items()
    program = msgspec.structs.replace(
        program, **{name: value for name, value in asked if value is not UNSET}
    )
    return Answer(await call.services.store.submit(SaveProgram(program, call.actor)))


_PROGRAM: Final = {
    "id": "prg_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "brand": "brd_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "purpose": "marketing",
    "name": "Weekly offers",
    "sender": None,
    "description": "New things and what is cheaper this week",
    "frequency": "up to 4 msgs/month",
    "terms_url": "https://retale.example/sms-terms",
    "privacy_url": "https://retale.example/privacy",
    "recurring": True,
    "enabled": True,
}

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/programs",
        tag=Tag.SETTING_UP,
        summary="Programs",
        description="Those that were set up. Besides, every sender has its conversation, "
        "`conversation:NUMBER`.",
        handler=list_programs,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Listing[Program]},
        answer_example={"items": [_PROGRAM], "next": None},
    ),
    Operation(
        method="POST",
        path="/v1/programs",
        tag=Tag.SETTING_UP,
        summary="Set up a program",
        handler=create_program,
        scope=Scope.ADMIN,
        body=NewProgram,
        answers={201: Program},
        errors=("unknown_brand", "sender_not_set_up", "invalid_program"),
        example={
            "brand": _PROGRAM["brand"],
            "purpose": "marketing",
            "name": "Weekly offers",
            "frequency": "up to 4 msgs/month",
        },
        answer_example=_PROGRAM,
    ),
    Operation(
        method="GET",
        path="/v1/programs/{id}",
        tag=Tag.SETTING_UP,
        summary="One program",
        handler=read_program,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Program},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/programs/{id}",
        tag=Tag.SETTING_UP,
        summary="Change a program, or switch it off",
        description="Brand and purpose never change, and a program is never deleted: people "
        "consented to it, and that is evidence. Switched off (`enabled` false) it texts nobody, "
        "and what people consented to stays as it is.",
        handler=change_program,
        scope=Scope.ADMIN,
        body=ProgramChange,
        answers={200: Program},
        errors=("not_found", "sender_not_set_up", "invalid_program", "already_exists"),
        example={"name": "Offers of the week", "enabled": False},
    ),
)
