"""Commands about consent: check, read, send, history."""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from consentry.actions.check import check
from consentry.actions.outgoing import Draft
from consentry.actions.read_ledger import read_all_entries
from consentry.actions.replay import Past, PastDecision
from consentry.actions.send_message import SendMessage, Sent
from consentry.cli.database import read_recipient, with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.clock import SystemClock
from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor, ActorKind, Entry
from consentry.domain.gate import Door, Request, Verdict
from consentry.domain.keywords import read_carrier, read_legal
from consentry.domain.reading import CarrierWord, SenderKind
from consentry.opening import build_policy
from consentry.ports import Store
from consentry.settings import Settings

CLI_ACTOR = Actor(ActorKind.AGENT, "command line")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("check")(check_recipient)
    app.command("read")(read_texts)
    app.command("send")(send)
    app.command("history")(show_history)


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time, as UTC; without a zone it is UTC already."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{text!r} is no time. Write it as 2026-11-23T10:00:00Z.", code=2)


def check_recipient(
    sender: str,
    recipient: str,
    *,
    at: Annotated[str | None, typer.Option(help="Ask for a past time, RFC 3339.")] = None,
    purpose: Annotated[Purpose | None, typer.Option(help="What the text is for.")] = None,
    program: Annotated[str | None, typer.Option(help="The program consented to.")] = None,
    as_json: JSONFlag = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 where the answer is no.")
    ] = False,
) -> None:
    """Ask whether SENDER may text RECIPIENT, now or at a past time.

    Example: consentry check +14155550100 +14155550142 --purpose conversational
    """

    async def ask(store: Store, settings: Settings) -> PastDecision:
        request = Request(
            recipient=read_recipient(recipient, settings),
            sender=sender,
            purpose=purpose,
            program=program,
        )
        policy = build_policy(settings)
        if at is not None:
            return await Past(store, policy).check(request, parse_time(at))
        now = SystemClock().now()
        return PastDecision(await check(request, store, policy, now), by_recorded_rules=True)

    answered = with_store(ask)
    decision = answered.decision
    if as_json:
        print_json(decision)
    else:
        reason = f" ({decision.reason})" if decision.reason else ""
        sys.stdout.write(f"{decision.decision}{reason}: {decision.detail}\n")
        if at is not None:
            _explain(answered)
    if exit_code and decision.decision is not Verdict.ALLOW:
        raise typer.Exit(1)


def _explain(answered: PastDecision) -> None:
    """Say what a decision of a past time rests on."""
    decision = answered.decision
    piece = decision.block or decision.suppression or decision.consent
    evidence = "" if piece is None else f", by entry {piece.entry} of {piece.since:%Y-%m-%d %H:%M}"
    sys.stdout.write(
        f"by rule {', '.join(decision.rules)}{evidence}, policy {decision.policy_version}\n"
    )
    if not answered.by_recorded_rules:
        sys.stdout.write(
            "The ledger does not reach back to what was set up then: the first that it has of "
            "senders, programs and policy stood in.\n"
        )


def read_texts(
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...")] = None,
    *,
    kind: Annotated[SenderKind, typer.Option(help="The kind of sender that was texted.")] = (
        SenderKind.LONG_CODE
    ),
    carrier: Annotated[str, typer.Option(help="Who carries for that sender.")] = "twilio",
    as_json: JSONFlag = False,
) -> None:
    """Show what each reader makes of a text: the carrier's, and the legal one.

    Without TEXT, texts are read from standard input, a JSON string on each line.

    Example: consentry read "please stop texting me" --kind toll_free
    """
    people_look = bool(texts) and sys.stdout.isatty() and not as_json
    at = SystemClock().now()
    for text in texts or _lines(sys.stdin):
        line = _read_one(text, carrier=carrier, kind=kind, at=at)
        if people_look:
            tier = f" ({line['tier']})" if line["tier"] != "none" else ""
            sys.stdout.write(
                f"{line['text']!r}: carrier reads {line['carrier']}, "
                f"the law reads {line['legal']}{tier}, by rule {line['rule']}\n"
            )
        else:
            print_json(line)


def _lines(stream: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            text = json.loads(line)
        except ValueError:
            text = None
        if not isinstance(text, str):
            fail(f'line {number} is no JSON string. Write each text as "...", on one line.', code=2)
        yield text


def _read_one(text: str, *, carrier: str, kind: SenderKind, at: datetime) -> dict[str, str | None]:
    carried = read_carrier(text, carrier=carrier, kind=kind, at=at)
    legal = read_legal(text)
    return {
        "text": text,
        "carrier": str(carried.word),
        "legal": str(legal.meaning),
        "tier": str(legal.tier),
        "rule": legal.rule or (carried.rule if carried.word is not CarrierWord.NONE else None),
    }


def send(
    sender: str,
    recipient: str,
    body: str,
    *,
    purpose: Annotated[Purpose | None, typer.Option(help="What the text is for.")] = None,
    program: Annotated[str | None, typer.Option(help="The program consented to.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Put a text in the outbox, if the gate allows it; a running server delivers it.

    Example: consentry send +14155550100 +14155550142 "It left today."
    """

    async def queue(store: Store, settings: Settings) -> Sent:
        draft = Draft(
            recipient=read_recipient(recipient, settings),
            sender=sender,
            body=body,
            actor=CLI_ACTOR,
            door=Door.API,
            purpose=purpose,
            program=program,
        )
        return await store.submit(SendMessage(draft))

    sent = with_store(queue)
    decision = sent.decision
    if as_json:
        print_json({"id": sent.message, "status": sent.status, "decision": decision})
    elif decision.until is not None and sent.message is not None:
        sys.stdout.write(
            f"scheduled as {sent.message}, not before {decision.until:%Y-%m-%d %H:%M} UTC "
            f"({decision.reason}): {decision.detail}\n"
        )
    elif sent.message is not None:
        sys.stdout.write(f"queued as {sent.message}\n")
    if sent.message is None:
        if as_json:
            raise typer.Exit(1)
        fail(f"not sent, {decision.reason}: {decision.detail}", code=1)


def show_history(recipient: str, *, as_json: JSONFlag = False) -> None:
    """Show everything the ledger has of RECIPIENT, oldest first.

    Example: consentry history +14155550142
    """

    async def load(store: Store, settings: Settings) -> list[Entry]:
        return await read_all_entries(read_recipient(recipient, settings), store)

    entries = with_store(load)
    if as_json:
        for entry in entries:
            print_json(entry)
        return
    rows = [
        (
            entry.recorded_at.strftime("%Y-%m-%d %H:%M:%S"),
            str(entry.kind),
            entry.sender or "",
            entry.actor.id or str(entry.actor.kind),
            ": ".join(told for told in (entry.reason, entry.text) if told),
        )
        for entry in entries
    ]
    print_table(
        ("recorded (UTC)", "what", "sender", "by", "reason and text"),
        rows,
        empty=f"The ledger has nothing of {recipient}.",
    )
