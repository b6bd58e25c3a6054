"""The demo: a server, a simulated carrier in a process of its own, and sample data."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveKey, SaveProgram, SaveSender
from consentry.actions.keep_agents import SaveAgent
from consentry.actions.keep_customers import CreateCustomer
from consentry.actions.make_key import SECRET_BYTES, make_key
from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.bootstrap import Server
from consentry.cli.output import print_json
from consentry.clock import SystemClock
from consentry.domain.agents import Agent, Role
from consentry.domain.calls_to_action import CallMedium, Wording
from consentry.domain.customers import CustomerPhone, PhoneType
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.reading import SenderKind
from consentry.hosting import bind
from consentry.opening import read_secret_key, start_logging
from consentry.ports import CarrierAccount, Page, Scope, Store
from consentry.settings import read_settings
from consentry.simulator.values import Account, SimulatorConfig
from consentry.simulator.values import Sender as SimulatedSender
from consentry.simulator.values import SenderKind as SimulatedKind
from consentry.wire.public_address import LOOPBACK
from consentry.wire.webhook_address import RETRY_FRAGMENT, inbound_path

BRAND: Final = Brand(id="retale", name="Retalé", contact="help@example.org")
CARRIER: Final = "simulated"
SENDERS: Final = (
    ("+14155550100", SenderKind.LONG_CODE),
    ("+18005550100", SenderKind.TOLL_FREE),
    ("55555", SenderKind.SHORT_CODE),
)
PROGRAMS: Final = (
    Program(
        id="order-updates",
        brand="retale",
        purpose=Purpose.INFORMATIONAL,
        name="Order updates",
        description="Where your order is and when it comes",
        frequency="1 to 3 msgs per order",
    ),
    Program(
        id="offers",
        brand="retale",
        purpose=Purpose.MARKETING,
        name="Offers",
        description="New things and what is cheaper this week",
        frequency="up to 4 msgs/month",
    ),
)
CALL_TO_ACTION: Final = SaveCallToAction(
    "offers-web", "offers", CallMedium.WEB, "en", Wording("Offers by text")
)
CUSTOMERS: Final = (
    ("Ada Example", (("+14155550142", PhoneType.MOBILE), ("+14155550777", PhoneType.HOME))),
    ("Ben Sample", (("+14155550143", PhoneType.MOBILE),)),
    ("Chloé Muster", (("+14155550144", PhoneType.MOBILE),)),
)
AGENTS: Final[tuple[tuple[str, str, Role, tuple[str, ...]], ...]] = (
    ("demo@localhost", "Demo agent", Role.ADMIN, ()),
    ("ava@localhost", "Ava Agent", Role.AGENT, ("retale",)),
)
_RATE_PER_SECOND: Final = 50.0
_STOP_SECONDS: Final = 3.0


class Secrets(msgspec.Struct, frozen=True):
    """What a demo keeps between two starts, so that programs need no new key."""

    api_key: str
    account_sid: str
    auth_token: str


class Told(msgspec.Struct, frozen=True):
    """What a demo tells when everything answers."""

    url: str
    secret: Secrets
    simulator_url: str
    console_link: str


async def run_demo(*, port: int, data: Path, as_json: bool) -> None:
    """Run until a signal comes; raises OSError where the port is taken."""
    chosen = read_settings()
    settings = msgspec.structs.replace(
        chosen,
        database=f"sqlite:///{data / 'consentry.db'}",
        host="127.0.0.1",
        port=port,
        public_url=None,
        # What a demo prints is for people; its log is for whoever asks for all of it.
        log_level="debug" if chosen.log_level == "debug" else "warning",
        reconcile_grace_seconds=2,
        # Nothing is long under way here, and people want to see what they did a moment ago.
        drift_grace_minutes=0,
        # The programs that a demo tells run beside it.
        webhook_private_networks=chosen.webhook_private_networks.join(LOOPBACK),
    )
    start_logging(settings)
    server = Server(settings, bind(settings.host, settings.port))
    secret = await _remember_secrets(data / "demo.json", server.store, read_secret_key(settings))
    simulator, simulator_url = await _start_simulator(
        secret, server.url, data, port=port + 10 if port else 0
    )
    try:
        await _fill(server.store, secret, simulator_url)
        await _hand_out_phones(simulator_url)
        told = Told(
            url=server.url,
            secret=secret,
            simulator_url=simulator_url,
            console_link=await server.make_console_link(await _let_in_agents(server.store)),
        )
        await server.run(on_ready=lambda: _tell(told, as_json=as_json))
    finally:
        await _stop_simulator(simulator)


async def _remember_secrets(file: Path, store: Store, secret_key: str) -> Secrets:
    """Take the secrets of the last start while their key still works, else make new ones."""
    kept = _read_secrets(file)
    if kept is not None and await store.read_keys():
        return kept
    secret, key = make_key(
        "demo",
        (Scope.ADMIN,),
        secret_key=secret_key,
        randomness=os.urandom(SECRET_BYTES),
        now=SystemClock().now(),
    )
    await store.submit(SaveKey(key))
    made = Secrets(
        api_key=secret, account_sid=f"AC{os.urandom(16).hex()}", auth_token=os.urandom(16).hex()
    )
    _write_secrets(file, made)
    return made


def _read_secrets(file: Path) -> Secrets | None:
    return msgspec.json.decode(file.read_bytes(), type=Secrets) if file.is_file() else None


def _write_secrets(file: Path, made: Secrets) -> None:
    file.touch(mode=0o600)
    file.write_bytes(msgspec.json.encode(made))


async def _start_simulator(
    secret: Secrets, server_url: str, data: Path, *, port: int
) -> tuple[asyncio.subprocess.Process, str]:
    inbound = server_url + inbound_path(CARRIER, RETRY_FRAGMENT)
    config = SimulatorConfig(
        accounts=(Account(sid=secret.account_sid, token=secret.auth_token),),
        senders=tuple(
            SimulatedSender(
                number=number,
                kind=SimulatedKind(kind.value),
                account_sid=secret.account_sid,
                inbound_url=inbound,
            )
            for number, kind in SENDERS
        ),
        port=port,
        state_file=str(data / "simulator.jsonl"),
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "consentry",
        "simulate",
        "--config-from-stdin",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise OSError("the simulator has no pipes")
    process.stdin.write(msgspec.json.encode(config) + b"\n")
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise OSError(None, "the simulator did not start; its own error is above")
    return process, json.loads(line)["url"]


async def _stop_simulator(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _fill(store: Store, secret: Secrets, simulator_url: str) -> None:
    """Set up the sample brand, numbers and people; what is there already stays."""
    account = CarrierAccount(
        id=CARRIER,
        kind="twilio",
        account=secret.account_sid,
        secret=secret.auth_token,
        base_url=simulator_url,
    )
    known = {kept.id: kept for kept in await store.read_carriers()}
    await store.submit(SaveCarrier(account, known=known.get(CARRIER)))
    directory = await store.read_directory()
    if BRAND.id not in directory.brands:
        await store.submit(SaveBrand(BRAND))
    for number, kind in SENDERS:
        if number not in directory.senders:
            sender = Sender(
                number=number,
                kind=kind,
                brand=BRAND.id,
                carrier=CARRIER,
                messages_per_second=_RATE_PER_SECOND,
            )
            await store.submit(SaveSender(sender))
    for program in PROGRAMS:
        if program.id not in directory.programs:
            await store.submit(SaveProgram(program))
    if CALL_TO_ACTION.id not in directory.calls_to_action:
        await store.submit(CALL_TO_ACTION)
    if not await store.read_customers(Page(limit=1)):
        for name, phones in CUSTOMERS:
            await store.submit(CreateCustomer(name=name, phones=_phones(phones)))


async def _hand_out_phones(simulator_url: str) -> None:
    """Lay the sample people's mobile phones on the simulator's table."""
    async with aiohttp.ClientSession() as session:
        for _, phones in CUSTOMERS:
            phone = {"phone": phones[0][0]}
            async with session.post(f"{simulator_url}/api/handsets", json=phone) as answer:
                answer.raise_for_status()


def _phones(phones: tuple[tuple[str, PhoneType], ...]) -> tuple[CustomerPhone, ...]:
    return tuple(
        CustomerPhone(
            original=number,
            normalized=number,
            region_code="US",
            type=phone_type,
            primary=place == 0,
        )
        for place, (number, phone_type) in enumerate(phones)
    )


async def _let_in_agents(store: Store) -> Agent:
    """Add the sample agents who are not there yet; return the one whom the link signs in."""
    known = {agent.email: agent for agent in await store.read_agents()}
    for email, name, role, brands in AGENTS:
        if email not in known:
            new = Agent("", email, name, role, SystemClock().now(), brands)
            known[email] = await store.submit(SaveAgent(new))
    return known[AGENTS[0][0]]


def _tell(told: Told, *, as_json: bool) -> None:
    handset_url = f"{told.simulator_url}/handsets"
    opt_in_url = f"{told.url}/opt-in/{CALL_TO_ACTION.id}"
    if as_json:
        print_json(
            {
                "url": told.url,
                "api_key": told.secret.api_key,
                "twilio_account_sid": told.secret.account_sid,
                "twilio_auth_token": told.secret.auth_token,
                "simulator_url": told.simulator_url,
                "handset_url": handset_url,
                "opt_in_url": opt_in_url,
                "console_link": told.console_link,
                "senders": [{"number": n, "kind": k.value} for n, k in SENDERS],
            }
        )
    else:
        sys.stdout.write(
            "\nConsentry is running.\n\n"
            f"  Console   {told.console_link}   (signs in once)\n"
            f"  Handsets  {handset_url}\n"
            f"  Opt-in    {opt_in_url}\n"
            f"  API       {told.url}/docs   key {told.secret.api_key}\n"
            f"  Twilio    {told.url}   account sid {told.secret.account_sid}   "
            f"auth token {told.secret.auth_token}\n\n"
            f"Text START, or anything, to {SENDERS[0][0]} from a handset and watch the console.\n"
            "Stop with Ctrl-C.\n"
        )
    sys.stdout.flush()
