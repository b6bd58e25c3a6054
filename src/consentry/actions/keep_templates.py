"""Named wordings: judged before they are kept, changed and taken away."""

from datetime import date

import msgspec

from consentry.actions.record_audit import SYSTEM, audit_setting, build_entry
from consentry.domain.directory import Brand
from consentry.domain.entries import Actor, EntryKind
from consentry.domain.replies import fill_in
from consentry.domain.templates import BODY_CHARACTERS_MAX, NAME_CHARACTERS_MAX, Template
from consentry.domain.wording_lint import Finding, Level, Size, WordingKind, lint_wording
from consentry.ports import Change, Facts, Needs, Rejected
from consentry.wire.gsm7 import Segments, count_segments, outside_gsm7


class Judgement(msgspec.Struct, frozen=True):
    """What is to say about a wording, with what we fill in filled in."""

    filled: str
    size: Segments
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep a wording from going out."""
        return tuple(one for one in self.findings if one.level is Level.ERROR)


def judge_wording(
    kind: WordingKind, body: str, brand: Brand, *, today: date, program: str | None = None
) -> Judgement:
    """Judge a wording by the rules in force; `program` is the name of what it is for."""
    filled = fill_in(body, brand)
    counted = count_segments(filled)
    size = Size(counted.segments, outside_gsm7(filled))
    findings = lint_wording(kind, body, brand, size=size, today=today, program=program)
    return Judgement(filled, counted, findings)


class SaveTemplate(msgspec.Struct, frozen=True):
    """Keep a wording, new or changed; `known` is the template as it was."""

    template: Template
    by: Actor = SYSTEM
    known: Template | None = None

    def needs(self) -> Needs:
        """Ask for nothing: the directory is always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Template, Change]:
        """Decide; raises `Rejected` for a missing brand or name, and for what may not go out."""
        template = self.template
        brand = facts.directory.brands.get(template.brand)
        if brand is None:
            raise Rejected(
                "unknown_brand", f"There is no brand {template.brand!r}. Add it first.", status=404
            )
        if not 0 < len(template.name.strip()) <= NAME_CHARACTERS_MAX:
            raise Rejected(
                "name_missing",
                f"A template needs a name of at most {NAME_CHARACTERS_MAX} characters.",
                status=422,
            )
        _check_wording(template, brand, facts.now.date())
        template = msgspec.structs.replace(
            template,
            id=template.id or facts.ids.new("tpl"),
            created_at=facts.now if self.known is None else self.known.created_at,
            updated_at=facts.now,
        )
        entries = audit_setting(
            f"template {template.name}",
            self.known,
            template,
            facts=facts,
            by=self.by,
            hidden=("created_at", "updated_at", "deleted_at"),
        )
        return template, Change(entries=entries, records=(template,))


def _check_wording(template: Template, brand: Brand, today: date) -> None:
    if not 0 < len(template.body.strip()) <= BODY_CHARACTERS_MAX:
        raise Rejected(
            "wording_invalid",
            f"A wording has 1 to {BODY_CHARACTERS_MAX} characters.",
            status=422,
        )
    errors = judge_wording(template.kind, template.body, brand, today=today).errors
    if errors:
        said = " ".join(one.says for one in errors)
        raise Rejected("wording_invalid", f"This wording may not go out. {said}", status=422)


class DeleteTemplate(msgspec.Struct, frozen=True):
    """Take a wording away; it is listed no more."""

    known: Template
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Template, Change]:
        """Mark it as deleted; the first time stays."""
        if self.known.deleted_at is not None:
            return self.known, Change()
        deleted = msgspec.structs.replace(self.known, deleted_at=facts.now)
        text = f"template {deleted.name} deleted"
        entry = build_entry(EntryKind.SETTING_CHANGED, facts, self.by, text=text)
        return deleted, Change(entries=(entry,), records=(deleted,))
