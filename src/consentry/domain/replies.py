"""What we answer by ourselves: the company's wording, or a compliant default."""

from typing import Final

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


def render_reply(kind: MessageKind, sender: Sender, brand: Brand) -> str:
    """Render our answer of a kind; total over kinds, a plain message has no wording of ours."""
    contact = f"for help, contact {brand.contact}. " if brand.contact else ""
    match kind:
        case MessageKind.INITIAL_REPLY:
            text = sender.replies.initial or _INITIAL
        case MessageKind.OPT_OUT_CONFIRMATION:
            text = sender.replies.opt_out or _OPT_OUT
        case MessageKind.OPT_IN_CONFIRMATION:
            text = sender.replies.opt_in or _OPT_IN
        case MessageKind.HELP_REPLY:
            text = sender.replies.help or _HELP
        case MessageKind.MESSAGE:
            text = ""
    return text.replace("{brand}", brand.name).replace("{contact}", contact)
