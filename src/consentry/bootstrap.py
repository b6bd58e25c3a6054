"""The only module that knows both sides: it builds the product from settings."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from consentry.actions.check_readiness import ReadinessCheck, ReadinessLimits
from consentry.actions.count_try import TryLimits
from consentry.actions.find_account import AccountRing
from consentry.actions.find_key import REVOKED_EVERYWHERE_SECONDS, KeyLimits, KeyRing, build_limits
from consentry.actions.reconcile import Limits as ReconcileLimits
from consentry.actions.record_rules import record_rules
from consentry.api.app import build_api
from consentry.api.http_server import HTTPServer
from consentry.api.services import Services
from consentry.carriers.aws.settings import AWS
from consentry.carriers.bandwidth.settings import BANDWIDTH
from consentry.carriers.plivo.settings import PLIVO
from consentry.carriers.signalwire.settings import SIGNALWIRE
from consentry.carriers.sinch.settings import SINCH
from consentry.carriers.smpp.settings import SMPP
from consentry.carriers.telnyx.settings import TELNYX
from consentry.carriers.twilio.passing_on import TwilioPassingOn
from consentry.carriers.twilio.settings import TWILIO
from consentry.carriers.vonage.settings import VONAGE
from consentry.clock import SystemClock, SystemIds
from consentry.console.app import build_console
from consentry.console.identity import IdentityProvider
from consentry.console.passwords import Passwords
from consentry.console.rendering import PRIVATE
from consentry.console.services import ConsoleServices
from consentry.console.sessions import Sessions
from consentry.delivery.limits import LIMITS
from consentry.delivery.links import LinkKeeper
from consentry.delivery.loop import DeliveryLoop
from consentry.delivery.membership import Identity
from consentry.delivery.reconciling import NightlyReconciling
from consentry.delivery.retaining import NightlyRetention
from consentry.domain.agents import Agent
from consentry.hosting import Presence, signals_heard_once
from consentry.opening import (
    build_evidence_maker,
    build_policy,
    find_admin,
    make_sign_in_link,
    name_places,
    open_store,
    read_older_secret_keys,
    read_secret_key,
)
from consentry.opt_in.opt_out import OptOutPages
from consentry.opt_in.pages import OptInPages
from consentry.opt_in.services import OptInServices
from consentry.ports import (
    Carrier,
    CarrierAccount,
    CarrierBook,
    Clock,
    PassingOn,
    Store,
    StoreUnavailable,
    index_kinds,
)
from consentry.setting_list import OIDCAdmission, Switch
from consentry.setting_values import SettingError
from consentry.settings import Settings
from consentry.store.sqlite.holding import hold_file
from consentry.telemetry.exposition import Exposition
from consentry.telemetry.sharing import Sharing
from consentry.telemetry.tallies import Tallies
from consentry.telling.tellers import build_tellers
from consentry.twilio_door.app import TwilioDoor
from consentry.twilio_door.services import DoorServices
from consentry.witnessing.loop import Witnessing

if TYPE_CHECKING:
    from consentry.telemetry.tracing import Tracing

CARRIERS: Final = index_kinds(
    [
        TWILIO,
        TELNYX,
        PLIVO,
        BANDWIDTH,
        SMPP,
        SIGNALWIRE,
        VONAGE,
        AWS,
        SINCH,
    ]
)
"""One line for each carrier."""

_logger = logging.getLogger(__name__)
_BOOK_FRESH_SECONDS: Final = 1.0
_CLOSING_SECONDS: Final = 3
"""What is left of the grace for closing the store, when requests and flights have had theirs."""


class AccountBook:
    """Finds carriers by their account id and builds each once; implements `CarrierBook`."""

    def __init__(self, store: Store, clock: SystemClock, callback_base: str) -> None:
        self._store = store
        self._clock = clock
        self._callback_base = callback_base
        self._built: dict[str, tuple[CarrierAccount, Carrier]] = {}
        self._accounts: dict[str, CarrierAccount] = {}
        self._read_at: float | None = None

    async def find(self, carrier_id: str) -> Carrier | None:
        """Find a carrier; accounts are read again when they are older than a second."""
        await self._refresh(carrier_id)
        account = self._accounts.get(carrier_id)
        if account is None or account.kind not in CARRIERS:
            return None
        built = self._built.get(carrier_id)
        if built is not None and built[0] == account:
            return built[1]
        if built is not None:
            await built[1].close()
        carrier = CARRIERS[account.kind].build(account, self._callback_base)
        self._built[carrier_id] = (account, carrier)
        return carrier

    async def _refresh(self, carrier_id: str) -> None:
        now = self._clock.monotonic()
        fresh = self._read_at is not None and now - self._read_at < _BOOK_FRESH_SECONDS
        if fresh and carrier_id in self._accounts:
            return
        try:
            accounts = await self._store.read_carriers()
        except StoreUnavailable:
            # A known account goes on to work: what it brings is kept or refused by the store.
            if carrier_id not in self._accounts:
                raise
            return
        self._accounts = {account.id: account for account in accounts}
        self._read_at = now

    async def close(self) -> None:
        """Close every carrier's connections."""
        for _, carrier in self._built.values():
            await carrier.close()


def make_identity(settings: Settings) -> Identity:
    """Name a process that was just started."""
    return Identity(SystemIds().new("prc"), is_alone=not settings.is_postgres)


def address_of(settings: Settings, listener: socket.socket) -> str:
    """The address under which carriers and people reach a server that listens here."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return settings.public_url or f"http://{shown}:{port}"


def _build_console_services(settings: Settings, services: Services) -> ConsoleServices:
    """Give the console what it needs: the same inside as the API's, and how people sign in."""
    window_seconds = settings.sign_in_window_minutes * 60
    limits = TryLimits(
        settings.sign_in_tries, settings.sign_in_tries_per_address, window_seconds=window_seconds
    )
    return ConsoleServices(
        store=services.store,
        sessions=Sessions(
            services.store,
            services.clock,
            secret_key=services.secret_key,
            session_seconds=settings.session_hours * 3600,
            public_url=settings.public_url,
        ),
        clock=services.clock,
        ids=services.ids,
        policy=services.policy,
        delivery=services.delivery,
        default_region=settings.default_region,
        public_url=settings.public_url,
        secret_key=services.secret_key,
        carrier_kinds=services.carrier_kinds,
        passwords=Passwords(),
        try_limits=limits,
        others_seconds=REVOKED_EVERYWHERE_SECONDS,
        link_seconds=services.link_seconds,
        provider=build_provider(settings, services.clock),
        webhook_ways=services.webhook_ways,
        measuring=services.measuring,
        reconciling=services.reconciling,
        evidence=services.evidence,
    )


def _build_opt_in_services(settings: Settings, services: Services) -> OptInServices:
    """Give the opt-in pages what they need: the same inside, and how much is taken from one."""
    return OptInServices(
        store=services.store,
        delivery=services.delivery,
        clock=services.clock,
        ids=services.ids,
        default_region=services.default_region,
        public_url=settings.public_url,
        limits=TryLimits(
            settings.opt_in_tries,
            settings.opt_in_tries_per_address,
            window_seconds=settings.opt_in_window_minutes * 60,
        ),
        measuring=services.measuring,
    )


def _build_doors(
    settings: Settings, services: Services, pages: ASGIApp, passing_on: PassingOn
) -> ASGIApp:
    """Put the Twilio-compatible door before the API, and that before the pages.

    All ask one ring of keys, so that a revoked key is refused by each of them at once.
    """
    store, clock = services.store, services.clock
    limits = build_limits(
        requests_per_second=settings.key_requests_per_second,
        failures_per_minute=settings.key_failures_per_minute,
    )
    keys = _build_key_ring(settings, store, clock, limits)
    door = DoorServices(
        store=store,
        accounts=AccountRing(store, clock, keys),
        delivery=services.delivery,
        clock=clock,
        ids=services.ids,
        policy=services.policy,
        measuring=services.measuring,
        default_region=services.default_region,
        deferred=settings.twilio_quiet_hours,
        refused=settings.twilio_refusals,
        passing_on=passing_on if settings.twilio_pass_through is Switch.ON else None,
    )
    return TwilioDoor(door, build_api(services, pages, keys))


def build_provider(settings: Settings, clock: Clock) -> IdentityProvider | None:
    """Build sign-in through the company's identity provider, where one is set."""
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise SettingError(
            "CONSENTRY_OIDC_ISSUER is set and CONSENTRY_OIDC_CLIENT_ID is not. Set it to the "
            "client id that the provider gave you."
        )
    try:
        # Imported only where it is used: the extra is not installed everywhere.
        from consentry.console.oidc import OIDCProvider  # noqa: PLC0415
    except ImportError as error:
        raise SettingError(
            "CONSENTRY_OIDC_ISSUER is set, and what it needs is not installed "
            f"({error.name}). Install it: pip install 'consentry[oidc]'."
        ) from error
    return OIDCProvider(
        clock,
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        label=settings.oidc_label,
        takes_in=settings.oidc_admission is OIDCAdmission.WITHOUT_ACCESS,
    )


def build_tracing(settings: Settings, clock: Clock) -> "Tracing | None":
    """Build what traces, where a collector is set."""
    if settings.traces_endpoint is None:
        return None
    try:
        # Imported only where it is used: the extra is not installed everywhere.
        from consentry.telemetry.tracing import Tracing, build_provider  # noqa: PLC0415
    except ImportError as error:
        raise SettingError(
            "CONSENTRY_TRACES_ENDPOINT is set, and what it needs is not installed "
            f"({error.name}). Install it: pip install 'consentry[otel]'."
        ) from error
    return Tracing(build_provider(settings.traces_endpoint, settings.traces_percent), clock)


def _build_key_ring(
    settings: Settings, store: Store, clock: Clock, limits: KeyLimits | None = None
) -> KeyRing:
    older = read_older_secret_keys(settings)
    return KeyRing(store, clock, read_secret_key(settings), limits, older=older)


async def _tell_nothing_there(request: Request, error: Exception) -> Response:
    """Answer a path that is no door's."""
    del request, error
    return Response("There is nothing here.\n", 404, PRIVATE, media_type="text/plain")


class Server:
    """The product in one process: store, carriers, delivery, doors."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        *,
        store: Store | None = None,
        identity: Identity | None = None,
        tallies_folder: Path | None = None,
    ) -> None:
        """Build it from the settings, on their database or on a store given (the bench's).

        `identity` is who this process is among those on the database, where somebody knows it.
        `tallies_folder` is where the workers of one server share what they count.
        """
        identity = identity or make_identity(settings)
        self._clock = clock = SystemClock()
        self._settings = settings
        self._grace_seconds = max(1, settings.shutdown_grace_seconds - _CLOSING_SECONDS)
        self.url = address_of(settings, listener)
        self._held = ExitStack()
        self._presence = Presence(identity.id)
        self._held.callback(self._presence.close)
        if not settings.is_postgres:
            self._held.enter_context(hold_file(settings.database_path))
        self._tallies = tallies = Tallies()
        self._tracing = tracing = build_tracing(settings, clock)
        measuring = tallies if tracing is None else tracing.wrap_measuring(tallies)
        self.store = open_store(settings, measuring, keeps_log=True) if store is None else store
        self._sharing = Sharing(tallies, self.store, tallies_folder, identity.id)
        used: Store = self.store
        self._readiness = ReadinessCheck(
            self.store, clock, ReadinessLimits(lag_seconds=settings.ready_lag_seconds)
        )
        self._listener = listener
        self._on_ready: Callable[[], None] = lambda: None
        self._book = AccountBook(self.store, clock, self.url)
        book: CarrierBook = self._book
        if tracing is not None:
            used, book = tracing.wrap_store(used), tracing.wrap_book(book)
        self._delivery = self._build_delivery(used, book, identity)
        services = Services(
            store=used,
            book=book,
            delivery=self._delivery,
            clock=clock,
            ids=SystemIds(),
            policy=build_policy(settings),
            default_region=settings.default_region,
            public_url=settings.public_url,
            secret_key=read_secret_key(settings),
            readiness=self._readiness,
            exposition=self._build_exposition(),
            carrier_kinds=CARRIERS,
            link_seconds=settings.sign_in_link_minutes * 60,
            measuring=tallies,
            metrics_access=settings.metrics_access,
            others_seconds=REVOKED_EVERYWHERE_SECONDS if settings.is_postgres else 0.0,
            reconciling=self._reconciling,
            evidence=build_evidence_maker(used, settings, clock),
            webhook_ways=self._teller.ways,
        )
        self._witnessing = Witnessing(self.store, clock, name_places(settings))
        self._links = LinkKeeper(self.store, self._book, services.intake)
        app = self._build_app(services)
        self._http = self._build_http(app if tracing is None else tracing.wrap_app(app))

    def _build_http(self, app: ASGIApp) -> HTTPServer:
        return HTTPServer(
            app,
            grace_seconds=self._grace_seconds,
            end_streams=self._begin_to_end,
            monotonic=self._clock.monotonic,
            is_encrypted=(self._settings.public_url or "").startswith("https://"),
        )

    def _build_app(self, services: Services) -> ASGIApp:
        console = _build_console_services(self._settings, services)
        self._streams = console.streams
        anybody = _build_opt_in_services(self._settings, services)
        opened = (*OptInPages(anybody).routes(), *OptOutPages(anybody).routes())
        routes = [*build_console(console), *opened]
        told = {404: _tell_nothing_there}
        pages = Starlette(routes=routes, lifespan=self._live, exception_handlers=told)
        return _build_doors(self._settings, services, pages, self._passing_on)

    def _build_delivery(self, store: Store, book: CarrierBook, identity: Identity) -> DeliveryLoop:
        stop_seconds = min(LIMITS.stop_seconds, self._grace_seconds)
        self._teller = build_tellers(
            store,
            self._clock,
            allowed=self._settings.webhook_private_networks,
            keys=_build_key_ring(self._settings, store, self._clock),
        )
        self._passing_on = TwilioPassingOn()
        self._reconciling = self._build_reconciling(store, book)
        return DeliveryLoop(
            store,
            book,
            self._clock,
            identity=identity,
            reconcile_grace_seconds=self._settings.reconcile_grace_seconds,
            limits=msgspec.structs.replace(
                LIMITS,
                stop_seconds=stop_seconds,
                failed_days=self._settings.webhook_failed_days,
            ),
            measuring=self._tallies,
            neighbours=self._presence,
            teller=self._teller,
        )

    def _build_exposition(self) -> Exposition:
        return Exposition.of(self.store, self._clock, self._sharing, self._readiness)

    def _build_reconciling(self, store: Store, book: CarrierBook) -> NightlyReconciling:
        settings = self._settings
        return NightlyReconciling(
            store,
            book,
            self._clock,
            SystemIds(),
            hour=settings.reconcile_hour,
            limits=ReconcileLimits(grace_seconds=settings.drift_grace_minutes * 60),
            leads=lambda: self._delivery.leads,
        )

    def _build_nightly(self) -> tuple[NightlyReconciling, NightlyRetention]:
        hour, leads = self._settings.retention_hour, lambda: self._delivery.leads
        return self._reconciling, NightlyRetention(self.store, self._clock, hour=hour, leads=leads)

    def _begin_to_end(self) -> None:
        """Take on nothing new: what is under way has as long as the grace."""
        self._readiness.drain()
        self._delivery.begin_stop()
        self._streams.close_all()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until a signal comes, then finish what was begun and close the store."""
        self._on_ready = on_ready
        with signals_heard_once():
            try:
                await self._http.serve(sockets=[self._listener])
            finally:
                await self.store.close()
                self._held.close()
                if self._tracing is not None:
                    await self._tracing.close()

    @asynccontextmanager
    async def _live(self, _app: Starlette) -> AsyncIterator[None]:
        """Deliver while requests are answered; what was handed to a carrier is finished first."""
        await self._record_rules()
        delivering = asyncio.create_task(self._delivery.run())
        publishing = asyncio.create_task(self._sharing.keep_publishing())
        linking = asyncio.create_task(self._links.run())
        nightly = [asyncio.create_task(job.run()) for job in self._build_nightly()]
        nightly.append(asyncio.create_task(self._witnessing.run(lambda: self._delivery.leads)))
        # What was made at the start stays, so that no garbage collection walks through it again.
        gc.freeze()
        # The listener takes connections since it was bound: who is told now may ask at once.
        self._on_ready()
        try:
            yield
        finally:
            for task in nightly:
                task.cancel()
            await self._delivery.stop()
            await delivering
            for task in (publishing, linking):
                task.cancel()
            await asyncio.gather(publishing, linking, *nightly, return_exceptions=True)
            await self._book.close()
            await self._teller.close()
            await self._passing_on.close()

    async def _record_rules(self) -> None:
        """Have the ledger say by what this server decides; without a store it decides nothing."""
        try:
            await record_rules(self.store)
        except StoreUnavailable:
            _logger.warning(
                "The rules in force could not be written to the ledger: the database does not "
                "answer. Past decisions are replayed by the rules it has until the next start."
            )

    async def make_console_link(self, agent: Agent | None = None) -> str:
        """Make a link that signs an agent in once: this one, or the first admin."""
        known = agent or await find_admin(self.store)
        return await make_sign_in_link(self.store, known, self._settings, self.url)
