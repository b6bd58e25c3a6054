"""Which query lists drifts: by the index that leaves least to look at."""

from consentry.ports import DriftFilter


def list_drifts_by(wanted: DriftFilter) -> str:
    """Name the query that fits a filter best."""
    if wanted.recipient is not None:
        return "read_drifts_of_recipient"
    if wanted.report is not None:
        return "read_drifts_of_report"
    return "read_drifts" if wanted.state is None else "read_drifts_in_state"
