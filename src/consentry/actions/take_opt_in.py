"""What a person filled in at an opt-in page: recorded with all its evidence, and asked back.

A number that was typed in is no consent: it waits until its own handset has answered.
"""

import msgspec

from consentry.actions.record_consent import ConsentRecorded, Statement
from consentry.actions.request_consent import RequestConsent
from consentry.domain.call_to_action_check import check_call, good_for, missing_checks
from consentry.domain.calls_to_action import CallMedium, CallToAction
from consentry.domain.directory import Directory, Program, Sender
from consentry.domain.entries import Actor, ActorKind, Box, Evidence, Medium
from consentry.domain.phone import calling_code, calling_code_of
from consentry.domain.reading import SenderKind
from consentry.domain.standing import ConsentLevel
from consentry.ports import Change, Facts, Needs, Rejected

TICKED_AND_SENT = "ticked the box and sent the form"


class FilledIn(msgspec.Struct, frozen=True):
    """What was filled in, and from where; `phone` is in E.164.

    `session` is the one view of the form that was sent.
    """

    phone: str
    name: str | None = None
    page_url: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    session: str | None = None


class TakeOptIn(msgspec.Struct, frozen=True):
    """Ask for consent after a form that showed `call`.

    Raises `Rejected`: `call_to_action_outdated` where another version is shown by now, so that the
    person must read that first; `call_to_action_closed` where nobody may be asked with it.
    """

    call: CallToAction
    filled: FilledIn

    def needs(self) -> Needs:
        """Ask for what the request itself needs."""
        return self._build(ConsentLevel.EXPRESS).needs()

    def decide(self, facts: Facts) -> tuple[ConsentRecorded, Change]:
        """Decide by the directory of this moment."""
        current = facts.directory.calls_to_action.get(self.call.id)
        if current is None or current.version != self.call.version:
            raise Rejected(
                "call_to_action_outdated",
                "The wording has changed since the form was shown. Show the new one.",
            )
        level = find_level(self.call, facts.directory)
        if level is None:
            raise Rejected(
                "call_to_action_closed",
                f"Nobody can be asked with {self.call.version_id}: make a new version of it.",
            )
        return self._build(level).decide(facts)

    def _build(self, level: ConsentLevel) -> RequestConsent:
        filled, call = self.filled, self.call
        evidence = Evidence(
            medium=Medium.WEB,
            call_to_action=call.text,
            action=TICKED_AND_SENT,
            page_url=filled.page_url,
            ip=filled.ip,
            user_agent=filled.user_agent,
            session=filled.session,
            name=filled.name,
            call_to_action_version=call.version_id,
            call_to_action_sha256=call.sha256,
            locale=call.locale,
            box=Box.UNTICKED,
            apart=True,
        )
        statement = Statement(
            recipient=filled.phone,
            actor=Actor(ActorKind.PERSON, filled.phone),
            reason=f"filled in the opt-in page {call.version_id}",
            evidence=evidence,
        )
        return RequestConsent(statement, call.program, level, call.version_id)


def is_open(call: CallToAction, directory: Directory) -> bool:
    """Tell whether people can be asked with it now.

    It is closed while its program is switched off or gone, while none of its numbers can be
    answered, and while the wording names a brand, program or number that has another name by now.
    """
    program = directory.program(call.program)
    if program is None or not program.enabled or not list_askers(program, directory):
        return False
    return not missing_checks(check_call(call, directory))


def find_level(call: CallToAction, directory: Directory) -> ConsentLevel | None:
    """Say what consent a form gives now; None where it is closed, or no form at all."""
    if call.medium is not CallMedium.WEB or not is_open(call, directory):
        return None
    return good_for(check_call(call, directory))


def list_askers(program: Program, directory: Directory) -> tuple[Sender, ...]:
    """List the senders that can ask a person: switched on, and a number that can be answered."""
    return tuple(
        sender
        for sender in directory.senders_of(program)
        if sender.enabled and sender.kind is not SenderKind.ALPHANUMERIC
    )


def codes_asked(program: Program, directory: Directory, region: str | None) -> frozenset[str]:
    """List the calling codes of the numbers that a form may have texted; empty: any.

    They are those of the program's own numbers. A form that texts any number in the world earns
    money for whoever owns a dear one. `region` is where short codes are.
    """
    codes = set()
    for sender in list_askers(program, directory):
        if sender.number.startswith("+"):
            codes.add(calling_code(sender.number))
        elif region is None:
            return frozenset()
        else:
            codes.add(calling_code_of(region))
    return frozenset(codes)
