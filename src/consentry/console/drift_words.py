"""Drift in the words of the console."""

from typing import Final

from consentry.domain.drift import DriftKind

DRIFT_KINDS: Final[dict[str, str]] = {
    DriftKind.MISSED_OPT_OUT: "An opt-out that never reached us",
    DriftKind.BLOCK_AT_CARRIER: "The carrier blocks, and we do not",
    DriftKind.MISSED_OPT_IN: "An opt-in that never reached us",
    DriftKind.MISSED_TEXT: "A text that never reached us",
    DriftKind.BLOCK_NOT_AT_CARRIER: "We block, and the carrier does not",
}
"""What a drift is, by its kind, the worst first."""
