"""The table of operations: routes, documentation and tests are made from it.

The gate and the carriers' door come first: they are asked most.
"""

from typing import Any, Final

from consentry.api import (
    agents,
    api_keys,
    brands,
    calls_to_action,
    campaigns,
    carriers,
    checks,
    consents,
    customer_phones,
    customers,
    decisions,
    drifts,
    evidence,
    expiring,
    keywords,
    messages,
    outgoing_webhooks,
    places,
    programs,
    recipients,
    reviews,
    rules,
    senders,
    service,
    templates,
    told,
    webhook_deliveries,
    webhooks,
)
from consentry.api.operations import Operation

OPERATIONS: Final[tuple[Operation[Any, Any], ...]] = (
    *checks.OPERATIONS,
    *webhooks.OPERATIONS,
    *messages.OPERATIONS,
    *recipients.OPERATIONS,
    *decisions.OPERATIONS,
    *evidence.OPERATIONS,
    *places.OPERATIONS,
    *consents.OPERATIONS,
    *expiring.OPERATIONS,
    *told.OPERATIONS,
    *customers.OPERATIONS,
    *customer_phones.OPERATIONS,
    *senders.OPERATIONS,
    *brands.OPERATIONS,
    *programs.OPERATIONS,
    *calls_to_action.OPERATIONS,
    *campaigns.OPERATIONS,
    *templates.OPERATIONS,
    *carriers.OPERATIONS,
    *api_keys.OPERATIONS,
    *agents.OPERATIONS,
    *keywords.OPERATIONS,
    *reviews.OPERATIONS,
    *drifts.OPERATIONS,
    *rules.OPERATIONS,
    *outgoing_webhooks.OPERATIONS,
    *webhook_deliveries.OPERATIONS,
    *service.OPERATIONS,
)
