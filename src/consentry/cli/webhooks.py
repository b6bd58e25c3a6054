"""Commands about webhooks: programs that are told what happens."""

import secrets
import sys
from typing import Annotated

import msgspec
import typer

from consentry.actions.keep_webhooks import (
    RemoveWebhook,
    SavedWebhook,
    build_test_event,
    find_webhook,
    rotate_secret,
    save_webhook,
)
from consentry.actions.replay_notices import check_is_on, replay_all, replay_one
from consentry.cli.consents import parse_time
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table, tell
from consentry.clock import SystemClock, SystemIds
from consentry.domain.notices import EventNotice, Notice
from consentry.domain.webhooks import (
    CHOSEN_TYPES,
    SECRET_BYTES,
    EventType,
    Webhook,
    WebhookHealth,
)
from consentry.ports import ListedNotice, NoticeFilter, Page, Store, Told, Untold
from consentry.settings import Settings

webhook_app = typer.Typer(
    help="Programs of yours that are told what happens.", no_args_is_help=True
)

_Id = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id: consentry webhook list.")]
_Events = Annotated[
    list[str] | None,
    typer.Option("--event", help=f"What to tell, else all: {', '.join(CHOSEN_TYPES)}."),
]
_Brands = Annotated[
    list[str] | None, typer.Option("--brand", help="Of which brand, by its id; else of all.")
]
_Description = Annotated[str | None, typer.Option(help="What it is for, for people.")]
_LISTED = 200


class Shown(msgspec.Struct, frozen=True):
    """A webhook as it is listed, and how telling it went last."""

    webhook: Webhook
    health: WebhookHealth | None


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(webhook_app, name="webhook")


def _read_events(named: list[str]) -> tuple[EventType, ...]:
    try:
        return tuple(EventType(name) for name in named)
    except ValueError:
        fail(f"--event is one of these: {', '.join(CHOSEN_TYPES)}.", code=2)


async def _save(store: Store, settings: Settings, webhook: Webhook) -> SavedWebhook:
    # Imported only where it is used: every command would wait for it.
    from consentry.telling.tellers import (  # noqa: PLC0415
        build_ways,
        build_webhook_teller,
    )

    allowed = settings.webhook_private_networks
    ways = build_ways(build_webhook_teller(store, SystemClock(), allowed), allowed)
    return await save_webhook(
        store, ways.check, webhook, randomness=secrets.token_bytes(SECRET_BYTES)
    )


@webhook_app.command("add")
def add_webhook(
    url: str,
    *,
    events: _Events = None,
    brands: _Brands = None,
    description: _Description = None,
    as_json: JSONFlag = False,
) -> None:
    """Have URL told what happens; prints the secret that signs, this once.

    Example: consentry webhook add https://shop.example.com/consentry --event consent.revoked
    """
    now = SystemClock().now()
    webhook = Webhook(
        id="",
        url=url,
        created_at=now,
        updated_at=now,
        events=_read_events(events or []),
        brands=tuple(brands or []),
        description=description or "",
    )
    saved = with_store(lambda store, settings: _save(store, settings, webhook))
    shown = {**msgspec.to_builtins(saved.webhook), "secret": saved.secret}
    tell(shown, f"{saved.webhook.id} is told. Its secret: {saved.secret}", as_json=as_json)


@webhook_app.command("list")
def list_webhooks(*, as_json: JSONFlag = False) -> None:
    """List who is told, and how it went last.

    Example: consentry webhook list
    """
    shown = with_store(lambda store, _settings: _read_shown(store))
    if as_json:
        print_json([_view(one) for one in shown])
        return
    rows = [
        (
            one.webhook.id,
            one.webhook.url,
            ", ".join(one.webhook.events) or "all",
            tell_state(one.webhook),
            tell_last(one.health),
        )
        for one in shown
    ]
    columns = ("webhook", "url", "events", "state", "last")
    print_table(columns, rows, empty="No webhook yet. Next: consentry webhook add URL")


async def _read_shown(store: Store) -> list[Shown]:
    health = {one.id: one for one in await store.read_webhook_health()}
    webhooks = (await store.read_directory()).webhooks.values()
    return [Shown(webhook, health.get(webhook.id)) for webhook in webhooks]


def _view(shown: Shown) -> dict[str, object]:
    return {**msgspec.to_builtins(shown.webhook), "last": msgspec.to_builtins(shown.health)}


def tell_state(webhook: Webhook) -> str:
    """Say in a word or two whether a webhook is told."""
    if webhook.enabled:
        return "on"
    return "off" if webhook.disabled_because is None else f"off: {webhook.disabled_because}"


def tell_last(health: WebhookHealth | None) -> str:
    """Say in a few words how telling went last."""
    if health is None or health.at is None:
        return "nothing told yet"
    at = f"{health.at:%Y-%m-%d %H:%M:%S}Z"
    return f"{at} taken ({health.status})" if health.why is None else f"{at} {health.why}"


@webhook_app.command("show")
def show_webhook(webhook: _Id, *, as_json: JSONFlag = False) -> None:
    """Show one, and how telling it went last; never its secret.

    Example: consentry webhook show whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD
    """

    async def read(store: Store, _settings: Settings) -> Shown:
        found = await find_webhook(store, webhook)
        return next(one for one in await _read_shown(store) if one.webhook.id == found.id)

    shown = with_store(read)
    if as_json:
        print_json(_view(shown))
        return
    known = shown.webhook
    lines = {
        "webhook": known.id,
        "url": known.url,
        "events": ", ".join(known.events) or "all",
        "brands": ", ".join(known.brands) or "all",
        "description": known.description,
        "state": tell_state(known),
        "last": tell_last(shown.health),
    }
    for name, value in lines.items():
        sys.stdout.write(f"{name:<12} {value}".rstrip() + "\n")


@webhook_app.command("change")
def change_webhook(
    webhook: _Id,
    *,
    url: Annotated[str | None, typer.Option(help="Where to post from now on.")] = None,
    events: _Events = None,
    all_events: Annotated[bool, typer.Option("--all-events", help="Tell everything.")] = False,
    brands: _Brands = None,
    all_brands: Annotated[bool, typer.Option("--all-brands", help="Of every brand.")] = False,
    description: _Description = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Change one; what is not named stays.

    Example: consentry webhook change whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD --on
    """
    if (events and all_events) or (brands and all_brands):
        fail("Name events or --all-events, brands or --all-brands, not both.", code=2)
    named = {
        "url": url,
        "events": _read_events(events or []) if events or all_events else None,
        "brands": tuple(brands or []) if brands or all_brands else None,
        "description": description,
        "enabled": enabled,
    }
    wanted = {name: value for name, value in named.items() if value is not None}

    async def change(store: Store, settings: Settings) -> Webhook:
        known = await find_webhook(store, webhook)
        return (await _save(store, settings, msgspec.structs.replace(known, **wanted))).webhook

    changed = with_store(change)
    tell(changed, f"{changed.id} is changed and {tell_state(changed)}.", as_json=as_json)


@webhook_app.command("remove")
def remove_webhook(webhook: _Id, *, as_json: JSONFlag = False) -> None:
    """Take one away: it is told nothing more.

    Example: consentry webhook remove whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD
    """
    removed = with_store(lambda store, _settings: store.submit(RemoveWebhook(webhook)))
    tell(removed, f"{removed.url} is told nothing more.", as_json=as_json)


@webhook_app.command("test")
def try_webhook(webhook: _Id, *, as_json: JSONFlag = False) -> None:
    """Post a test event now and say what came of it; ends with 1 where it was not taken.

    Example: consentry webhook test whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD
    """

    async def post(store: Store, settings: Settings) -> Told | Untold:
        # Imported only where it is used: every command would wait for it.
        from consentry.telling.tellers import build_webhook_teller  # noqa: PLC0415

        clock = SystemClock()
        teller = build_webhook_teller(store, clock, settings.webhook_private_networks)
        try:
            known = await find_webhook(store, webhook)
            return await teller.post(known, build_test_event(known, clock, SystemIds()))
        finally:
            await teller.close()

    told = with_store(post)
    if isinstance(told, Untold):
        tell(
            {"taken": False, "status": told.status, "why": told.why},
            f"Not taken. {told.why}",
            as_json=as_json,
        )
        raise typer.Exit(1)
    taken = {"taken": True, "status": told.status, "why": None}
    tell(taken, f"Taken, with HTTP {told.status}.", as_json=as_json)


@webhook_app.command("rotate-secret")
def rotate_webhook_secret(webhook: _Id, *, as_json: JSONFlag = False) -> None:
    """Give one a new secret, printed this once; the one of before signs as well for 24 hours.

    Example: consentry webhook rotate-secret whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD
    """
    randomness = secrets.token_bytes(SECRET_BYTES)
    secret = with_store(
        lambda store, _settings: rotate_secret(store, webhook, randomness=randomness)
    )
    tell({"secret": secret}, f"Its secret is now: {secret}", as_json=as_json)


@webhook_app.command("events")
def list_events(
    webhook: Annotated[
        str | None, typer.Argument(metavar="[WEBHOOK]", help="Of which; else of all programs.")
    ] = None,
    *,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="What waits for its next try, not what failed.")
    ] = False,
    as_json: JSONFlag = False,
) -> None:
    """List what could not be told, the latest first, with each try and its reason.

    Programs at the Twilio-compatible door are among them.

    Example: consentry webhook events whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD
    """

    async def read(store: Store, _settings: Settings) -> list[ListedNotice]:
        if webhook is not None:
            await find_webhook(store, webhook)
        wanted = NoticeFilter(given_up=not waiting, lane=webhook)
        return (await store.list_notices(wanted, Page(_LISTED))).items

    found = with_store(read)
    if as_json:
        print_json([_view_notice(one) for one in found])
        return
    rows = [
        (
            one.notice.id,
            what_of(one.notice),
            f"{one.notice.made_at:%Y-%m-%d %H:%M:%S}Z",
            str(one.notice.attempts),
            _tell_reason(one.notice),
        )
        for one in found
    ]
    columns = ("delivery", "event", "happened", "tries", "why")
    print_table(columns, rows, empty="Nothing waits." if waiting else "Nothing failed.")


def what_of(notice: Notice) -> str:
    """Name what a notice tells."""
    return str(notice.event if isinstance(notice, EventNotice) else f"twilio.{notice.kind}")


def _tell_reason(notice: Notice) -> str:
    last = notice.tries[-1].why if notice.tries else ""
    return notice.given_up or last


def _view_notice(listed: ListedNotice) -> dict[str, object]:
    notice = listed.notice
    return {
        "id": notice.id,
        "event": what_of(notice),
        "webhook": notice.webhook if isinstance(notice, EventNotice) else None,
        "url": None if isinstance(notice, EventNotice) else notice.callback.url,
        "made_at": msgspec.to_builtins(notice.made_at),
        "due_at": None if notice.given_up else msgspec.to_builtins(listed.at),
        "attempts": notice.attempts,
        "why": notice.given_up,
        "tries": msgspec.to_builtins(notice.tries),
    }


@webhook_app.command("replay")
def replay(
    what: Annotated[
        str, typer.Argument(metavar="ID", help="One delivery, or a webhook: all that failed.")
    ],
    *,
    since: Annotated[
        str | None, typer.Option(help="Of a webhook: what happened from then on (RFC 3339).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="And no later than that.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Have told anew what could not be told: one thing, or all of a webhook and a time.

    Example: consentry webhook replay whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD --since 2026-11-30T09:00:00Z
    """
    is_webhook = what.startswith("whk_")
    if not is_webhook and (since is not None or until is not None):
        fail("--since and --until go with a webhook, not with one delivery.", code=2)

    wanted = NoticeFilter(
        lane=what,
        since=None if since is None else parse_time(since),
        until=None if until is None else parse_time(until),
    )

    async def run(store: Store, _settings: Settings) -> int:
        if not is_webhook:
            await replay_one(store, what)
            return 1
        await check_is_on(store, what)
        return await replay_all(store, wanted)

    count = with_store(run)
    told = "1 delivery is" if count == 1 else f"{count} deliveries are"
    tell({"replayed": count}, f"{told} tried anew by the server.", as_json=as_json)
