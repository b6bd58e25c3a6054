"""Commands about one person's consent with a program: asked for, granted, withdrawn."""

import sys
from typing import Annotated

import typer

from consentry.actions.record_consent import (
    ConsentRecorded,
    GrantConsent,
    RevokeConsent,
    Statement,
)
from consentry.actions.request_consent import RequestConsent
from consentry.cli.consents import CLI_ACTOR, parse_time
from consentry.cli.database import read_recipient, with_store
from consentry.cli.expiring import consent_app
from consentry.cli.output import JSONFlag, print_json
from consentry.delivery.limits import LIMITS
from consentry.delivery.quiet import wait_unclaimed
from consentry.domain.entries import Evidence, Medium
from consentry.domain.standing import ConsentLevel
from consentry.ports import Store
from consentry.settings import Settings

_Program = Annotated[str, typer.Option(help="The program's id.")]
_Reason = Annotated[str, typer.Option(help="Why, in words; it is kept.")]
_How = Annotated[Medium, typer.Option("--medium", help="How the person said so.")]
_Shown = Annotated[
    str | None, typer.Option("--shown", help="The wording that they were shown, word for word.")
]
_Verbatim = Annotated[str | None, typer.Option(help="What they said, word for word.")]
_At = Annotated[
    str | None, typer.Option(help="When the person said so, RFC 3339; without it, now.")
]
_Level = Annotated[
    ConsentLevel | None, typer.Option(help="How strong; without it, what the texts need.")
]


def register() -> None:
    """Add these commands to those about consents."""
    consent_app.command("request")(request_consent)
    consent_app.command("grant")(grant_consent)
    consent_app.command("revoke")(revoke_consent)


def _state(recipient: str, reason: str, evidence: Evidence, settings: Settings) -> Statement:
    """Say who told what about whom: whoever is at the command line."""
    number = read_recipient(recipient, settings)
    return Statement(recipient=number, actor=CLI_ACTOR, reason=reason, evidence=evidence)


def _evidence(
    medium: Medium, at: str | None, *, shown: str | None = None, verbatim: str | None = None
) -> Evidence:
    said_at = None if at is None else parse_time(at)
    return Evidence(medium=medium, at=said_at, call_to_action=shown, verbatim=verbatim)


def _tell(recipient: str, recorded: ConsentRecorded, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "entry": recorded.entry,
                "state": recorded.state,
                "note": recorded.note,
                "message": recorded.message,
            }
        )
        return
    note = f" {recorded.note}" if recorded.note else ""
    sys.stdout.write(f"{recipient}: {recorded.state} (entry {recorded.entry}).{note}\n")


def request_consent(
    recipient: str,
    *,
    program: _Program,
    reason: _Reason,
    medium: _How = Medium.WEB,
    call_to_action: Annotated[
        str | None, typer.Option(help="The id of what they were shown, or of a version: id/3.")
    ] = None,
    shown: _Shown = None,
    at: _At = None,
    level: _Level = None,
    sender: Annotated[str | None, typer.Option(help="The number to ask over.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Ask RECIPIENT by one text whether a program may text them; their YES makes it active.

    Nobody is asked twice, nor while their opt-out stands; the answer says what holds it back. A
    running server sends the text.

    Example: consentry consent request +14155550142 --program updates --reason "Signed up on paper"
    """

    async def ask(store: Store, settings: Settings) -> ConsentRecorded:
        evidence = _evidence(medium, at, shown=shown)
        statement = _state(recipient, reason, evidence, settings)
        return await store.submit(RequestConsent(statement, program, level, call_to_action, sender))

    _tell(recipient, with_store(ask), as_json=as_json)


def grant_consent(
    recipient: str,
    *,
    program: _Program,
    reason: _Reason,
    medium: _How = Medium.WEB,
    shown: _Shown = None,
    verbatim: _Verbatim = None,
    at: _At = None,
    level: _Level = None,
    as_json: JSONFlag = False,
) -> None:
    """Record that RECIPIENT consented; it waits for the handset unless they said it by text.

    Example: consentry consent grant +14155550142 --program updates --reason "Form 1142"
    """

    async def record(store: Store, settings: Settings) -> ConsentRecorded:
        evidence = _evidence(medium, at, shown=shown, verbatim=verbatim)
        statement = _state(recipient, reason, evidence, settings)
        return await store.submit(GrantConsent(statement, program, level))

    _tell(recipient, with_store(record), as_json=as_json)


def revoke_consent(
    recipient: str,
    *,
    program: _Program,
    reason: _Reason,
    medium: _How = Medium.PHONE,
    verbatim: _Verbatim = None,
    at: _At = None,
    as_json: JSONFlag = False,
) -> None:
    """Record that RECIPIENT withdrew from one program, on their own word; effective at once.

    Example: consentry consent revoke +14155550142 --program updates --reason "asked by phone"
    """

    async def record(store: Store, settings: Settings) -> ConsentRecorded:
        evidence = _evidence(medium, at, verbatim=verbatim)
        statement = _state(recipient, reason, evidence, settings)
        recorded = await store.submit(RevokeConsent(statement, program))
        await wait_unclaimed(store, recorded.in_flight, seconds=LIMITS.quiet_seconds)
        return recorded

    _tell(recipient, with_store(record), as_json=as_json)
