"""The command that makes a bundle of evidence."""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from consentry.cli.consents import CLI_ACTOR, parse_time
from consentry.cli.database import read_recipient, with_store
from consentry.cli.output import JSONFlag, fail, print_json
from consentry.cli.written_files import written_whole
from consentry.clock import SystemClock
from consentry.opening import build_evidence_maker
from consentry.ports import EvidenceMade, EvidenceWanted, Store
from consentry.settings import Settings


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("evidence")(write_evidence)


def write_evidence(
    recipient: str,
    *,
    out: Annotated[Path, typer.Option(help="The zip to write; one that is there is replaced.")],
    since: Annotated[
        str | None, typer.Option("--from", help="From then on, RFC 3339; else from the first.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to then, RFC 3339; else up to now.")] = None,
    sender: Annotated[str | None, typer.Option(help="Held to one of our numbers.")] = None,
    brand: Annotated[str | None, typer.Option(help="Held to a brand's numbers.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Write what is known of RECIPIENT's consent into a zip that proves itself.

    Whoever gets it checks it with the verify.py in it, by Python alone. That it was made is itself
    on record.

    Example: consentry evidence +14155550142 --out evidence.zip --from 2026-01-01
    """
    if out.is_dir():
        fail(f"{out} is a folder. Name the file to write, such as evidence.zip.", code=2)
    if out.suffix.casefold() not in {"", ".zip"}:
        fail(f"{out.name} would be a zip all the same. Let it end in .zip.", code=2)
    if not out.parent.is_dir():
        fail(f"There is no folder {out.parent}. Make it, or name another place.", code=2)
    begin, end = (None if text is None else parse_time(text) for text in (since, until))

    async def make(store: Store, settings: Settings) -> EvidenceMade:
        number = read_recipient(recipient, settings)
        return await _make(
            store, settings, EvidenceWanted(number, begin, end, sender=sender, brand=brand)
        )

    try:
        with written_whole(out) as file:
            made = with_store(make, keeps_log=True)
            file.write(made.content)
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}. Name another place.", code=2)
    _tell(made, out, as_json=as_json)


async def _make(store: Store, settings: Settings, wanted: EvidenceWanted) -> EvidenceMade:
    # Imported where it is used, so that other commands start without it.
    from consentry.cli.progress import Steps  # noqa: PLC0415 - see above

    steps = Steps(3)
    with steps.shown():
        maker = build_evidence_maker(store, settings, SystemClock(), steps.step)
        return await maker.make(wanted, CLI_ACTOR)


def _tell(made: EvidenceMade, out: Path, *, as_json: bool) -> None:
    digest = sha256(made.content).hexdigest()
    if as_json:
        print_json(
            {
                "file": str(out),
                "sha256": digest,
                "size": len(made.content),
                "entries": made.entries,
                "proved": made.proved,
                "texts": made.texts,
                "gaps": made.gaps,
            }
        )
        return
    lines = [
        f"Wrote {out}.",
        f"{made.entries:,} entries, {made.proved:,} of them proved, and {made.texts:,} texts.",
        f"SHA-256 {digest}",
        *(["Missing, and not filled in:"] if made.gaps else []),
        *(f"  {gap}" for gap in made.gaps),
        f"Check it: unpack it and run python3 verify.py, or python3 verify.py {out.name}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
