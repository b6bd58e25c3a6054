"""Which words a carrier acts on, since when, and what it answers: data, and one reader.

Written from the carriers' own pages and not shared with the product, so that each can be held
against the other. The whole body must be the word, or begin with it where the rule says so; case
and surrounding white space do not count, and nothing else is stripped.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from consentry.simulator.values import (
    AdvancedOptOut,
    BlockLayer,
    KeywordAction,
    SenderKind,
    Service,
)

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
# Twilio announced REVOKE and OPTOUT for this day.
_REVOKE_AND_OPTOUT = datetime(2025, 5, 14, tzinfo=UTC)


class Rule(msgspec.Struct, frozen=True):
    """From `since` on, these words to this kind of number do this to these layers.

    `begins` says that a text need only begin with one of them.
    """

    kind: SenderKind
    action: KeywordAction
    words: frozenset[str]
    layers: frozenset[BlockLayer]
    since: datetime
    source: str
    begins: bool = False

    def find(self, text: str) -> str | None:
        """Find which word a text in lower case is, or begins with; the longest, where several."""
        if text in self.words:
            return text
        heads = sorted(self.words, key=len, reverse=True) if self.begins else []
        return next((word for word in heads if _begins_with(text, word)), None)


def _begins_with(text: str, word: str) -> bool:
    return text.startswith(word) and not text[len(word) : len(word) + 1].isalnum()


class Keywords(msgspec.Struct, frozen=True):
    """What a carrier reads, and what it and the toll-free network answer; {word} is what was read.

    An action without an answer is not answered.
    """

    rules: tuple[Rule, ...]
    answers: dict[KeywordAction, str]
    network_answers: dict[KeywordAction, str]


class Reading(msgspec.Struct, frozen=True):
    """What the carrier took a text for; `word` is lower case."""

    action: KeywordAction
    word: str
    layers: frozenset[BlockLayer]


def _rule(
    kind: SenderKind,
    action: KeywordAction,
    words: str,
    *layers: BlockLayer,
    source: str,
    since: datetime = _ALWAYS,
) -> Rule:
    listed = frozenset(word.replace("_", " ") for word in words.lower().split())
    return Rule(kind, action, listed, frozenset(layers), since, source)


_LONG, _FREE = SenderKind.LONG_CODE, SenderKind.TOLL_FREE
_OUT, _IN, _HELP = KeywordAction.OPT_OUT, KeywordAction.OPT_IN, KeywordAction.HELP
_KEYWORD, _PROVIDER, _NETWORK = BlockLayer.KEYWORD, BlockLayer.PROVIDER, BlockLayer.NETWORK
_SIX = "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT"
_TWILIO = "Twilio, support for opt-out keywords (SMS STOP filtering)"
_TWILIO_FREE = "Twilio, opt-out keyword handling for toll-free SMS"

# A short code alone and an alphanumeric sender have no rows: there nobody reads but the owner.
RULES = (
    _rule(_LONG, _OUT, _SIX, _KEYWORD, source=_TWILIO),
    _rule(_LONG, _OUT, "REVOKE OPTOUT", _KEYWORD, since=_REVOKE_AND_OPTOUT, source=_TWILIO),
    _rule(_LONG, _IN, "START YES UNSTOP", _KEYWORD, source=_TWILIO),
    _rule(_LONG, _HELP, "HELP INFO", source=_TWILIO),
    _rule(_FREE, _OUT, "STOP", _NETWORK, source=_TWILIO_FREE),
    _rule(_FREE, _OUT, _SIX, _PROVIDER, source=_TWILIO),
    _rule(_FREE, _OUT, "REVOKE OPTOUT", _PROVIDER, since=_REVOKE_AND_OPTOUT, source=_TWILIO),
    _rule(_FREE, _IN, "START UNSTOP", _NETWORK, _PROVIDER, source=_TWILIO_FREE),
    _rule(_FREE, _HELP, "HELP INFO", source=_TWILIO_FREE),
)

_ANSWERS = {
    _OUT: (
        "You have successfully been unsubscribed. You will not receive any more messages from "
        "this number. Reply START to resubscribe."
    ),
    _IN: (
        "You have successfully been re-subscribed to messages from this number. Reply HELP for "
        "help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."
    ),
    _HELP: "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
_NETWORK_ANSWERS = {
    _OUT: (
        'NETWORK MSG: You replied with the word "{word}" which blocks all texts sent from this '
        'number. Text back "unstop" to receive messages again.'
    ),
    _IN: (
        'NETWORK MSG: You have replied "{word}" and will begin receiving messages again from '
        "this number."
    ),
}
TWILIO_KEYWORDS = Keywords(RULES, _ANSWERS, _NETWORK_ANSWERS)

_SHORT = SenderKind.SHORT_CODE
_TELNYX = "Telnyx, Advanced Opt-In/Out Management: default behavior"
_TELNYX_SEVEN = "STOP STOPALL STOP_ALL UNSUBSCRIBE CANCEL END QUIT"
_FREE_NETWORK = (
    _rule(_FREE, _OUT, "STOP", _NETWORK, source=_TWILIO_FREE),
    _rule(_FREE, _IN, "START UNSTOP", _NETWORK, _PROVIDER, source=_TWILIO_FREE),
)
"""What the toll-free network does, whoever is before it."""

# What Telnyx and Plivo answer is theirs in substance; where their pages do not show it, not to the
# letter.
TELNYX_KEYWORDS = Keywords(
    (
        *_FREE_NETWORK,
        _rule(_FREE, _OUT, _TELNYX_SEVEN, _PROVIDER, source=_TELNYX),
        _rule(_FREE, _HELP, "HELP", source=_TELNYX),
        _rule(_LONG, _OUT, _TELNYX_SEVEN, _KEYWORD, source=_TELNYX),
        _rule(_LONG, _IN, "START UNSTOP", _KEYWORD, source=_TELNYX),
        _rule(_LONG, _HELP, "HELP", source=_TELNYX),
        _rule(_SHORT, _OUT, _TELNYX_SEVEN, _KEYWORD, source=_TELNYX),
        _rule(_SHORT, _IN, "START UNSTOP", _KEYWORD, source=_TELNYX),
        _rule(_SHORT, _HELP, "HELP", source=_TELNYX),
    ),
    {
        _OUT: (
            "You have successfully been unsubscribed, you will not receive any more messages from "
            "this number. Reply START to resubscribe."
        ),
        _IN: "You have successfully been re-subscribed to messages from this number.",
        _HELP: "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    },
    _NETWORK_ANSWERS,
)

_PLIVO = "Plivo, DND Service"
_PLIVO_SIX = "STOP END QUIT CANCEL UNSUB STOP_ALL"
# A short code has no rows: there Plivo does nothing unless it was asked to.
PLIVO_KEYWORDS = Keywords(
    (
        *_FREE_NETWORK,
        _rule(_FREE, _OUT, _PLIVO_SIX, _PROVIDER, source=_PLIVO),
        _rule(_FREE, _HELP, "HELP INFO", source=_PLIVO),
        _rule(_LONG, _OUT, _PLIVO_SIX, _KEYWORD, source=_PLIVO),
        _rule(_LONG, _IN, "START UNSTOP", _KEYWORD, source=_PLIVO),
        _rule(_LONG, _HELP, "HELP INFO", source=_PLIVO),
    ),
    {
        _OUT: (
            "You have been unsubscribed and will not receive any more messages from this number."
        ),
        _IN: "You have opted in and will receive messages from this number again.",
        _HELP: (
            "Text STOP to stop receiving messages from this number. Message and data rates may "
            "apply."
        ),
    },
    _NETWORK_ANSWERS,
)


def read_keyword(
    keywords: Keywords,
    kind: SenderKind,
    body: str,
    *,
    at: datetime,
    service: Service | None = None,
) -> Reading | None:
    """Read a text as the carrier does at that time; None is an ordinary text.

    A service with Advanced Opt-Out brings its own words, for short codes too; the toll-free
    network keeps reading beneath it, because nothing can be switched off there.
    """
    word = body.strip()
    if service is not None and service.advanced_opt_out is not None:
        return _read_advanced(keywords, service.advanced_opt_out, kind, word)
    # The carriers' words are ASCII; folding more would let look-alikes through.
    if not word.isascii():
        return None
    rules = [rule for rule in keywords.rules if rule.kind is kind and rule.since <= at]
    return _read_rules(rules, word.lower())


def compose_answer(
    keywords: Keywords, kind: SenderKind, reading: Reading, service: Service | None = None
) -> str | None:
    """Write what the carrier answers to a keyword.

    On a toll-free number the network answers what it read itself; what only the carrier read
    there, such as CANCEL, gets the carrier's answer.
    """
    if kind is SenderKind.TOLL_FREE and BlockLayer.NETWORK in reading.layers:
        return keywords.network_answers[reading.action].replace("{word}", reading.word)
    own = service.advanced_opt_out if service is not None else None
    if own is not None:
        answers = {_OUT: own.opt_out_answer, _IN: own.opt_in_answer, _HELP: own.help_answer}
        return answers[reading.action] or keywords.answers[reading.action]
    return keywords.answers.get(reading.action)


def _read_rules(rules: Iterable[Rule], word: str) -> Reading | None:
    matching = [(rule, found) for rule in rules if (found := rule.find(word)) is not None]
    if not matching:
        return None
    layers = frozenset(layer for rule, _ in matching for layer in rule.layers)
    first, found = matching[0]
    return Reading(first.action, found, layers)


def _read_advanced(
    keywords: Keywords, own: AdvancedOptOut, kind: SenderKind, word: str
) -> Reading | None:
    folded = word.casefold()
    beneath = [rule for rule in keywords.rules if rule.kind is kind and _NETWORK in rule.layers]
    network = _read_rules(beneath, word.lower()) if word.isascii() else None
    keeper = _PROVIDER if kind is SenderKind.TOLL_FREE else _KEYWORD
    action = _own_action(own, folded)
    if action is None:
        return network
    if action is _HELP:
        return Reading(action, folded, frozenset())
    below = network.layers if network is not None and network.action is action else ()
    return Reading(action, folded, frozenset({keeper, *below}))


def _own_action(own: AdvancedOptOut, folded: str) -> KeywordAction | None:
    """Find the action of a word in a service's own lists."""
    for action, words in ((_OUT, own.opt_out), (_IN, own.opt_in), (_HELP, own.help)):
        if folded in {word.casefold() for word in words}:
            return action
    return None
