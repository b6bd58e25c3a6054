"""Commands about wordings: lint, template."""

import sys
from typing import Annotated

import typer

from consentry.actions.keep_templates import Judgement, SaveTemplate, judge_wording
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table, tell
from consentry.clock import SystemClock
from consentry.domain.directory import Brand, Directory
from consentry.domain.templates import Template
from consentry.domain.wording_lint import WordingKind
from consentry.ports import Store
from consentry.settings import Settings

template_app = typer.Typer(help="Wordings with a name.", no_args_is_help=True)
KindOption = Annotated[WordingKind, typer.Option(help="What the text is for.")]
BrandOption = Annotated[
    str | None, typer.Option(help="The brand's id; where there is one brand it is taken.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("lint")(lint)
    app.add_typer(template_app, name="template")


def pick_brand(directory: Directory, wanted: str | None) -> Brand:
    """Find the brand that is meant; ends with exit code 2 where that is not clear."""
    brands = directory.brands
    if wanted is None and len(brands) == 1:
        return next(iter(brands.values()))
    if wanted is None:
        fail("Say which brand: --brand ID. List them: consentry brand list", code=2)
    if wanted not in brands:
        fail(f"There is no brand {wanted!r}. List them: consentry brand list", code=2)
    return brands[wanted]


def lint(
    text: Annotated[str | None, typer.Argument(help="The wording; none: standard input.")] = None,
    *,
    kind: KindOption,
    brand: BrandOption = None,
    program: Annotated[str | None, typer.Option(help="The program it is for.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Say what is wrong with a wording before anybody gets it; ends with 1 where there is an error.

    Example: consentry lint "{brand}: 20% off. Reply STOP to opt out." --kind marketing
    """
    body = sys.stdin.read().rstrip("\n") if text is None else text

    async def judge(store: Store, _settings: Settings) -> Judgement:
        directory = await store.read_directory()
        named = None
        if program is not None:
            found = directory.program(program)
            if found is None:
                fail(f"There is no program {program!r}. List: consentry program list", code=2)
            named = found.name
        today = SystemClock().now().date()
        return judge_wording(kind, body, pick_brand(directory, brand), today=today, program=named)

    judged = with_store(judge)
    if as_json:
        print_json(judged)
    else:
        _show(judged)
    if judged.errors:
        raise typer.Exit(1)


def _show(judged: Judgement) -> None:
    size = judged.size
    parts = "1 segment" if size.segments == 1 else f"{size.segments} segments"
    sys.stdout.write(f"{judged.filled}\n{size.characters} characters in {size.encoding}, {parts}\n")
    for one in judged.findings:
        sys.stdout.write(f"{one.level}: {one.says} [{one.rule}; {one.source}]\n")
    if not judged.findings:
        sys.stdout.write("Nothing is wrong with it.\n")


@template_app.command("add")
def add_template(
    name: str,
    body: str,
    *,
    kind: KindOption,
    brand: BrandOption = None,
    template_id: Annotated[str, typer.Option("--id", help="An id of your own.")] = "",
    as_json: JSONFlag = False,
) -> None:
    """Keep a wording under a name; one with an error in it is refused.

    Example: consentry template add Sale "{brand}: 20% off. Reply STOP to end." --kind marketing
    """

    async def save(store: Store, _settings: Settings) -> Template:
        chosen = pick_brand(await store.read_directory(), brand)
        now = SystemClock().now()
        known = {one.id: one for one in await store.read_templates()}.get(template_id)
        template = Template(template_id, chosen.id, name, kind, body, now, now)
        return await store.submit(SaveTemplate(template, known=known))

    saved = with_store(save)
    tell(saved, f"The wording {saved.name} is kept as {saved.id}.", as_json=as_json)


@template_app.command("list")
def list_templates(*, as_json: JSONFlag = False) -> None:
    """List the named wordings.

    Example: consentry template list
    """

    async def load(store: Store, _settings: Settings) -> list[Template]:
        return [one for one in await store.read_templates() if one.deleted_at is None]

    templates = with_store(load)
    if as_json:
        print_json(templates)
        return
    rows = [(t.id, t.brand, t.kind, t.name, t.body) for t in templates]
    columns = ("id", "brand", "kind", "name", "wording")
    print_table(columns, rows, empty="No wording is kept yet. Next: consentry template add")
