"""The chapters of the document, each from the case alone."""

from typing import Final

from consentry.domain.entries import Entry, EntryKind, Evidence
from consentry.domain.evidence.case import Case, Checklist, LogLine, PolicyThen
from consentry.domain.evidence.gaps import Gap
from consentry.domain.evidence.words import Word
from consentry.domain.gate import Verdict
from consentry.domain.messages import Direction, Message
from consentry.domain.phone import group_number
from consentry.domain.standing import EVERYTHING, Block, BlockState, Consent, Suppression
from consentry.evidence.document import (
    Cell,
    Part,
    Row,
    Section,
    count,
    spell_name,
    spell_seconds,
    spell_stamp,
    spell_time,
)

_VERDICTS: Final = {
    Verdict.ALLOW: "allowed",
    Verdict.DEFER: "put off",
    Verdict.DENY: "refused",
}
_SAID: Final = {
    EntryKind.OPTED_IN: "Opted in",
    EntryKind.OPTED_OUT: "Opted out",
    EntryKind.HELP_ASKED: "Asked for help",
    EntryKind.CONSENT_GRANTED: "Consent recorded",
    EntryKind.CONSENT_REVOKED: "Consent withdrawn",
    EntryKind.CONSENT_REQUESTED: "Asked for consent",
    EntryKind.SUPPRESSED: "Put on a do-not-text list",
}


def show_number(number: str) -> str:
    """Write a number as people do; what is no E.164 stays as it is."""
    return group_number(number) if number.startswith("+") else number


def tell_standing(case: Case) -> Section:
    """Tell what stands at the end of the period."""
    standing = case.standing
    rows = [
        *[_tell_consent(one, case) for one in standing.consents],
        *[_tell_block(one) for one in standing.blocks if one.state is not BlockState.OPEN],
        *[_tell_suppression(one) for one in standing.suppressions if one.active],
    ]
    head = ("with", "what", "state", "since (UTC)", "by")
    return Section(
        "standing",
        "What stands at the end of the period",
        ("By the entries in this bundle, folded in their order.",),
        (Part(columns=(1.5, 1, 1, 1.2, 1), head=head, rows=tuple(rows)),),
    )


def _tell_consent(consent: Consent, case: Case) -> Row:
    program = case.material.directory.program(consent.program)
    name = consent.program if program is None else program.name
    state = consent.state_at(case.material.scope.until)
    return (
        Cell(name),
        Cell(f"{spell_name(consent.level)} consent"),
        Cell(spell_name(state), kind="strong"),
        Cell(spell_stamp(consent.since)),
        Cell(consent.entry, kind="code"),
    )


def _tell_block(block: Block) -> Row:
    return (
        Cell(show_number(block.scope)),
        Cell(f"block, {block.layer}"),
        Cell(spell_name(block.state), small=(spell_name(block.cause),), kind="strong"),
        Cell(spell_stamp(block.since)),
        Cell(block.entry, kind="code"),
    )


def _tell_suppression(suppression: Suppression) -> Row:
    lifted = tuple(f"not for {show_number(sender)}" for sender in suppression.lifted_for)
    whole = suppression.scope == EVERYTHING
    return (
        Cell("every brand" if whole else suppression.scope),
        Cell("do not text", small=lifted),
        Cell("in force", small=(spell_name(suppression.cause),), kind="strong"),
        Cell(spell_stamp(suppression.since)),
        Cell(suppression.entry, kind="code"),
    )


def tell_words(case: Case) -> Section:
    """Tell every opt-in, opt-out and request for help, in the words it was said in."""
    head = ("recorded (UTC)", "what", "words, and how they were read", "in force after", "entry")
    lines = (
        (
            "Every opt-in, opt-out and request for help, with what was recorded by other ways. The "
            "time of the entry is when it was in force."
        ),
    )
    rows = tuple(_tell_word(word) for word in case.words)
    part = Part(columns=(1.2, 1.3, 2.2, 1.5, 1), head=head, rows=rows)
    if not rows:
        part = Part(lines=("None in this period.",))
    return Section("words", "Opt-ins, opt-outs and requests for help", lines, (part,))


def tell_recorded(entry: Entry, *small: str) -> Cell:
    """Tell when an entry was recorded, so that it can be held to the entry."""
    value = entry.recorded_at.isoformat().replace("+00:00", "Z")
    time = spell_stamp(entry.recorded_at)
    return Cell(time, small=small, entry=entry.id, field="recorded_at", value=value)


def _tell_word(word: Word) -> Row:
    entry = word.entry
    over = f"over {show_number(entry.sender)}" if entry.sender else ""
    program = f"program {entry.program}" if entry.program else ""
    late = "older than their last word, so it changed nothing" if entry.superseded else ""
    small = tuple(filter(None, (over, program, f"by {_tell_actor(entry)}", late)))
    said = Cell("(no words kept)", small=_tell_readings(entry))
    if word.verbatim is not None:
        said = Cell(word.verbatim, _tell_readings(entry), "quote", entry.id, word.field)
    return (
        tell_recorded(entry),
        Cell(_SAID[entry.kind], small=small, kind="strong"),
        said,
        _tell_latency(word),
        Cell(entry.id, kind="code", entry=entry.id, field="id"),
    )


def _tell_actor(entry: Entry) -> str:
    kind = "the person" if entry.actor.kind == "person" else f"{entry.actor.kind}"
    return kind if entry.actor.id in (None, entry.recipient) else f"{kind} {entry.actor.id}"


def _tell_readings(entry: Entry) -> tuple[str, ...]:
    told = []
    if entry.carrier_reading is not None:
        read = entry.carrier_reading
        rule = f", rule {read.rule}" if read.rule else ""
        told.append(f"carrier: {spell_name(read.word)}{rule}, version {read.version}")
    if entry.legal_reading is not None:
        law = entry.legal_reading
        rule = f", rule {law.rule}" if law.rule else ""
        told.append(f"law: {spell_name(law.meaning)}, tier {law.tier}{rule}, version {law.version}")
    if entry.evidence is not None:
        told.append(f"medium: {spell_name(entry.evidence.medium)}")
    if entry.reason:
        told.append(f"reason: {entry.reason}")
    return tuple(told)


def _tell_latency(word: Word) -> Cell:
    small = []
    if word.received_at is not None:
        small.append(f"received {spell_stamp(word.received_at)}")
    if word.clock is not None:
        late = ", too late" if word.clock.is_late else ""
        small.append(f"the law asks for it by {word.clock.due_on}{late}")
    answer = word.confirmation
    if answer is not None and answer.by_carrier:
        small.append("confirmed by the carrier, in whose place we may not answer")
    elif answer is not None and answer.seconds is not None:
        late = "" if answer.is_in_time else ", LATER THAN 5 MINUTES"
        small.append(f"confirmed after {spell_seconds(answer.seconds)}{late}: {answer.message}")
    elif word.entry.kind is EntryKind.OPTED_OUT:
        small.append("no confirmation was sent")
    return Cell("" if word.seconds is None else spell_seconds(word.seconds), small=tuple(small))


def tell_consents(case: Case) -> Section:
    """Tell each program's newest consent: what was shown, and what consent of its kind needs."""
    parts = tuple(_tell_checklist(one, case) for one in case.checklists)
    lines = (
        (
            "The newest evidence of each program, held against what its kind of consent needs. "
            "What the evidence does not show is marked so, and not filled in."
        ),
    )
    nothing = (Part(lines=("No consent with a program is recorded, only conversations.",)),)
    return Section("consents", "Consent by program, and what was shown", lines, parts or nothing)


def _tell_checklist(checklist: Checklist, case: Case) -> Part:
    entry, program = checklist.entry, checklist.program
    rows = tuple(
        (
            Cell("shown" if item.is_met else "NOT SHOWN", kind="text" if item.is_met else "strong"),
            Cell(item.says, small=() if item.is_met else (item.missing,)),
            Cell(item.source),
        )
        for item in checklist.items
    )
    verdict = f"{count(checklist.missing, 'item')} of {len(rows)} not shown"
    if rows and not checklist.missing:
        verdict = f"all {len(rows)} items shown"
    needs = f"Express written consent: {verdict}." if rows else "No written consent is needed."
    return Part(
        title=f"{program.name}, by {checklist.brand} ({program.purpose})",
        lines=(
            f"{_SAID[entry.kind]} {spell_time(entry.recorded_at)}, entry {entry.id}. {needs}",
            *_tell_evidence(checklist.evidence, case),
        ),
        quote=checklist.evidence.call_to_action or "",
        columns=(0.5, 2, 1.4),
        head=("", "what it needs", "source"),
        rows=rows,
    )


def _tell_evidence(evidence: Evidence, case: Case) -> tuple[str, ...]:
    version = evidence.call_to_action_version
    stored = "" if version is None or version not in case.material.calls else ", in this bundle"
    told = {
        "Medium": spell_name(evidence.medium),
        "Done": evidence.action,
        "Words": evidence.verbatim,
        "Time by the evidence": None if evidence.at is None else spell_time(evidence.at),
        "Clock": evidence.clock,
        "Page": evidence.page_url,
        "IP address": evidence.ip,
        "Browser": evidence.user_agent,
        "Name given": evidence.name,
        "Shown": None if version is None else f"version {version}{stored}",
        "SHA-256 of it": evidence.call_to_action_sha256,
        "Language": evidence.locale,
        "Note": evidence.note,
    }
    return ("; ".join(f"{name}: {value}" for name, value in told.items() if value) + ".",)


def tell_log(case: Case, lines_max: int | None = None) -> Section:
    """Tell every text and every refused attempt; `lines_max`: only so many, the newest."""
    log = case.log if lines_max is None else case.log[-lines_max:]
    left = len(case.log) - len(log)
    lines = [f"{count(len(case.log), 'line')}, oldest first. The smaller time is the person's own."]
    if left:
        lines.append(
            f"The oldest {left:,} are not drawn here: they are in evidence.html and "
            "messages.jsonl of this bundle."
        )
    head = ("time (UTC)", "which way", "words", "what became of it", "decision")
    rows = tuple(_tell_line(line) for line in log)
    part = Part(columns=(1.3, 1.1, 2, 1.7, 1.6), head=head, rows=rows)
    return Section("log", "Every text, and every refused attempt", tuple(lines), (part,))


def _tell_line(line: LogLine) -> Row:
    message = line.message
    at = Cell(spell_stamp(line.at), small=(f"there {_tell_local(line)}",))
    if message is None:
        return _tell_refused(line, at)
    inbound = message.direction is Direction.INBOUND
    way = f"{'to' if inbound else 'from'} {show_number(message.sender)}"
    kind = () if message.kind == "message" else (spell_name(message.kind),)
    return (
        at,
        Cell("received" if inbound else "sent", (way, *kind)),
        Cell(message.body, _tell_media(message), "quote"),
        _tell_outcome(line, message),
        _decide(line),
    )


def _tell_refused(line: LogLine, at: Cell) -> Row:
    entry = line.entry
    if entry is None or entry.text is None:
        return (at, Cell("refused"), Cell(""), Cell("not sent"), _decide(line))
    way = f"from {show_number(entry.sender or '')}"
    words = Cell(entry.text, (), "quote", entry.id, "text")
    return (at, Cell("refused", (way,)), words, Cell("not sent"), _decide(line))


def _tell_local(line: LogLine) -> str:
    """Tell the person's own time, and the day only where it is another one."""
    says = line.local.says
    return says.removeprefix(f"{line.at:%Y-%m-%d} ")


def _tell_media(message: Message) -> tuple[str, ...]:
    attached = (count(len(message.media), "attachment"),) if message.media else ()
    return (*attached, f"text {message.id}")


def _tell_outcome(line: LogLine, message: Message) -> Cell:
    small = []
    if message.carrier_message_id:
        small.append(f"carrier's id {message.carrier_message_id}")
    if message.error_code:
        small.append(f"code {message.error_code}")
    for receipt in line.receipts:
        code = f", code {receipt.error_code}" if receipt.error_code else ""
        small.append(f"receipt {spell_name(receipt.status)} {spell_stamp(receipt.at)}{code}")
    return Cell(spell_name(message.status), small=tuple(small))


def _decide(line: LogLine) -> Cell:
    decision = line.decision
    if decision is None or line.entry is None:
        return Cell("")
    reason = f": {spell_name(decision.reason)}" if decision.reason else ""
    small = (f"rule {', '.join(decision.rules)}", f"entry {line.entry.id}")
    return Cell(f"{_VERDICTS[decision.decision]}{reason}", small=small)


def tell_policies(case: Case) -> Section:
    """Tell by which policies it was decided."""
    rows = tuple(_tell_policy(then) for then in case.policies)
    head = ("version", "first used (UTC)", "decisions")
    part = Part(columns=(3, 1, 0.6), head=head, rows=rows)
    lines = (
        "A policy's version spells its values; policies.json has each as the ledger recorded it.",
    )
    return Section("policies", "Policies in force", lines, (part,))


def _tell_policy(then: PolicyThen) -> Row:
    missing = () if then.policy is not None else ("not recorded in the ledger",)
    return (
        Cell(then.version, missing, "code"),
        Cell(spell_stamp(then.first_used_at)),
        Cell(f"{then.decisions:,}"),
    )


def tell_gaps(gaps: tuple[Gap, ...]) -> Section:
    """Tell what is missing."""
    rows = tuple(
        (
            Cell(f"{gap.count:,}"),
            Cell(gap.says, small=(gap.means,)),
            Cell(", ".join(filter(None, gap.named[:3])) + (" …" if gap.count > 3 else "")),
        )
        for gap in gaps
    )
    part = Part(columns=(0.5, 3, 1.4), head=("how many", "what is missing", "the first"), rows=rows)
    lines = ("What this bundle lacks. Nothing of it was filled in. gaps.json names the entries.",)
    return Section("gaps", "What is missing", lines, (part,))
