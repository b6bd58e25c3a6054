"""The sellers in whose name we text, and what people consent to with them."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.administer import SaveBrand, SaveProgram
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK
from consentry.api.problems import Problem
from consentry.domain.directory import Brand, Program, Purpose
from consentry.ports import Scope

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
Contact = Annotated[str, msgspec.Meta(max_length=200)]


class NewBrand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A brand to set up; `contact` stands in the answer to HELP."""

    name: Name
    contact: Contact | None = None


class BrandChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a brand; what is left out stays."""

    name: Name | UnsetType = UNSET
    contact: Contact | UnsetType | None = UNSET


class NewProgram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program to set up: brand + purpose + name."""

    brand: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    purpose: Literal["informational", "marketing"]
    name: Name


class ProgramChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new name. Brand and purpose are what people consented to, so they stay."""

    name: Name | UnsetType = UNSET


async def find_brand(call: Call[object, object], brand_id: str) -> Brand:
    """Find a brand that a body names; raises `Problem`."""
    brand = (await call.services.store.read_directory()).brands.get(brand_id)
    if brand is None:
        raise Problem("unknown_brand", f"There is no brand {brand_id!a}. Add it first.")
    return brand


async def _brand_in_path(call: Call[object, object]) -> Brand:
    brand = (await call.services.store.read_directory()).brands.get(call.path["id"])
    if brand is None:
        raise Problem("not_found", f"There is no brand {call.path['id']!a}. List the brands.")
    return brand


async def _program_in_path(call: Call[object, object]) -> Program:
    program = (await call.services.store.read_directory()).programs.get(call.path["id"])
    if program is None:
        raise Problem("not_found", f"There is no program {call.path['id']!a}. List the programs.")
    return program


async def list_brands(call: Call[None, None]) -> Answer:
    """List the brands."""
    return Answer(whole(list((await call.services.store.read_directory()).brands.values())))


async def create_brand(call: Call[NewBrand, None]) -> Answer:
    """Set up a brand."""
    brand = Brand(id="", name=call.body.name, contact=call.body.contact)
    return Answer(await call.services.store.submit(SaveBrand(brand, call.actor)), status=201)


async def read_brand(call: Call[None, None]) -> Answer:
    """Show a brand."""
    return Answer(await _brand_in_path(call))


async def change_brand(call: Call[BrandChange, None]) -> Answer:
    """Change a brand."""
    known, asked = await _brand_in_path(call), call.body
    brand = Brand(
        id=known.id,
        name=known.name if asked.name is UNSET else asked.name,
        contact=known.contact if asked.contact is UNSET else asked.contact,
    )
    return Answer(await call.services.store.submit(SaveBrand(brand, call.actor)))


async def list_programs(call: Call[None, None]) -> Answer:
    """List the programs that were set up."""
    return Answer(whole(list((await call.services.store.read_directory()).programs.values())))


async def create_program(call: Call[NewProgram, None]) -> Answer:
    """Set up a program."""
    asked = call.body
    brand = await find_brand(call, asked.brand)
    program = Program(id="", brand=brand.id, purpose=Purpose(asked.purpose), name=asked.name)
    return Answer(await call.services.store.submit(SaveProgram(program, call.actor)), status=201)


async def read_program(call: Call[None, None]) -> Answer:
    """Show a program."""
    return Answer(await _program_in_path(call))


async def change_program(call: Call[ProgramChange, None]) -> Answer:
    """Rename a program."""
    program = await _program_in_path(call)
    if call.body.name is not UNSET:
        program = msgspec.structs.replace(program, name=call.body.name)
    return Answer(await call.services.store.submit(SaveProgram(program, call.actor)))


_BRAND: Final = {
    "id": "brd_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "name": "Retalé",
    "contact": "help@retale.example",
}
_PROGRAM: Final = {
    "id": "prg_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "brand": _BRAND["id"],
    "purpose": "marketing",
    "name": "Weekly offers",
    "sender": None,
}

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/brands",
        tag=Tag.SETTING_UP,
        summary="Brands",
        handler=list_brands,
        scope=Scope.READ,
        answers={200: Listing[Brand]},
        answer_example={"items": [_BRAND], "next": None},
    ),
    Operation(
        method="POST",
        path="/v1/brands",
        tag=Tag.SETTING_UP,
        summary="Set up a brand",
        handler=create_brand,
        scope=Scope.ADMIN,
        body=NewBrand,
        answers={201: Brand},
        example={"name": "Retalé", "contact": "help@retale.example"},
        answer_example=_BRAND,
    ),
    Operation(
        method="GET",
        path="/v1/brands/{id}",
        tag=Tag.SETTING_UP,
        summary="One brand",
        handler=read_brand,
        scope=Scope.READ,
        answers={200: Brand},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/brands/{id}",
        tag=Tag.SETTING_UP,
        summary="Change a brand",
        handler=change_brand,
        scope=Scope.ADMIN,
        body=BrandChange,
        answers={200: Brand},
        errors=("not_found",),
        example={"contact": "+1 202 555 0100"},
    ),
    Operation(
        method="GET",
        path="/v1/programs",
        tag=Tag.SETTING_UP,
        summary="Programs",
        description="Those that were set up. Besides, every sender has its conversation, "
        "`conversation:NUMBER`.",
        handler=list_programs,
        scope=Scope.READ,
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
        errors=("unknown_brand",),
        example={"brand": _BRAND["id"], "purpose": "marketing", "name": "Weekly offers"},
        answer_example=_PROGRAM,
    ),
    Operation(
        method="GET",
        path="/v1/programs/{id}",
        tag=Tag.SETTING_UP,
        summary="One program",
        handler=read_program,
        scope=Scope.READ,
        answers={200: Program},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/programs/{id}",
        tag=Tag.SETTING_UP,
        summary="Rename a program",
        handler=change_program,
        scope=Scope.ADMIN,
        body=ProgramChange,
        answers={200: Program},
        errors=("not_found",),
        example={"name": "Offers of the week"},
    ),
)
