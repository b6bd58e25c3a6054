"""Commands about calls to action: add, list, show, qr."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table, tell
from consentry.domain.call_to_action_check import check_call, good_for
from consentry.domain.call_to_action_embedding import opt_in_path
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Directory
from consentry.opening import server_url
from consentry.ports import Page, Store
from consentry.settings import Settings

call_app = typer.Typer(help="What people are shown before they consent.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(call_app, name="call-to-action")


@call_app.command("add")
def add_call(
    heading: str,
    *,
    program: Annotated[str, typer.Option(help="The program's id.")],
    medium: Annotated[CallMedium, typer.Option(help="Where people meet it.")] = CallMedium.WEB,
    locale: Annotated[str, typer.Option(help="en or es, with a region if you like.")] = "en",
    frequency: Annotated[str | None, typer.Option(help="Else the program's.")] = None,
    terms: Annotated[str | None, typer.Option(help="A web page; else the program's.")] = None,
    privacy: Annotated[str | None, typer.Option(help="A web page; else the program's.")] = None,
    text: Annotated[str | None, typer.Option(help="A disclosure of your own.")] = None,
    keyword: Annotated[str | None, typer.Option(help="For medium keyword: what is texted.")] = None,
    call_id: Annotated[
        str, typer.Option("--id", help="An id of your own; one that is there gets a new version.")
    ] = "",
    as_json: JSONFlag = False,
) -> None:
    """Set up a call to action, or make a new version of one. The old versions stay.

    Example: consentry call-to-action add "Offers by text" --program offers --id offers-web
    """
    wording = Wording(heading, frequency, terms, privacy, text, keyword)

    async def save(store: Store, settings: Settings) -> tuple[CallToAction, str]:
        command = SaveCallToAction(call_id, program, medium, locale, wording)
        return await store.submit(command), server_url(settings)

    call, base_url = with_store(save)
    where = f" Its page: {base_url}{opt_in_path(call.id)}" if medium is CallMedium.WEB else ""
    tell(call, f"Version {call.version} of {call.id} is shown from now on.{where}", as_json=as_json)


@call_app.command("list")
def list_calls(*, as_json: JSONFlag = False) -> None:
    """List the calls to action as they are shown now.

    Example: consentry call-to-action list
    """

    async def load(store: Store, _settings: Settings) -> list[CallToAction]:
        return list((await store.read_directory()).calls_to_action.values())

    calls = with_store(load)
    if as_json:
        print_json(calls)
        return
    rows = [
        (c.id, str(c.version), str(c.medium), c.locale, c.program, c.wording.heading) for c in calls
    ]
    columns = ("id", "version", "medium", "locale", "program", "heading")
    print_table(columns, rows, empty="No call to action yet. Next: consentry call-to-action add")


@call_app.command("show")
def show_call(
    call_id: str,
    *,
    version: Annotated[int | None, typer.Option(help="Else the one shown now.")] = None,
    html: Annotated[bool, typer.Option("--html", help="Print the HTML, byte for byte.")] = False,
    as_json: JSONFlag = False,
) -> None:
    """Show a version: its wording, what it lacks, when it was made, and its hash.

    Example: consentry call-to-action show offers-web --version 1 --html
    """

    async def load(store: Store, _settings: Settings) -> tuple[CallToAction, Directory]:
        directory = await store.read_directory()
        number = version or _find(directory, call_id).version
        call = await store.read_call_to_action(call_id, number)
        if call is None:
            newest = (await store.read_calls_to_action(call_id, Page(limit=1)))[0].version
            fail(f"{call_id} has no version {number}; the newest is {newest}.", code=1)
        return call, directory

    call, directory = with_store(load)
    if html:
        sys.stdout.write(call.html)
        return
    checks = check_call(call, directory)
    told = [
        f"{call.version_id}, {call.medium}, {call.locale}, for {call.program}",
        f"made {call.created_at:%Y-%m-%d %H:%M:%S} UTC by {call.made_by}",
        f"SHA-256 {call.sha256}",
        f"can give: {good_for(checks)} consent",
        "",
        call.wording.heading,
        call.text,
        "",
        *(f"[{'x' if check.is_met else ' '}] {check.says}" for check in checks),
    ]
    tell(call, "\n".join(told), as_json=as_json)


@call_app.command("qr")
def write_code(
    call_id: str,
    *,
    out: Annotated[Path, typer.Option(help="A file that ends with .svg or .png.")],
) -> None:
    """Write a QR code: of the opt-in page, or of a text with the keyword.

    Example: consentry call-to-action qr offers-web --out offers.svg
    """
    # Imported only where a code is drawn, so that other commands start without it.
    from consentry.opt_in import qr_code  # noqa: PLC0415 - see above

    drawing = {".svg": qr_code.draw_svg, ".png": qr_code.draw_png}.get(out.suffix.lower())
    if drawing is None:
        fail(f"{out} ends with neither .svg nor .png. Name the file so.", code=2)

    async def load(store: Store, settings: Settings) -> str:
        directory = await store.read_directory()
        call = _find(directory, call_id)
        address = server_url(settings) + opt_in_path(call.id)
        return qr_code.find_target(call, directory, address)

    target = with_store(load)
    out.write_bytes(drawing(target))
    sys.stdout.write(f"Wrote {out}; it leads to {target}\n")


def _find(directory: Directory, call_id: str) -> CallToAction:
    found = directory.calls_to_action.get(call_id)
    if found is None:
        fail(f"There is no call to action {call_id!r}. See: consentry call-to-action list", code=1)
    return found
