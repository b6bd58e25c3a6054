"""Past decisions, decided again from the ledger."""

import sys

import typer

from consentry.actions.replay import Replayed, replay_decisions
from consentry.cli.database import read_recipient, with_store
from consentry.cli.output import JSONFlag, print_json, print_table
from consentry.domain.gate import Decision
from consentry.opening import build_policy
from consentry.ports import Store
from consentry.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(recipient: str, *, as_json: JSONFlag = False) -> None:
    """Decide everything about RECIPIENT again, from the ledger by the rules of each time.

    Ends with 1 where a decision does not come out as it is in the ledger.

    Example: consentry replay +14155550142
    """

    async def decide_again(store: Store, settings: Settings) -> list[Replayed]:
        number = read_recipient(recipient, settings)
        return await replay_decisions(number, store, build_policy(settings))

    replayed = with_store(decide_again)
    if as_json:
        for one in replayed:
            print_json(_describe(one))
    else:
        _print(recipient, replayed)
    if not all(one.is_same for one in replayed):
        raise typer.Exit(1)


def _print(recipient: str, replayed: list[Replayed]) -> None:
    rows = [
        (
            f"{one.recorded_at:%Y-%m-%d %H:%M:%S}",
            str(one.kind),
            _spell(one.decided),
            "the same" if one.is_same else f"now {_spell(one.again)}",
            one.entry,
        )
        for one in replayed
    ]
    columns = ("recorded (UTC)", "what", "decided", "decided again", "entry")
    print_table(columns, rows, empty=f"The gate never decided about {recipient}.")
    differing = sum(not one.is_same for one in replayed)
    if rows:
        sys.stdout.write(f"{len(rows)} decided again, {differing} of them otherwise.\n")


def _describe(one: Replayed) -> dict[str, object]:
    return {
        "entry": one.entry,
        "same": one.is_same,
        "kind": one.kind,
        "recorded_at": one.recorded_at,
        "by_recorded_rules": one.by_recorded_rules,
        "decided": one.decided,
        "again": one.again,
    }


def _spell(decision: Decision) -> str:
    return f"{decision.decision} ({decision.reason})" if decision.reason else str(decision.decision)
