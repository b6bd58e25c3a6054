"""What we answer by ourselves: the company's wording, or a compliant default."""

from typing import Final, assert_never

import msgspec

from consentry.domain.directory import Brand, Sender
from consentry.domain.gate import MessageKind

INITIAL_REPLY_CHARACTERS_MAX: Final = 300

# Defaults follow CTIA 5.1.1 and 47 CFR 64.1200(a)(12): who texts, how to stop, and no marketing.
# In GSM-7 characters alone, so that each is one segment for a brand name of usual length.
_INITIAL: Final = (
    "Thanks for texting {brand}! We got your message and will answer soon. "
    "Reply STOP to opt out. Msg & data rates may apply."
)
_OPT_OUT: Final = "{brand}: you are opted out and will get no further messages."
_OPT_IN: Final = "{brand}: you are opted in again. Reply HELP for help, STOP to opt out."
_HELP: Final = "{brand}: {contact}Reply STOP to opt out. Msg & data rates may apply."

OPT_OUT_BRIEF: Final = "You are opted out and will get no further messages."
"""The confirmation that is one segment whatever the brand is called."""

# A longer name would make a default longer than it may be; the company's own wording has it whole.
_NAME_CHARACTERS_MAX: Final = 60


def render_reply(kind: MessageKind, sender: Sender, brand: Brand) -> str:
    """Render our answer of a kind; total over kinds, a plain message has no wording of ours."""
    own = _own_wording(kind, sender)
    if own:
        text = fill_in(own, brand)
        # A new brand name can make the initial reply too long after it was saved.
        if kind is not MessageKind.INITIAL_REPLY or len(text) <= INITIAL_REPLY_CHARACTERS_MAX:
            return text
    short = msgspec.structs.replace(brand, name=brand.name[:_NAME_CHARACTERS_MAX])
    return fill_in(_default_wording(kind), short)


def fill_in(wording: str, brand: Brand) -> str:
    """Put the brand's name and contact in the places that a wording has for them."""
    contact = f"for help, contact {brand.contact}. " if brand.contact else ""
    return wording.replace("{brand}", brand.name).replace("{contact}", contact)


def _own_wording(kind: MessageKind, sender: Sender) -> str | None:
    match kind:
        case MessageKind.INITIAL_REPLY:
            return sender.replies.initial
        case MessageKind.OPT_OUT_CONFIRMATION:
            return sender.replies.opt_out
        case MessageKind.OPT_IN_CONFIRMATION:
            return sender.replies.opt_in
        case MessageKind.HELP_REPLY:
            return sender.replies.help
        case MessageKind.MESSAGE | MessageKind.OPT_IN_REQUEST | MessageKind.PROGRAM_CONFIRMATION:
            return None
        case never:
            assert_never(never)


def _default_wording(kind: MessageKind) -> str:
    match kind:
        case MessageKind.INITIAL_REPLY:
            return _INITIAL
        case MessageKind.OPT_OUT_CONFIRMATION:
            return _OPT_OUT
        case MessageKind.OPT_IN_CONFIRMATION:
            return _OPT_IN
        case MessageKind.HELP_REPLY:
            return _HELP
        case MessageKind.MESSAGE | MessageKind.OPT_IN_REQUEST | MessageKind.PROGRAM_CONFIRMATION:
            return ""
        case never:
            assert_never(never)
