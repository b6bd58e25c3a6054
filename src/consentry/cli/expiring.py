"""Commands about consents as a list: which run out soon."""

from datetime import timedelta
from typing import Annotated

import typer

from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, print_json, print_table
from consentry.clock import SystemClock
from consentry.ports import ExpiringConsent, ExpiringFilter, Page, Store
from consentry.settings import Settings

_LISTED_AT_ONCE = 1000

consent_app = typer.Typer(help="Consents as a list.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(consent_app, name="consent")


@consent_app.command("expiring")
def list_expiring(
    *,
    within: Annotated[int, typer.Option(min=1, max=3660, help="Within so many days.")] = 30,
    program: Annotated[str | None, typer.Option(help="With one program alone.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """List the active consents that run out soon, what runs out first first.

    Nothing is sent by itself: ask the person again, or record what renews it.

    Example: consentry consent expiring --within 30
    """

    async def load(store: Store, _settings: Settings) -> list[ExpiringConsent]:
        now = SystemClock().now()
        programs = None if program is None else (program,)
        wanted = ExpiringFilter(now, now + timedelta(days=within), programs)
        found = await store.read_expiring(wanted, Page(limit=_LISTED_AT_ONCE))
        items = list(found.items)
        while found.next is not None:
            found = await store.read_expiring(wanted, Page(_LISTED_AT_ONCE, found.next))
            items += found.items
        return items

    items = with_store(load)
    if as_json:
        for item in items:
            print_json(item)
        return
    rows = [
        (
            item.recipient,
            item.consent.program,
            str(item.consent.level),
            "" if item.consent.expires_at is None else f"{item.consent.expires_at:%Y-%m-%d %H:%M}",
        )
        for item in items
    ]
    columns = ("number", "program", "level", "runs out (UTC)")
    print_table(columns, rows, empty=f"No consent runs out within {within} days.")
