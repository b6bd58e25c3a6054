"""The whole document of a case: its lead, what is in it in short, the chapters, how to check it."""

from typing import Final

from consentry.domain.evidence.case import Case
from consentry.domain.evidence.gaps import Gap
from consentry.domain.evidence.proved import Proved
from consentry.domain.messages import Direction
from consentry.evidence.chapters import (
    show_number,
    tell_consents,
    tell_gaps,
    tell_log,
    tell_policies,
    tell_standing,
    tell_words,
)
from consentry.evidence.document import Cell, Document, Part, Section, count, spell_time

CANNOT_SHOW: Final = (
    "What this cannot show: who holds the key. Whoever has both the key and the database could "
    "have written another ledger and signed that. So compare the key and a checkpoint with ones "
    "that were published, or kept by somebody else, before there was a dispute "
    "(verify.py --key KEY --checkpoint FILE). Nor can it show that what never reached the ledger "
    "did not happen."
)


def build_document(
    case: Case, gaps: tuple[Gap, ...], proved: Proved, *, lines_max: int | None = None
) -> Document:
    """Put the chapters together; `lines_max`: how many lines of the log are drawn at most."""
    scope = case.material.scope
    number = show_number(scope.recipient)
    since = "the first entry" if scope.since is None else spell_time(scope.since)
    made = f"made {spell_time(case.material.made_at)}"
    return Document(
        title=f"Evidence of consent: {number}",
        lead=f"What the ledger has of this number from {since} to {spell_time(scope.until)}.",
        subject=f"Evidence of consent: {number}",
        made=made,
        sections=(
            _tell_summary(case, gaps, proved),
            tell_standing(case),
            tell_words(case),
            tell_consents(case),
            tell_log(case, lines_max),
            tell_policies(case),
            tell_gaps(gaps),
            _tell_checking(proved),
        ),
    )


def _tell_summary(case: Case, gaps: tuple[Gap, ...], proved: Proved) -> Section:
    material, scope = case.material, case.material.scope
    sent = sum(m.direction is Direction.OUTBOUND for m in material.messages.values())
    refused = sum(line.message is None for line in case.log)
    held_to = "all senders" if scope.senders is None else ", ".join(map(show_number, scope.senders))
    told = {
        "Number": show_number(scope.recipient),
        "Senders": held_to if scope.brand is None else f"brand {scope.brand}: {held_to}",
        "Made": spell_time(material.made_at),
        "Entries": f"{len(material.entries):,}, of which {len(proved.leaves):,} are proved to be "
        f"in the ledger",
        "Texts": f"{len(material.messages) - sent:,} received, {sent:,} of ours, "
        f"{count(refused, 'refused attempt')}",
        "Words": count(
            len(case.words), "opt-in, opt-out or request", "opt-ins, opt-outs, requests"
        ),
        "Missing": count(len(gaps), "kind of gap", "kinds of gaps") + ", listed at the end",
    }
    rows = tuple((Cell(name, kind="strong"), Cell(value)) for name, value in told.items())
    lines = (
        (
            "Consent entries from before the period are in it too, since what stood when it began "
            "rests on them. Times are UTC; the person's own time stands beside them as far as "
            "anything tells where they are."
        ),
    )
    part = Part(columns=(1, 5), head=("", ""), rows=rows)
    return Section("summary", "In short", lines, (part,))


def _tell_checking(proved: Proved) -> Section:
    parts = []
    if proved.note is not None:
        parts.append(Part(title="Checkpoint", lines=tuple(proved.note.strip().splitlines())))
    parts.append(Part(title="Key", lines=proved.keys))
    lines = (
        (
            "Run python3 verify.py in the unpacked folder, or python3 verify.py BUNDLE.zip: it "
            "needs Python alone. It finds any byte that was changed, checks the signatures, and "
            "computes from each entry's own bytes the root that the checkpoint signs."
        ),
        CANNOT_SHOW,
    )
    return Section("checking", "How to check it", lines, tuple(parts))
