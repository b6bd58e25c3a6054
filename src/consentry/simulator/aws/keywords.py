"""Which words AWS acts on: a text need only begin with one; on toll-free numbers the network does.

START and UNSTOP opt in because this account has set them so, as any account may: AWS by itself
lets nobody come back by text.
"""

from datetime import UTC, datetime

from consentry.simulator.profiles import TWILIO_KEYWORDS, Keywords, Rule
from consentry.simulator.values import BlockLayer, KeywordAction, SenderKind

_REQUIRED = frozenset(
    {
        "arret", "cancel", "end", "opt-out", "optout", "quit", "remove", "stop", "td",
        "unsubscribe",
    }
)  # fmt: skip
_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
_PAGE = "AWS End User Messaging SMS, required opt-out keywords"
_ACTIONS = "AWS End User Messaging SMS, keyword actions"
_OUT, _IN, _HELP = KeywordAction.OPT_OUT, KeywordAction.OPT_IN, KeywordAction.HELP


def _list_rules(kind: SenderKind) -> tuple[Rule, ...]:
    kept = frozenset({BlockLayer.KEYWORD})
    back = frozenset({"start", "unstop"})
    return (
        Rule(kind, _OUT, _REQUIRED, kept, _SINCE, _PAGE, begins=True),
        Rule(kind, _IN, back, kept, _SINCE, _ACTIONS, begins=True),
        Rule(kind, _HELP, frozenset({"help"}), frozenset(), _SINCE, _PAGE, begins=True),
    )


def _list_toll_free_rules() -> tuple[Rule, ...]:
    kind, network = SenderKind.TOLL_FREE, frozenset({BlockLayer.NETWORK})
    return (
        Rule(kind, _OUT, frozenset({"stop"}), network, _SINCE, _PAGE),
        Rule(kind, _IN, frozenset({"start", "unstop"}), network, _SINCE, _PAGE),
        Rule(kind, _HELP, frozenset({"help"}), frozenset(), _SINCE, _PAGE, begins=True),
    )


AWS_KEYWORDS = Keywords(
    (
        *_list_rules(SenderKind.LONG_CODE),
        *_list_rules(SenderKind.SHORT_CODE),
        *_list_toll_free_rules(),
    ),
    {
        _OUT: "You are now opted out and will no longer receive messages.",
        _IN: "You are now opted in and will receive messages.",
        _HELP: "For assistance with your account, call (206) 555-0199.",
    },
    TWILIO_KEYWORDS.network_answers,
)
