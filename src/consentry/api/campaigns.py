"""Keyword campaigns: the words that people text to ask for a program."""

from typing import Annotated, Final

import msgspec

from consentry.actions.keep_keywords import RemoveKeyword, SaveKeyword
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.domain.campaign_keywords import WORD_CHARACTERS_MAX, CampaignKeyword
from consentry.ports import Scope

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewKeyword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A word at a sender, and the program that who texts it is asked about.

    `call_to_action`: what tells people to text it; a marketing program needs one.
    """

    word: Annotated[str, msgspec.Meta(min_length=1, max_length=WORD_CHARACTERS_MAX)]
    sender: _Id
    program: _Id
    call_to_action: _Id | None = None


class KeywordView(msgspec.Struct, frozen=True):
    """A campaign's word, in capitals as it is compared."""

    word: str
    sender: str
    program: str
    call_to_action: str | None


def _view(keyword: CampaignKeyword) -> KeywordView:
    return KeywordView(keyword.word, keyword.sender, keyword.program, keyword.call_to_action)


async def list_campaigns(call: Call[None, None]) -> Answer:
    """List the words of campaigns."""
    directory = await call.services.store.read_directory()
    return Answer(whole([_view(keyword) for keyword in directory.keywords.values()]))


async def save_keyword(call: Call[NewKeyword, None]) -> Answer:
    """Have a word ask for a program."""
    asked = call.body
    command = SaveKeyword(
        asked.word, asked.sender, asked.program, asked.call_to_action, by=call.actor
    )
    return Answer(_view(await call.services.store.submit(command)), status=201)


async def remove_keyword(call: Call[None, None]) -> Answer:
    """Take a word away."""
    command = RemoveKeyword(call.path["word"], call.path["sender"], by=call.actor)
    return Answer(_view(await call.services.store.submit(command)))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/keywords/campaigns",
        tag=Tag.SETTING_UP,
        summary="The words of keyword campaigns",
        handler=list_campaigns,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Listing[KeywordView]},
    ),
    Operation(
        method="POST",
        path="/v1/keywords",
        tag=Tag.SETTING_UP,
        summary="Have a word ask for a program",
        description="Who texts exactly this word to this sender is sent the program's one opt-in "
        "request. No word that a carrier or the law reads as an opt-out, opt-in or help may be "
        "one. A word that is there already does what is named now.",
        handler=save_keyword,
        scope=Scope.ADMIN,
        body=NewKeyword,
        answers={201: KeywordView},
        errors=(
            "keyword_invalid",
            "sender_not_set_up",
            "unknown_program",
            "conversation_is_built_in",
            "unknown_call_to_action",
        ),
        example={
            "word": "JOIN",
            "sender": "+14155550100",
            "program": "prg_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
        },
    ),
    Operation(
        method="DELETE",
        path="/v1/keywords/{sender}/{word}",
        tag=Tag.SETTING_UP,
        summary="Take a campaign's word away",
        description="Consents and requests that came of it stay.",
        handler=remove_keyword,
        scope=Scope.ADMIN,
        answers={200: KeywordView},
        errors=("not_found",),
    ),
)
