"""What follows on a person's text beside the move it makes: a yes, a campaign's word, a return.

Each is answered with at most one text of ours, which takes the place of the one it would get.
"""

from datetime import timedelta
from typing import Final

import msgspec

from consentry.actions.outgoing import Draft, join, queue_text
from consentry.actions.record_consent import Statement
from consentry.actions.request_consent import RequestConsent, queue_request
from consentry.domain.campaign_keywords import CampaignKeyword, campaign_word, keyword_id
from consentry.domain.carrier_profiles import whole_word
from consentry.domain.consent import Move, PairState, Signal, Text, Transition, pair_state
from consentry.domain.directory import Program, Sender
from consentry.domain.double_opt_in import (
    Wish,
    ask_held,
    confirm_asked,
    end_older,
    find_asked,
    find_held,
    is_back_since,
    word_confirmation,
)
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Evidence, Medium
from consentry.domain.gate import MessageKind
from consentry.domain.messages import Message
from consentry.domain.reading import CarrierWord
from consentry.domain.standing import Consent, Standing, apply_pieces
from consentry.ports import Change, Facts, Rejected

_YES: Final = "YES"
_NOTHING_STANDS: Final = (PairState.NOT_ASKED, PairState.OPTED_IN)


class Said(msgspec.Struct, frozen=True, gc=False):
    """A person's text with what it moved: `before` and `after` are the standing around the move."""

    message: Message
    text: Text
    signal: Signal
    moved: Transition
    sender: Sender
    before: Standing
    after: Standing


def follow_word(said: Said, facts: Facts) -> Change | None:
    """Say what follows on a text; None, nearly always: nothing does, and it is answered as ever."""
    match said.moved.move:
        case Move.CONVERSE:
            return _confirm(said, facts) or _join_campaign(said, facts)
        case Move.OPT_IN:
            # A carrier may take a campaign's word for an opt-in (JOIN at Vonage).
            return _confirm(said, facts) or _join_campaign(said, facts) or _ask_held(said, facts)
        case _:
            return None


def is_refused_campaign(said: Said, facts: Facts) -> bool:
    """Tell whether somebody who is opted out texted a campaign's word: nothing comes of it."""
    if not facts.directory.keywords or said.moved.move is not Move.NOTHING:
        return False
    return _campaign_of(said, facts) is not None


def _campaign_of(said: Said, facts: Facts) -> CampaignKeyword | None:
    key = keyword_id(said.sender.number, campaign_word(said.message.body))
    return facts.directory.keywords.get(key)


def _confirm(said: Said, facts: Facts) -> Change | None:
    """Take an exact yes for the answer to what this sender asked, where nothing blocks."""
    if not any(consent.request is not None for consent in said.before.consents):
        return None
    by_carrier = said.text.carrier.word is CarrierWord.OPT_IN
    if not (by_carrier or whole_word(said.message.body) == _YES):
        return None
    if said.moved.superseded or pair_state(said.before, said.sender) not in _NOTHING_STANDS:
        return None
    signal = said.signal
    if signal.carrier_timed and is_back_since(said.before, said.sender, signal.at):
        return None
    asked = find_asked(said.after, said.sender, signal.since)
    if asked is None:
        return None
    confirmed = confirm_asked(asked, said.signal.word(facts.ids.new("ent")))
    ended = end_older(said.after, confirmed, said.sender, said.signal.since)
    pieces = (confirmed, *ended)
    entry = _yes_entry(said, asked, pieces, facts)
    after = apply_pieces(said.after, pieces)
    return join(Change(entries=(entry,)), _welcome(said, confirmed, after, facts))


def _yes_entry(said: Said, asked: Consent, pieces: tuple[Consent, ...], facts: Facts) -> Entry:
    """Write down the yes: the person's own words are the signature (47 CFR 64.1200(f)(9)).

    `pieces` are the consent that it confirms, and after it those whose question it ends.
    """
    confirmed, request = pieces[0], asked.request
    answered = "" if request is None else f"Answer to {request.message}"
    return Entry(
        id=confirmed.entry,
        recipient=said.message.recipient,
        kind=EntryKind.CONSENT_GRANTED,
        at=said.signal.since,
        recorded_at=facts.now,
        actor=said.message.actor,
        sender=said.sender.number,
        program=confirmed.program,
        message=said.message.id,
        evidence=Evidence(
            Medium.TEXT,
            verbatim=said.message.body,
            action="text reply",
            carrier_message_id=said.message.carrier_message_id,
            note=answered,
        ),
        pieces=pieces,
    )


def _welcome(said: Said, confirmed: Consent, after: Standing, facts: Facts) -> Change:
    """Send the first text of a recurring program, before anything else of it (CTIA 5.1.2).

    It goes also where the carrier answered the word itself: it is no answer to a keyword.
    """
    program = facts.directory.program(confirmed.program)
    if program is None or not program.recurring:
        return Change()
    draft = Draft(
        recipient=said.message.recipient,
        sender=said.sender.number,
        body=word_confirmation(facts.directory.brands[program.brand], program),
        actor=Actor(ActorKind.SYSTEM),
        kind=MessageKind.PROGRAM_CONFIRMATION,
        program=program.id,
    )
    return queue_text(draft, after, facts).change


def _join_campaign(said: Said, facts: Facts) -> Change | None:
    """Ask who texts a campaign's word for its program; their text is the evidence."""
    if not facts.directory.keywords:
        return None
    keyword = _campaign_of(said, facts)
    program = None if keyword is None else facts.directory.program(keyword.program)
    if keyword is None or program is None or not program.enabled:
        return None
    if pair_state(said.before, said.sender) not in _NOTHING_STANDS:
        return None
    request = _campaign_request(said, keyword, program, facts)
    try:
        _, change = request.decide_on(facts, said.after)
    except Rejected as error:
        # What was advertised lacks something that consent needs: a text like any other, noted.
        noted = _note(said, request.program, facts, reason=f"Not asked. {error}")
        evidence = request.statement.evidence
        return Change(entries=(msgspec.structs.replace(noted, evidence=evidence),))
    return change


def _note(said: Said, program: str, facts: Facts, *, reason: str) -> Entry:
    """Note beside a person's text what it did to a question of ours."""
    return Entry(
        id=facts.ids.new("ent"),
        recipient=said.message.recipient,
        kind=EntryKind.CONSENT_REQUESTED,
        at=said.signal.since,
        recorded_at=facts.now,
        actor=said.message.actor,
        sender=said.sender.number,
        program=program,
        message=said.message.id,
        reason=reason,
    )


def _campaign_request(
    said: Said, keyword: CampaignKeyword, program: Program, facts: Facts
) -> RequestConsent:
    call = facts.directory.calls_to_action.get(keyword.call_to_action or "")
    shown = None if call is None or call.program != program.id else call
    # Without the wording that they were shown, a word by itself is not consent in writing to
    # marketing; what asks them then is the wording.
    evidence = Evidence(
        Medium.TEXT,
        at=said.signal.since,
        verbatim=said.message.body,
        action=f"texted {keyword.word}",
        carrier_message_id=said.message.carrier_message_id,
    )
    return RequestConsent(
        Statement(said.message.recipient, said.message.actor, f"Texted {keyword.word}", evidence),
        keyword.program,
        call_to_action=None if shown is None else shown.version_id,
        sender=said.sender.number,
    )


def _ask_held(said: Said, facts: Facts) -> Change | None:
    """Ask who is back for what they had asked for while they were opted out."""
    if said.moved.superseded:
        return None
    held = find_held(said.after, said.sender, facts.directory, facts.now)
    if held is None:
        return None
    wish = Wish(
        level=held.level,
        medium=Medium.TEXT,
        now=facts.now,
        ends_at=facts.now + timedelta(hours=facts.policy.opt_in_hours),
        message=facts.ids.new("msg"),
    )
    asked = ask_held(held, said.sender, wish)
    reason = "The person is back, so what they had asked for can be asked now."
    noted = _note(said, held.program, facts, reason=reason)
    entry = msgspec.structs.replace(noted, pieces=(asked,))
    after = apply_pieces(said.after, (asked,))
    queued = queue_request(said.message.recipient, asked, after, facts)
    return join(Change(entries=(entry,)), queued.change)
