"""What the console is given: the ports and settings it works with, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consentry.actions.count_try import TryLimits
from consentry.actions.keep_webhooks import WebhookWays
from consentry.console.identity import IdentityProvider
from consentry.console.passwords import Passwords
from consentry.console.sessions import Sessions
from consentry.console.streams import Streams
from consentry.domain.policy import Policy
from consentry.ports import (
    UNMEASURED,
    CarrierKind,
    Clock,
    Delivery,
    EvidenceMaking,
    Ids,
    Measuring,
    Reconciling,
    Store,
)


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """The inside as the console sees it.

    `default_region`: the country of numbers written without one. `public_url`: under which
    carriers and people reach us; None takes each request's own. `secret_key`: keys the hashes of
    API keys made here. `link_seconds`: how long a sign-in link made here is good. `provider`: the
    company's own sign-in, where it has one. `streams`: the open live updates, ended when the
    server stops. `measuring` counts answers. `others_seconds`: how long other parts may go by
    the API keys that they knew. `carrier_kinds`: with whom an account can be set up.
    `reconciling` compares carriers with our ledger. `evidence` makes bundles of evidence.
    `webhook_ways` checks webhooks and posts to them.
    """

    store: Store
    sessions: Sessions
    clock: Clock
    ids: Ids
    policy: Policy
    delivery: Delivery
    default_region: str | None
    public_url: str | None
    secret_key: str
    carrier_kinds: Mapping[str, CarrierKind]
    passwords: Passwords = field(default_factory=Passwords)
    try_limits: TryLimits = field(default_factory=TryLimits)
    others_seconds: float = 0.0
    link_seconds: int = 3600
    provider: IdentityProvider | None = None
    streams: Streams = field(default_factory=Streams)
    measuring: Measuring = UNMEASURED
    reconciling: Reconciling | None = None
    evidence: EvidenceMaking | None = None
    webhook_ways: WebhookWays | None = None
