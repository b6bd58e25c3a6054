"""Which query lists reviews: by the index that leaves least to look at."""

from consentry.ports import ReviewFilter


def list_reviews_by(wanted: ReviewFilter) -> str:
    """Name the query that fits a filter best."""
    if wanted.recipient is not None:
        return "read_reviews_of_recipient"
    return "read_reviews" if wanted.state is None else "read_reviews_in_state"
