"""What the API is given: the ports and settings it works with, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass

from consentry.actions.check_readiness import ReadinessCheck
from consentry.actions.keep_webhooks import WebhookWays
from consentry.actions.take_events import EventIntake
from consentry.domain.policy import Policy
from consentry.ports import (
    UNMEASURED,
    CarrierBook,
    CarrierKind,
    Clock,
    Delivery,
    EvidenceMaking,
    Exposition,
    Ids,
    Intake,
    Measuring,
    MetricsAccess,
    Reconciling,
    Store,
)


@dataclass(frozen=True, slots=True)
class Services:
    """The inside as the API sees it.

    `default_region`: the country of numbers written without one. `public_url`: under which
    carriers reach us; None takes each request's own. `secret_key`: keys the hashes of API keys.
    `link_seconds`: how long a sign-in link made here is good. `others_seconds`: how long other
    processes may go by the API keys that they knew. `readiness`: whether this server can work.
    `exposition`: what `/metrics` shows; `metrics_access`: to whom. `carrier_kinds`: with whom an
    account can be set up. `reconciling`: compares carriers with our ledger. `evidence` makes
    bundles of evidence. `webhook_ways`: checks webhooks and posts to them.
    """

    store: Store
    book: CarrierBook
    delivery: Delivery
    clock: Clock
    ids: Ids
    policy: Policy
    default_region: str | None
    public_url: str | None
    secret_key: str
    readiness: ReadinessCheck
    exposition: Exposition
    carrier_kinds: Mapping[str, CarrierKind]
    link_seconds: int = 3600
    others_seconds: float = 0.0
    measuring: Measuring = UNMEASURED
    metrics_access: MetricsAccess = MetricsAccess.KEY
    reconciling: Reconciling | None = None
    evidence: EvidenceMaking | None = None
    webhook_ways: WebhookWays | None = None

    @property
    def intake(self) -> Intake:
        """What takes the events that carriers tell; it keeps nothing of its own."""
        return EventIntake(self.store, self.delivery, self.clock, self.measuring)
