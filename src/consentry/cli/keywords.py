"""Commands about keyword campaigns: words that people text to ask for a program."""

from typing import Annotated

import typer

from consentry.actions.keep_keywords import RemoveKeyword, SaveKeyword
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, print_json, print_table, tell
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.ports import Store
from consentry.settings import Settings

keyword_app = typer.Typer(help="Words that people text to ask for a program.", no_args_is_help=True)

_Sender = Annotated[str, typer.Option(help="The number that the word is texted to.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(keyword_app, name="keyword")


@keyword_app.command("add")
def add_keyword(
    word: str,
    *,
    sender: _Sender,
    program: Annotated[str, typer.Option(help="The program to ask for.")],
    call_to_action: Annotated[
        str | None, typer.Option(help="What tells people to text it; marketing needs one.")
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Have WORD, texted to a sender, ask the person for a program.

    Example: consentry keyword add JOIN --sender +14155550100 --program updates
    """

    async def save(store: Store, _settings: Settings) -> CampaignKeyword:
        return await store.submit(SaveKeyword(word, sender, program, call_to_action))

    saved = with_store(save)
    done = f"Who texts {saved.word} to {saved.sender} is asked for {saved.program}."
    tell(saved, done, as_json=as_json)


@keyword_app.command("list")
def list_keywords(*, as_json: JSONFlag = False) -> None:
    """List the words of campaigns.

    Example: consentry keyword list
    """

    async def load(store: Store, _settings: Settings) -> list[CampaignKeyword]:
        return list((await store.read_directory()).keywords.values())

    keywords = with_store(load)
    if as_json:
        print_json(keywords)
        return
    rows = [(k.word, k.sender, k.program, k.call_to_action or "") for k in keywords]
    columns = ("word", "sender", "program", "call to action")
    print_table(columns, rows, empty="No keyword yet. Next: consentry keyword add")


@keyword_app.command("remove")
def remove_keyword(word: str, *, sender: _Sender, as_json: JSONFlag = False) -> None:
    """Take WORD away from a sender; consents that came of it stay.

    Example: consentry keyword remove JOIN --sender +14155550100
    """

    async def remove(store: Store, _settings: Settings) -> CampaignKeyword:
        return await store.submit(RemoveKeyword(word, sender))

    removed = with_store(remove)
    tell(removed, f"{removed.word} at {removed.sender} asks for nothing now.", as_json=as_json)
