"""What webhooks hear: events as the official library believes them, at addresses that may be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import pytest
from standardwebhooks import WebhookVerificationError

from action_world import World
from consent_world import PERSON
from consentry.actions.keep_webhooks import RotateSecret, SaveWebhook, build_test_event
from consentry.clock import SystemClock
from consentry.domain.messages import Direction, Removal
from consentry.domain.notices import EventNotice
from consentry.domain.webhooks import EventType, Webhook
from consentry.ports import Resolver, StoreUnavailable, Told, Untold
from consentry.telling.posting import Poster
from consentry.telling.resolving import Guard, SystemResolver, URLCheck
from consentry.telling.webhook_teller import WebhookTeller
from consentry.wire.public_address import LOOPBACK, AddressRefused, PrivateNetworks
from consentry.wire.webhook_address import RetryCause
from loopback_program import Program, Says, running_program
from memory_store import START

pytestmark = pytest.mark.integration

RANDOMNESS: Final = bytes(range(32))
CLOCK: Final = SystemClock()


class NamedAddresses:
    """Implements `ports.Resolver`: each name has a list of answers, the last one for good."""

    def __init__(self, **answers: tuple[tuple[str, ...], ...]) -> None:
        self._answers = {name: list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        """Answer, and go on to the next answer."""
        del port
        self.asked.append(host)
        given = self._answers.get(host)
        if given is None:
            raise OSError(f"{host} is not known")
        return list(given.pop(0) if len(given) > 1 else given[0])


class Hooked:
    """A company with a webhook at a program that runs."""

    def __init__(self, url: str, resolver: Resolver, allowed: PrivateNetworks) -> None:
        self.world = World()
        guard = Guard(resolver, allowed)
        plain = msgspec.structs.replace(guard, needs_allowed=True)
        self.teller = WebhookTeller(
            self.world.store,  # type: ignore[arg-type] - it has what is read here
            CLOCK,
            poster=Poster(guard),
            plain=Poster(plain),
        )
        new = Webhook("", url, START, START)
        saved = self.world.store.run(SaveWebhook(new, randomness=RANDOMNESS))
        assert saved.secret is not None
        self.webhook, self.secret = saved.webhook, saved.secret

    def test_event(self) -> EventNotice:
        """Make an event that tells nothing."""
        return build_test_event(self.webhook, CLOCK, self.world.store.ids)

    async def tell(self) -> Told | Untold:
        """Tell it."""
        return await self.teller.tell(self.test_event())


@asynccontextmanager
async def hooked(
    resolver: Resolver | None = None,
    allowed: PrivateNetworks = LOOPBACK,
    url: str = "{url}/events",
) -> AsyncIterator[tuple[Hooked, Program]]:
    """Run a program and what tells it; `{url}` and `{port}` are the program's."""
    async with running_program() as program:
        port = program.url.rpartition(":")[2]
        address = url.format(url=program.url, port=port)
        made = Hooked(address, resolver or SystemResolver(), allowed)
        yield made, program
        await made.teller.close()


async def test_the_official_library_believes_an_event() -> None:
    """Its id, its time and its body are signed; nobody else's secret will do."""
    async with hooked() as (made, program):
        notice = made.test_event()
        assert await made.teller.tell(notice) == Told(status=200)
        (heard,) = program.heard
        event = heard.open_event(made.secret)
        assert event["type"] == "webhook.test"
        assert event["data"] == {"webhook": made.webhook.id}
        assert event["timestamp"].endswith("Z")
        assert heard.headers["webhook-id"] == notice.event_id
        assert heard.headers["content-type"] == "application/json"
        with pytest.raises(WebhookVerificationError):
            heard.open_event("whsec_" + "A" * 43 + "=")


async def test_while_secrets_overlap_both_open_it() -> None:
    """So a program can change over whenever it likes on that day."""
    async with hooked() as (made, program):
        known = made.world.store.webhook_secrets[made.webhook.id]
        rotate = RotateSecret(made.webhook.id, known, bytes(32))
        new = made.world.store.run(rotate)
        made.world.store.webhook_secrets[made.webhook.id] = msgspec.structs.replace(
            made.world.store.webhook_secrets[made.webhook.id],
            previous_until=CLOCK.now().replace(year=CLOCK.now().year + 1),
        )
        await made.tell()
        (heard,) = program.heard
        assert heard.open_event(new) == heard.open_event(made.secret)


async def test_a_text_is_told_with_its_words_as_long_as_they_are_there() -> None:
    """What was erased, or taken out of sight, is told without."""
    async with hooked() as (made, program):
        made.world.receive("Ünïcode 🙂")
        notice = next(
            n
            for n in made.world.store.notices.values()
            if isinstance(n, EventNotice) and n.event is EventType.MESSAGE_RECEIVED
        )
        await made.teller.tell(notice)
        (text,) = [
            m for m in made.world.store.messages.values() if m.direction is Direction.INBOUND
        ]
        made.world.store.messages[text.id] = msgspec.structs.replace(text, removal=Removal.WHOLE)
        await made.teller.tell(notice)
        del made.world.store.messages[text.id]
        await made.teller.tell(notice)
        told = [heard.open_event(made.secret)["data"] for heard in program.heard]
        assert [data["text"] for data in told] == ["Ünïcode 🙂", None, None]
        assert {data["recipient"] for data in told} == {PERSON}
        assert len({heard.headers["webhook-id"] for heard in program.heard}) == 1


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (Says(204, ""), Told(status=204)),
        (
            Says(500),
            Untold(
                "It answered with HTTP 500.",
                RetryCause.SERVER_ERROR,
                is_server_down=True,
                status=500,
            ),
        ),
        (
            Says(429, headers=("Retry-After: 120",)),
            Untold(
                "It answered with HTTP 429.",
                RetryCause.CLIENT_ERROR,
                is_server_down=True,
                status=429,
                retry_after_seconds=120,
            ),
        ),
        (
            Says(503, headers=("Retry-After: 7",)),
            Untold(
                "It answered with HTTP 503.",
                RetryCause.SERVER_ERROR,
                is_server_down=True,
                status=503,
                retry_after_seconds=7,
            ),
        ),
        (
            Says(404, headers=("Retry-After: 7",)),
            Untold("It answered with HTTP 404.", RetryCause.CLIENT_ERROR, status=404),
        ),
        (Says(410), Untold("It answered with HTTP 410.", None, status=410, is_gone=True)),
    ],
)
async def test_what_an_answer_means(says: Says, told: Told | Untold) -> None:
    """Any 2xx is taken; who is busy says for how long, and who is gone for good."""
    async with hooked() as (made, program):
        program.says = lambda _heard: says
        assert await made.tell() == told


async def test_a_redirect_is_not_followed() -> None:
    """Where it leads, nobody has allowed."""
    async with hooked() as (made, program):
        program.says = lambda _heard: Says(307, headers=(f"Location: {program.url}/other",))
        told = await made.tell()
        assert isinstance(told, Untold)
        assert (told.status, len(program.heard)) == (307, 1)


async def test_an_answer_without_an_end_is_not_read_to_its_end() -> None:
    """It is taken, as its status says."""
    async with hooked() as (made, program):
        program.says = lambda _heard: Says(200, "x" * 1_000_000)
        assert await made.tell() == Told(status=200)


async def test_nothing_is_told_to_what_is_not_there_or_off_or_has_no_secret() -> None:
    """It will not help to try again."""
    async with hooked() as (made, program):
        notice = made.test_event()
        secrets = made.world.store.webhook_secrets
        kept = secrets.pop(made.webhook.id)
        told = [await made.teller.tell(notice)]
        secrets[made.webhook.id] = kept
        off = msgspec.structs.replace(made.webhook, enabled=False)
        made.world.store.run(SaveWebhook(off))
        told.append(await made.teller.tell(notice))
        told.append(await made.teller.tell(msgspec.structs.replace(notice, webhook="whk_none")))
        assert [one.cause for one in told if isinstance(one, Untold)] == [None] * 3
        made.world.store.available = False
        away = await made.teller.tell(notice)
        assert isinstance(away, Untold)
        assert away.cause is RetryCause.CONNECT
        with pytest.raises(StoreUnavailable):
            await made.teller.post(made.webhook, notice)
        assert program.heard == []


# --- Where may be posted to -----------------------------------------------------------------


async def test_what_the_operator_did_not_name_is_not_connected_to() -> None:
    """The program runs, and hears nothing."""
    async with hooked(allowed=PrivateNetworks()) as (made, program):
        told = await made.tell()
        assert isinstance(told, Untold)
        assert "CONSENTRY_WEBHOOK_PRIVATE_NETWORKS" in told.why
        assert (told.cause, program.heard) == (RetryCause.CONNECT, [])


LOOPBACK_4: Final = ("127.0.0.1",)
OUTSIDE: Final = ("203.0.114.1",)


async def test_a_name_that_leads_inside_is_not_connected_to() -> None:
    """Nor one that leads outside and inside at once."""
    resolver = NamedAddresses(
        **{"in.example": (LOOPBACK_4,), "both.example": (OUTSIDE + LOOPBACK_4,)}
    )
    for name in ("in.example", "both.example"):
        async with hooked(resolver, PrivateNetworks(), f"https://{name}:{{port}}/") as (
            made,
            program,
        ):
            told = await made.tell()
            assert isinstance(told, Untold)
            assert told.why.startswith(f"{name}: 127.0.0.1 is not a public address.")
            assert program.heard == []


async def test_a_name_that_changes_is_connected_to_where_it_was_checked() -> None:
    """It is asked once for each connection, and the answer that was checked is the one used."""
    resolver = NamedAddresses(**{"shop.example": (LOOPBACK_4, OUTSIDE)})
    async with hooked(resolver, url="http://shop.example:{port}/") as (made, program):
        assert await made.tell() == Told(status=200)
        assert resolver.asked == ["shop.example"]
        assert program.heard[0].headers["host"].startswith("shop.example")
        told = await made.tell()
        assert isinstance(told, Untold)
        assert "https" in told.why, "it is outside now, and not encrypted"


async def test_an_address_that_nobody_checked_is_refused_when_the_socket_is_opened() -> None:
    """Whatever way it came: as it stands in a URL nobody resolves it."""
    async with running_program() as program:
        poster = Poster(Guard(NamedAddresses()))
        made = Hooked(program.url, NamedAddresses(), PrivateNetworks())
        made.teller = WebhookTeller(
            made.world.store,  # type: ignore[arg-type] - it has what is read here
            CLOCK,
            poster=poster,
            plain=poster,
        )
        told = await made.tell()
        assert isinstance(told, Untold)
        assert told.why.startswith("127.0.0.1 is not a public address.")
        await made.teller.close()
        assert program.heard == []


async def test_a_proxy_that_the_environment_names_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It could reach what we may not."""
    async with running_program() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with hooked() as (made, program):
            assert await made.tell() == Told(status=200)
            assert (len(program.heard), len(proxy.heard)) == (1, 0)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://out.example/x", True),
        ("https://unknown.example/x", True),
        ("http://out.example/x", False),
        ("https://in.example/x", False),
        ("https://127.0.0.1/x", False),
        ("http://10.1.2.3/x", True),
        ("https://2130706433/x", False),
        ("ftp://out.example", False),
    ],
)
async def test_a_url_is_checked_when_it_is_set_up(url: str, *, taken: bool) -> None:
    """As each connection is later; a name that does not resolve now is checked when it does."""
    resolver = NamedAddresses(**{"out.example": (OUTSIDE,), "in.example": (LOOPBACK_4,)})
    check = URLCheck(resolver, PrivateNetworks(("10.0.0.0/8",)))
    if taken:
        await check.check(url)
        return
    with pytest.raises(AddressRefused):
        await check.check(url)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("http://out.example/x#rc=2", True),
        ("https://user:pass@out.example:8443/x", True),
        ("http://unknown.example/x", True),
        ("http://in.example/x", False),
        ("http://127.1/x", False),
    ],
)
async def test_a_programs_url_is_checked_when_it_is_set_up(url: str, *, taken: bool) -> None:
    """It may be in plain, and name a user, as at Twilio; what it leads to is checked the same."""
    odd = {"127.1": (LOOPBACK_4,)}
    resolver = NamedAddresses(
        **{"out.example": (OUTSIDE,), "in.example": (LOOPBACK_4,), **odd}  # type: ignore[arg-type]
    )
    check = URLCheck(resolver, PrivateNetworks())
    if taken:
        await check.check_program(url)
        return
    with pytest.raises(AddressRefused):
        await check.check_program(url)
