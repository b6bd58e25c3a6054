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
    own = sender.replies
    wordings = {
        MessageKind.INITIAL_REPLY: own.initial or _INITIAL,
        MessageKind.OPT_OUT_CONFIRMATION: own.opt_out or _OPT_OUT,
        MessageKind.OPT_IN_CONFIRMATION: own.opt_in or _OPT_IN,
        MessageKind.HELP_REPLY: own.help or _HELP,
    }
    text = wordings.get(kind, "")
    return text.replace("{brand}", brand.name).replace("{contact}", contact)
