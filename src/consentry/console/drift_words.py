"""Drift in the words of the console."""

from typing import Final

from consentry.domain.drift import DriftKind, DriftState, Reconciliation, ReconciliationState

DRIFT_KINDS: Final[dict[str, str]] = {
    DriftKind.MISSED_OPT_OUT: "An opt-out that never reached us",
    DriftKind.BLOCK_AT_CARRIER: "The carrier blocks, and we do not",
    DriftKind.MISSED_OPT_IN: "An opt-in that never reached us",
    DriftKind.MISSED_TEXT: "A text that never reached us",
    DriftKind.BLOCK_NOT_AT_CARRIER: "We block, and the carrier does not",
}
"""What a drift is, by its kind, the worst first."""

DRIFT_APPLY: Final[dict[str, str]] = {
    DriftKind.MISSED_OPT_OUT: "Receive it now",
    DriftKind.BLOCK_AT_CARRIER: "Block it here too",
    DriftKind.MISSED_OPT_IN: "Receive it now",
    DriftKind.MISSED_TEXT: "Receive it now",
    DriftKind.BLOCK_NOT_AT_CARRIER: "Lift it here too",
}
"""What applying it does, on the button."""

DRIFT_STATES: Final[dict[str, str]] = {
    DriftState.OPEN: "To be settled",
    DriftState.APPLIED: "Applied",
    DriftState.DISMISSED: "Dismissed",
}
"""What became of a drift."""


def spell_report(report: Reconciliation) -> str:
    """Say in a line what the last comparison came to."""
    if report.state is ReconciliationState.RUNNING:
        return f"is being compared: {report.texts + report.lines:,} looked at"
    if report.state is ReconciliationState.FAILED:
        return f"could not be compared: {report.error}"
    new = "nothing new" if not report.drifts else f"{report.drifts:,} new"
    return f"{report.texts:,} texts and {report.lines:,} lines of its list compared: {new}"
