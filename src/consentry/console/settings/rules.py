"""Rules: the policy in force, what each part of it means, and which setting changes it."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.console.pages import Page, Visit
from consentry.console.settings.rows import (
    PROFILES,
    list_laws,
    list_regimes_shown,
    try_rules,
)
from consentry.console.settings.sections import RULES, show
from consentry.domain.agents import Permission
from consentry.domain.policy import CONFIRMATION_DEADLINE_SECONDS_MAX, Policy, RevocationReach
from consentry.domain.rules.rows import read_rules
from consentry.domain.standing import ConsentLevel, ConsentState

_MINUTE_SECONDS: Final = 60
_REACHES: Final = {
    RevocationReach.SENDER: "The conversation with that sender alone.",
    RevocationReach.BRAND: "That conversation, and every program of the sender's brand.",
    RevocationReach.ALL: "That conversation, and every program of every brand.",
}
LEVELS: Final = {
    ConsentLevel.IMPLIED: (
        "Implied",
        "The person texted you first.",
        "Answers in that conversation. No marketing.",
    ),
    ConsentLevel.EXPRESS: (
        "Express",
        "The person gave the number in a context that covers these texts.",
        "Informational programs: order updates, appointments.",
    ),
    ConsentLevel.EXPRESS_WRITTEN: (
        "Express written",
        "In writing, with the seller, the number and the program named as they were shown.",
        "Marketing programs too.",
    ),
}
"""Each level: its name, how it is given, what may be sent on it. Each covers those before."""

STATES: Final = {
    ConsentState.NONE: ("None", "Nobody ever asked, or an opt-out came first."),
    ConsentState.PENDING: ("Pending", "Told to us; the person's handset must confirm it."),
    ConsentState.PENDING_CARRIER: (
        "Waiting for the carrier",
        "Given again, and the carrier still blocks: the person must text START.",
    ),
    ConsentState.ACTIVE: ("Active", "Texts of that level may be sent."),
    ConsentState.REVOKED: ("Revoked", "The person said stop. Only the person undoes it."),
    ConsentState.EXPIRED: ("Expired", "It ran out, or was not confirmed in time. Ask again."),
}


class Line(msgspec.Struct, frozen=True):
    """One part of the policy; `setting` None: it cannot be set."""

    words: str
    value: str
    means: str
    setting: str | None = None


def describe_policy(policy: Policy) -> tuple[Line, ...]:
    """Tell each part of a policy for people."""
    window = policy.conversation_window_hours
    deadline = policy.confirmation_deadline_seconds
    burst = f"{policy.refusal_burst_count} in {policy.refusal_burst_window_seconds} seconds"
    return (
        Line(
            "How far an opt-out reaches",
            policy.revocation_reach.value.capitalize(),
            _REACHES[policy.revocation_reach],
            "revocation_reach",
        ),
        Line(
            "Conversation window",
            "1 hour" if window == 1 else f"{window} hours",
            "How long after a person's text a program may answer without naming a purpose. "
            "Agents have no such limit.",
            "conversation_window_hours",
        ),
        Line(
            "Deadline of the opt-out confirmation",
            f"{deadline / _MINUTE_SECONDS:g} minutes",
            "Where the carrier does not answer an opt-out, one confirmation may go out within this "
            f"time. The law allows at most {CONFIRMATION_DEADLINE_SECONDS_MAX // _MINUTE_SECONDS} "
            "minutes (47 CFR 64.1200(a)(12)).",
        ),
        Line(
            "What the opt-out confirmation asks",
            "Which program to keep" if policy.scope_question else "Nothing",
            "Where our own confirmation goes out and several programs were active, it may ask "
            "which one to keep. Everything has ended by then, and silence leaves it so.",
            "scope_question",
        ),
        Line(
            "Hours and caps for marketing",
            policy.rules_profile.value.replace("-", " ").capitalize(),
            PROFILES[policy.rules_profile],
            "rules_profile",
        ),
        Line(
            "Amended US rule of revocation",
            f"From {policy.us_26_67_since}" if policy.us_26_67_since else "Not known yet",
            "The first day of FCC 26-67. What it asks is done already: any stop ends everything "
            "that needs consent.",
            "us_26_67_since",
        ),
        Line(
            "Refusals that are an alarm",
            burst,
            "So many refusals of a carrier at once say more about the sender than about people, "
            "so they opt nobody out.",
        ),
        Line(
            "Longest text",
            f"{policy.body_characters_max:,} characters",
            "Longer texts are refused before they are sent.",
        ),
    )


async def show_rules(visit: Visit) -> Response:
    """Show the policy in force, the rows of law, and the box; while one types, only the box."""
    policy, today = visit.services.policy, visit.services.clock.now().date()
    tried = try_rules(visit)
    if visit.is_fragment:
        return visit.render("settings/rules_tried.html", tried=tried)
    return await show(
        visit,
        RULES,
        "rules.html",
        lines=describe_policy(policy),
        version=policy.version,
        levels=LEVELS.values(),
        consent_states=STATES.values(),
        laws=list_laws(today),
        regimes=list_regimes_shown(policy.us_26_67_since, today),
        edition=read_rules().version,
        tried=tried,
    )


PAGES: Final = (Page(path="/settings/rules", view=show_rules, permission=Permission.READ_SETTINGS),)
