"""Errors as the API tells them: one shape (RFC 9457), one table of codes.

Exception
├── Problem          the API's own: what happened, to what, what to do next
├── Rejected         an action says no: its code and sentence are passed on
├── StoreUnavailable the store cannot answer: 503
└── anything else    a fault of ours: 500 with a request id, the rest is in the log
"""

from typing import Final

import msgspec

from consentry.api.views import CheckAnswer, ProblemDetails, ReadinessView, view_decision
from consentry.domain.gate import Decision
from consentry.domain.reasons import REASONS, Reason
from consentry.ports import Rejected

MEDIA_TYPE: Final = b"application/problem+json"


class ProblemKind(msgspec.Struct, frozen=True):
    """What a code means: its HTTP status and a title that never changes."""

    status: int
    title: str


Header = tuple[bytes, bytes]

_REASON_TITLES: Final = {
    Reason.INVALID_NUMBER: "Not a phone number",
    Reason.UNKNOWN_SENDER: "Unknown sender",
    Reason.SENDER_DISABLED: "The sender or the program is switched off",
    Reason.CARRIER_BLOCKED: "The carrier blocks this recipient",
    Reason.OPTED_OUT: "The recipient has opted out",
    Reason.SUPPRESSED: "The recipient is on the do-not-text list",
    Reason.NUMBER_REASSIGNED: "The number has a new owner",
    Reason.PAUSED_FOR_REVIEW: "Held back until somebody has looked",
    Reason.NO_CONSENT: "No consent",
    Reason.CONSENT_PENDING: "Consent is not confirmed yet",
    Reason.CONSENT_EXPIRED: "Consent has expired",
    Reason.CONSENT_LEVEL: "Consent is too weak",
    Reason.BODY_INVALID: "The text cannot be sent",
    Reason.FREQUENCY_CAP: "Too many texts",
    Reason.QUIET_HOURS: "Quiet hours",
    Reason.STORE_UNAVAILABLE: "Consent cannot be looked up",
}

PROBLEMS: Final[dict[str, ProblemKind]] = {
    **{
        str(reason): ProblemKind(row.status, _REASON_TITLES[reason])
        for reason, row in REASONS.items()
    },
    "malformed_json": ProblemKind(400, "The body is not JSON"),
    "idempotency_key_invalid": ProblemKind(400, "Not an Idempotency-Key"),
    "malformed_webhook": ProblemKind(400, "The webhook cannot be read"),
    "unauthorized": ProblemKind(401, "No valid API key"),
    "link_unusable": ProblemKind(401, "The sign-in link is not good any more"),
    "scope_missing": ProblemKind(403, "The API key may not do this"),
    "agent_disabled": ProblemKind(403, "The agent is disabled"),
    "sign_in_refused": ProblemKind(403, "The agent is not let in this way"),
    "forged_webhook": ProblemKind(403, "The webhook is not signed by the carrier"),
    "brand_limited": ProblemKind(403, "The API key is limited to brands"),
    "not_found": ProblemKind(404, "Not found"),
    "unknown_brand": ProblemKind(404, "Unknown brand"),
    "unknown_carrier": ProblemKind(404, "Unknown carrier account"),
    "unknown_template": ProblemKind(404, "Unknown template"),
    "template_unusable": ProblemKind(422, "The template cannot be sent so"),
    "unknown_program": ProblemKind(404, "Unknown program"),
    "sender_not_set_up": ProblemKind(404, "The sender is not set up"),
    "carrier_unreachable": ProblemKind(503, "The carrier could not be asked"),
    "method_not_allowed": ProblemKind(405, "Method not allowed"),
    "passed_on_to_itself": ProblemKind(409, "The text was passed on to this server by itself"),
    "import_moved_on": ProblemKind(409, "Somebody else goes on with the import"),
    "already_settled": ProblemKind(409, "It is settled already"),
    "opted_in_since": ProblemKind(409, "The person has opted in since"),
    "nothing_to_compare": ProblemKind(409, "The carrier can be asked nothing"),
    "already_exists": ProblemKind(409, "It exists already"),
    "changed_meanwhile": ProblemKind(409, "Somebody else changed it meanwhile"),
    "last_admin": ProblemKind(409, "Somebody must stay admin"),
    "merged": ProblemKind(409, "The customer was merged"),
    "in_flight": ProblemKind(409, "A text is with a carrier"),
    "reason_needed": ProblemKind(422, "A reason is missing"),
    "reason_names_number": ProblemKind(422, "The reason names the number"),
    "own_key": ProblemKind(409, "A key cannot revoke itself"),
    "evidence_too_large": ProblemKind(413, "Too much for one bundle of evidence"),
    "body_too_large": ProblemKind(413, "The body is too large"),
    "unsupported_media_type": ProblemKind(415, "Unsupported content type"),
    "invalid_body": ProblemKind(422, "The body does not fit"),
    "invalid_parameter": ProblemKind(422, "A parameter does not fit"),
    "invalid_time": ProblemKind(422, "Not a usable time"),
    "nul_character": ProblemKind(422, "A NUL character"),
    "line_too_long": ProblemKind(422, "The line is too long"),
    "idempotency_key_reused": ProblemKind(422, "The Idempotency-Key was used before"),
    "unknown_call_to_action": ProblemKind(404, "Unknown call to action"),
    "keyword_invalid": ProblemKind(422, "The word cannot be a campaign's"),
    "program_disabled": ProblemKind(409, "The program is switched off"),
    "evidence_missing": ProblemKind(422, "Evidence is missing"),
    "not_a_consent": ProblemKind(422, "What the person said is no consent"),
    "name_missing": ProblemKind(422, "A name is missing"),
    "name_too_long": ProblemKind(422, "The name is too long"),
    "invalid_brands": ProblemKind(422, "One of the brands is not set up"),
    "invalid_email": ProblemKind(422, "Not an email address"),
    "note_empty": ProblemKind(422, "The note is empty"),
    "note_too_long": ProblemKind(422, "The note is too long"),
    "invalid_sender": ProblemKind(422, "The number does not fit the kind of sender"),
    "rate_invalid": ProblemKind(422, "Not a usable rate"),
    "invalid_program": ProblemKind(422, "A field of the program does not fit"),
    "invalid_place": ProblemKind(422, "Not a place that can be judged"),
    "invalid_inbound_url": ProblemKind(422, "The program's address cannot be called"),
    "not_cancelable": ProblemKind(409, "The text does not wait any more"),
    "not_settled": ProblemKind(409, "The text is under way"),
    "reply_too_long": ProblemKind(422, "The reply is too long"),
    "conversation_is_built_in": ProblemKind(422, "Conversations are built in"),
    "same_customer": ProblemKind(422, "Both are the same customer"),
    "call_to_action_outdated": ProblemKind(409, "Another wording is shown by now"),
    "call_to_action_closed": ProblemKind(409, "Nobody can be asked with it"),
    "wording_invalid": ProblemKind(422, "The wording cannot be used"),
    "call_to_action_incomplete": ProblemKind(422, "The call to action lacks something"),
    "invalid_url": ProblemKind(422, "The URL may not be posted to"),
    "unknown_event": ProblemKind(422, "Not an event that can be chosen"),
    "description_too_long": ProblemKind(422, "The description is too long"),
    "too_many_webhooks": ProblemKind(409, "There are as many webhooks as may be"),
    "webhook_disabled": ProblemKind(409, "The webhook is switched off"),
    "not_failed": ProblemKind(409, "The delivery has not failed"),
    "not_logged": ProblemKind(404, "Not in the ledger's log"),
    "too_many_requests": ProblemKind(429, "Too many requests"),
    "internal_error": ProblemKind(500, "A fault of this server"),
    "text_sealed": ProblemKind(503, "A text cannot be opened"),
    "ledger_damaged": ProblemKind(503, "The ledger's log is damaged"),
    "draining": ProblemKind(503, "The server is stopping"),
    "writer_stuck": ProblemKind(503, "Writing takes too long"),
}
"""Every code that the API answers with. `/docs` lists them, and a test holds them complete."""


class Problem(Exception):
    """An error to be told to the caller; `code` is a key of `PROBLEMS`."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        headers: tuple[Header, ...] = (),
        decision: CheckAnswer | None = None,
        readiness: ReadinessView | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = headers
        self.decision = decision
        self.readiness = readiness


def refused(decision: Decision, *, headers: tuple[Header, ...] = ()) -> Problem:
    """Tell a decision against a text as a problem whose code is the reason."""
    reason = decision.reason or Reason.STORE_UNAVAILABLE
    shown = view_decision(decision)
    return Problem(str(reason), decision.detail, headers=headers, decision=shown)


def describe_problem(problem: Problem, *, line: int | None = None) -> ProblemDetails:
    """Give a problem the shape that goes out."""
    kind = PROBLEMS[problem.code]
    return ProblemDetails(
        type=problem_type(problem.code),
        title=kind.title,
        status=kind.status,
        code=problem.code,
        detail=problem.detail,
        decision=problem.decision,
        line=line,
        readiness=problem.readiness,
    )


def describe_rejection(rejected: Rejected) -> ProblemDetails:
    """Pass an action's refusal on; a code that the table lacks still says what it says."""
    kind = PROBLEMS.get(rejected.code, ProblemKind(rejected.status, "Rejected"))
    return ProblemDetails(
        type=problem_type(rejected.code),
        title=kind.title,
        status=rejected.status,
        code=rejected.code,
        detail=str(rejected),
    )


def describe_outage() -> ProblemDetails:
    """Say that the store cannot answer."""
    detail = (
        "The database cannot be reached, so nothing was done. Try again in a few seconds; "
        "/readyz says when it is back."
    )
    return describe_problem(Problem(str(Reason.STORE_UNAVAILABLE), detail))


def describe_fault(request_id: str) -> ProblemDetails:
    """Say that something broke, and nothing of what."""
    detail = (
        f"Something went wrong here, and it is logged as {request_id}. "
        "Try again, and if it stays, tell whoever runs this server."
    )
    problem = describe_problem(Problem("internal_error", detail))
    return msgspec.structs.replace(problem, request_id=request_id)


def problem_type(code: str) -> str:
    """Name the page that explains a code."""
    return f"/docs#{code}"
