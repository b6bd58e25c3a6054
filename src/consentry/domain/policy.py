"""The settings a decision depends on, as one frozen value with a version of its own."""

from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Final

import msgspec

from consentry.domain.rules.rows import US_26_67, RulesProfile, read_rules


class RevocationReach(StrEnum):
    """How far an opt-out goes beyond the conversation it was said in."""

    SENDER = "sender"
    BRAND = "brand"
    ALL = "all"


CONFIRMATION_DEADLINE_SECONDS_MAX: Final = 300
"""47 CFR 64.1200(a)(12): a confirmation later than five minutes is a text without consent."""


OPT_IN_HOURS_MIN: Final = 24
OPT_IN_HOURS_MAX: Final = 72
_OPT_IN_HOURS: Final = 48


_EDITION: Final = "2026-11-30"
"""When the gate last came to decide otherwise on the same facts."""


class Policy(msgspec.Struct, frozen=True, dict=True):
    """What the operator chose; times are in the unit of their name.

    Its version is spelled once and kept beside the fields: every decision has it.

    Raises ValueError for a value that no operator may choose.
    """

    revocation_reach: RevocationReach = RevocationReach.BRAND
    conversation_window_hours: int = 24
    confirmation_deadline_seconds: int = 300
    refusal_burst_count: int = 50
    refusal_burst_window_seconds: int = 60
    body_characters_max: int = 1600
    scope_question: bool = False
    rules_profile: RulesProfile = RulesProfile.PER_STATE
    us_26_67_since: date | None = None
    opt_in_hours: int = _OPT_IN_HOURS
    defer_jitter_seconds: int = 900
    defer_ttl_hours: int = 72

    def __post_init__(self) -> None:
        """Refuse what the law does not leave to the operator."""
        deadline = self.confirmation_deadline_seconds
        if not 0 <= deadline <= CONFIRMATION_DEADLINE_SECONDS_MAX:
            raise ValueError(
                f"confirmation_deadline_seconds is {deadline}; it must be from 0 to "
                f"{CONFIRMATION_DEADLINE_SECONDS_MAX}."
            )
        if not OPT_IN_HOURS_MIN <= self.opt_in_hours <= OPT_IN_HOURS_MAX:
            raise ValueError(
                f"opt_in_hours is {self.opt_in_hours}; it must be from {OPT_IN_HOURS_MIN} to "
                f"{OPT_IN_HOURS_MAX}."
            )

    @cached_property
    def version(self) -> str:
        """Name this policy by its values, so that two alike are the same version."""
        window = f"w{self.conversation_window_hours}h"
        deadline = f"d{self.confirmation_deadline_seconds}s"
        body = f"b{self.body_characters_max}"
        scope = "/scope" if self.scope_question else ""
        rules = f"{self.rules_profile}@{read_rules().version}"
        amended = f"/{US_26_67}@{self.us_26_67_since}" if self.us_26_67_since else ""
        asked = "" if self.opt_in_hours == _OPT_IN_HOURS else f"/o{self.opt_in_hours}h"
        reach = self.revocation_reach
        said = f"{body}{scope}{asked}"
        return f"{_EDITION}/{reach}/{window}/{deadline}/{said}/{rules}{amended}"
