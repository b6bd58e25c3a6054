"""When the one question of a double opt-in may go: what the gate asks about it."""

from datetime import datetime

from consentry.domain.reasons import Reason
from consentry.domain.standing import Consent, ConsentState


def refuse_question(
    consent: Consent | None, sender: str, message: str | None, now: datetime
) -> tuple[Reason, str] | None:
    """Say why a text is not the question that a consent waits for, and by which rule.

    A consent waits for one text alone, over one sender, until its time to answer is over.
    """
    state = ConsentState.NONE if consent is None else consent.state_at(now)
    if state is ConsentState.EXPIRED:
        return Reason.CONSENT_EXPIRED, "request/answer_by"
    if consent is None or state is not ConsentState.PENDING:
        return Reason.NO_CONSENT, "request/nothing_waits"
    asked = consent.request
    waits_for = None if asked is None else (asked.message, asked.sender)
    if message is None or waits_for != (message, sender):
        return Reason.CONSENT_PENDING, "request/once"
    return None
