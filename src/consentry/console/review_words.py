"""Reviews in the words of the console."""

from typing import Final

from consentry.domain.directory import Purpose
from consentry.domain.review import ReviewAnswer, ReviewState

REVIEW_ANSWERS: Final[dict[str, str]] = {
    ReviewAnswer.OPT_OUT: "they opted out",
    ReviewAnswer.OPT_OUT_BRAND: "they opted out of the whole brand",
    ReviewAnswer.WRONG_NUMBER: "it is a wrong number",
    ReviewAnswer.KEEP: "it was an ordinary answer",
}
"""What a text was taken for."""

REVIEW_STATES: Final[dict[str, str]] = {
    ReviewState.OPEN: "To be reviewed",
    ReviewState.ANSWERED: "Answered",
    ReviewState.ENDED: "Ended by the person's own word",
}
"""What became of a review."""

REVIEW_AFTER: Final[dict[Purpose | None, str]] = {
    Purpose.MARKETING: "Our last text to them was marketing.",
    Purpose.INFORMATIONAL: "Our last text to them was informational.",
    Purpose.CONVERSATIONAL: "Our last text to them was part of a conversation.",
    None: "Nobody had texted them from this number.",
}
"""Why an unclear text counts: what went before it."""
