"""Words of keyword campaigns: set up and taken away."""

import msgspec

from consentry.actions.record_audit import SYSTEM, audit_setting, build_entry
from consentry.domain.call_to_action_check import check_call, good_for, missing_checks
from consentry.domain.campaign_keywords import CampaignKeyword, campaign_word, keyword_id
from consentry.domain.directory import Directory, Program, Purpose
from consentry.domain.entries import Actor, EntryKind
from consentry.domain.keyword_lint import find_fault
from consentry.domain.standing import ConsentLevel
from consentry.ports import Change, Facts, Needs, Rejected


class SaveKeyword(msgspec.Struct, frozen=True):
    """Have a word at a sender ask for a program; it takes the place of what the word did there."""

    word: str
    sender: str
    program: str
    call_to_action: str | None = None
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing: the directory is always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[CampaignKeyword, Change]:
        """Decide; raises `Rejected` for a word that means something, or a program it cannot ask."""
        directory = facts.directory
        word = campaign_word(self.word)
        fault = find_fault(word)
        if fault is not None:
            raise _invalid(f"{self.word!a} cannot be a campaign's word: {fault}.")
        program = _find_program(self, directory)
        _check_call(self, program, word, directory)
        keyword = CampaignKeyword.at(self.sender, word, program.id, self.call_to_action)
        known = directory.keywords.get(keyword.id)
        entries = audit_setting(
            f"keyword {keyword.word} at {keyword.sender}", known, keyword, facts=facts, by=self.by
        )
        return keyword, Change(entries=entries, records=(keyword,))


def _find_program(asked: SaveKeyword, directory: Directory) -> Program:
    sender = directory.senders.get(asked.sender)
    if sender is None:
        raise Rejected(
            "sender_not_set_up",
            f"There is no sender {asked.sender!a}. List the senders, or add this one first.",
            status=404,
        )
    program = directory.program(asked.program)
    if program is None:
        raise Rejected(
            "unknown_program", f"There is no program {asked.program!a}. Add it first.", status=404
        )
    if program.is_conversation:
        raise Rejected(
            "conversation_is_built_in",
            "Who texts a number opts in to its conversation by that alone. Name a program.",
            status=422,
        )
    if program.brand != sender.brand or program.sender not in (None, sender.number):
        raise _invalid(f"Program {program.name} does not text over {sender.number}.")
    return program


def _check_call(asked: SaveKeyword, program: Program, word: str, directory: Directory) -> None:
    """Refuse a campaign whose wording would not carry the consent that its program needs."""
    needs_writing = program.purpose is Purpose.MARKETING
    if asked.call_to_action is None:
        if needs_writing:
            raise _invalid(
                f"{program.name} is marketing, which needs consent in writing: name the call to "
                "action that tells people to text the word."
            )
        return
    call = directory.calls_to_action.get(asked.call_to_action)
    if call is None or call.program != program.id:
        raise Rejected(
            "unknown_call_to_action",
            f"Program {program.name} has no call to action {asked.call_to_action!a}. Add it first.",
            status=404,
        )
    told = call.wording.keyword
    if told is not None and campaign_word(told) != word:
        raise _invalid(f"The call to action {call.id} tells people to text {told}, not {word}.")
    checks = check_call(call, directory)
    weak = needs_writing and good_for(checks) is not ConsentLevel.EXPRESS_WRITTEN
    if weak or missing_checks(checks):
        raise _invalid(
            f"The call to action {call.id} lacks something by now. Look at its checklist, and make "
            "a new version."
        )


class RemoveKeyword(msgspec.Struct, frozen=True):
    """Take a word away; who texts it then texts as anybody does. Consents stay."""

    word: str
    sender: str
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing: the directory is always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[CampaignKeyword, Change]:
        """Decide; raises `Rejected` where there is none."""
        known = facts.directory.keywords.get(keyword_id(self.sender, campaign_word(self.word)))
        if known is None:
            raise Rejected(
                "not_found",
                f"There is no keyword {self.word!a} at {self.sender!a}. List the keywords.",
                status=404,
            )
        removed = msgspec.structs.replace(known, removed_at=facts.now)
        text = f"keyword {known.word} at {known.sender} removed"
        entry = build_entry(EntryKind.SETTING_CHANGED, facts, self.by, text=text)
        return removed, Change(entries=(entry,), records=(removed,))


def _invalid(message: str) -> Rejected:
    return Rejected("keyword_invalid", message, status=422)
