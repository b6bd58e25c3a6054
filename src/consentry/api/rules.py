"""The rows of law, and which of them hold for a recipient at a time."""

from datetime import date
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import PhoneText, TimeText, read_phone, read_time
from consentry.domain.directory import Purpose
from consentry.domain.explain_rules import Explanation, explain_rules
from consentry.domain.rules.rows import Regime, Row, RulesProfile, list_regimes, read_rules
from consentry.ports import Scope


class RegimeView(msgspec.Struct, frozen=True):
    """A rule of revocation; `in_force`: whether it holds today (UTC)."""

    id: str
    since: date | None
    until: date | None
    in_force: bool
    statute: str
    source: str
    checked_on: date
    says: str


class RulesView(msgspec.Struct, frozen=True):
    """The profile in force, the edition of the rows, all rows, and the regimes."""

    profile: RulesProfile
    edition: str
    rows: tuple[Row, ...]
    regimes: list[RegimeView]


class ExplainQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom, when (now where left out), and what for (marketing where left out)."""

    recipient: PhoneText
    at: TimeText | UnsetType = UNSET
    purpose: Purpose = Purpose.MARKETING


def _view_regime(regime: Regime, today: date) -> RegimeView:
    return RegimeView(
        id=regime.id,
        since=regime.since,
        until=regime.until,
        in_force=regime.is_in_force(today),
        statute=regime.statute,
        source=regime.source,
        checked_on=regime.checked_on,
        says=regime.says,
    )


async def list_rules(call: Call[None, None]) -> Answer:
    """List every row and regime; what is no longer or not yet in force is there too."""
    policy, today = call.services.policy, call.services.clock.now().date()
    rules = read_rules()
    regimes = [_view_regime(regime, today) for regime in list_regimes(policy.us_26_67_since)]
    return Answer(RulesView(policy.rules_profile, rules.version, rules.rows, regimes))


async def explain(call: Call[None, ExplainQuery]) -> Answer:
    """Explain by which rows a person may be solicited at a time."""
    query, services = call.query, call.services
    number = read_phone(query.recipient, services.default_region).normalized
    at = services.clock.now() if query.at is UNSET else read_time(query.at, "at")
    standing = await services.store.read_standing(number)
    explained = explain_rules(number, standing.place, services.policy, at, purpose=query.purpose)
    return Answer(explained)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/rules",
        tag=Tag.RULES,
        summary="Rows of law and of the profiles",
        handler=list_rules,
        scope=Scope.READ,
        for_brands=True,
        answers={200: RulesView},
    ),
    Operation(
        method="GET",
        path="/v1/rules/explain",
        tag=Tag.RULES,
        summary="Which rows hold for a recipient at a time",
        description="Every row on every clock that counts, whether it is open, and the next open "
        "minute. By the place that is set for the recipient now.",
        handler=explain,
        scope=Scope.READ,
        for_brands=True,
        query=ExplainQuery,
        answers={200: Explanation},
        errors=("invalid_number", "invalid_time"),
    ),
)
