"""The hosted opt-in page: what it takes, what it tells, and what it never tells."""

import asyncio
import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from action_world import World
from consent_world import DIRECTORY, LONG, PERSON, PROMO, SHORT
from consentry.actions.administer import SaveBrand, SaveProgram
from consentry.actions.count_try import TryLimits
from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.directory import Brand
from consentry.domain.entries import Box, EntryKind, Evidence
from consentry.domain.standing import ConsentLevel, ConsentState
from consentry.opt_in.pages import OptInPages
from consentry.opt_in.qr_code import find_target
from consentry.opt_in.services import OptInServices

pytestmark = pytest.mark.unit

TYPED = "(415) 555-0142"
SHOP = "https://shop.example/"
LIMITS = TryLimits(per_account=2, per_address=3, window_seconds=3600)


class Woken:
    """Counts how often the delivery was woken."""

    count = 0

    def wake(self) -> None:
        """Count it."""
        self.count += 1

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Have nothing under way."""


class Door:
    """The opt-in pages of a company, over HTTP and without a socket."""

    def __init__(self) -> None:
        self.world = World()
        store, self.delivery = self.world.store, Woken()
        services = OptInServices(
            store,  # type: ignore[arg-type]
            self.delivery,
            self.world.clock,
            store.ids,
            "US",
            "https://sms.acme.example",
            LIMITS,
        )
        app = Starlette(routes=list(OptInPages(services).routes()))
        transport = httpx.ASGITransport(app, client=("192.0.2.7", 1))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://inside")
        self.call = self.save()

    def save(self, **fields: object) -> CallToAction:
        """Set up the call to action, or a new version of it."""
        made = SaveCallToAction("deals", PROMO.id, CallMedium.WEB, "en", Wording("Deals by text"))
        return self.world.store.run(msgspec.structs.replace(made, **fields))

    async def post(
        self, *, headers: Mapping[str, str] | None = None, **fields: str
    ) -> httpx.Response:
        """Send the form; a field that is empty is not sent."""
        filled = {"phone": TYPED, "agree": "yes", "version": str(self.call.version)} | fields
        sent = {name: text for name, text in filled.items() if text}
        return await self.http.post("/opt-in/deals", data=sent, headers=headers)

    def recorded(self) -> list[Evidence]:
        """List what was recorded of consent."""
        kinds = {EntryKind.CONSENT_REQUESTED}
        return [e.evidence for e in self.world.store.entries if e.kind in kinds and e.evidence]


@pytest.fixture
def door() -> Door:
    """Open a door."""
    return Door()


def problems(answer: httpx.Response) -> list[str]:
    """List what a page says is wrong."""
    found = re.search(r'<div class="problems".*?</div>', answer.text, re.DOTALL)
    items = re.findall(r"<li>(.*?)</li>", found[0]) if found else []
    return [unescape(re.sub("<[^>]*>", "", item)) for item in items]


async def test_the_page_shows_the_version_exactly_and_nothing_foreign(door: Door) -> None:
    """The HTML of the version byte for byte, its language, no script, no frame around it."""
    answer = await door.http.get("/opt-in/deals")
    assert answer.status_code == 200
    assert door.call.html in answer.text
    assert '<html lang="en">' in answer.text
    assert "<script" not in answer.text
    assert " checked" not in answer.text
    assert re.findall(r'(?:src|href)="([^"#]*)"', answer.text) == ["/opt-in/opt-in.css"]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "set-cookie" not in answer.headers
    style = await door.http.get("/opt-in/opt-in.css")
    assert style.headers["content-type"].startswith("text/css")


async def test_a_form_is_recorded_with_its_evidence_and_waits_for_the_handset(door: Door) -> None:
    """Number, name, page, address, browser, view, version and hash; pending until the answer."""
    page = await door.http.get("/opt-in/deals?source=poster")
    found = re.search(r'name="session" value="(\w+)"', page.text)
    assert found is not None
    came_from = {"referer": "https://sms.acme.example/opt-in/deals?source=poster"}
    browser = {"user-agent": "Browser/1 \x7f"} | came_from
    answer = await door.post(headers=browser, name=" Ann ", session=found[1])
    assert (answer.status_code, answer.headers["location"]) == (303, "/opt-in/deals/sent")
    (evidence,) = door.recorded()
    shown = (evidence.call_to_action, evidence.call_to_action_sha256)
    assert shown == (door.call.text, door.call.sha256)
    assert evidence.call_to_action_version == "deals/1"
    assert (evidence.medium, evidence.name) == ("web", "Ann")
    assert (evidence.locale, evidence.box, evidence.apart) == ("en", Box.UNTICKED, True)
    assert (evidence.ip, evidence.user_agent) == ("192.0.2.7", "Browser/1")
    assert (evidence.page_url, evidence.session) == (came_from["referer"], found[1])
    consent = door.world.store.standing(PERSON).consent(PROMO.id)
    assert consent is not None
    assert (consent.state, consent.level) == (ConsentState.PENDING, ConsentLevel.EXPRESS_WRITTEN)
    (asked,) = door.world.store.messages.values()
    assert "reply YES to get Deals" in asked.body
    assert door.delivery.count == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"agree": ""}, ["Tick the box if you agree."]),
        ({"phone": ""}, ["Write your mobile number."]),
        ({"phone": "+44 20 7183 8750"}, ["Texts of this form go to numbers that begin with +1"]),
        ({"phone": "12", "agree": ""}, ["This is no phone number.", "Tick the box"]),
        ({"version": "0"}, ["The wording has changed"]),
        ({"version": ""}, ["The wording has changed"]),
    ],
)
async def test_what_is_missing_is_told_and_nothing_is_kept(
    door: Door, fields: dict[str, str], told: list[str]
) -> None:
    """Beside the field and above the form, with what was typed; the box is not ticked again."""
    before = len(door.world.store.entries)
    answer = await door.post(name='"><b>', **fields)
    assert answer.status_code == 422
    found = problems(answer)
    assert len(found) == len(told)
    for problem, expected in zip(found, told, strict=True):
        assert problem.startswith(expected)
        assert answer.text.count(problem) == 2
    assert 'value="&quot;&gt;&lt;b&gt;"' in answer.text
    assert " checked" not in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert len(door.world.store.entries) == before


async def test_an_outdated_form_is_shown_as_it_is_now(door: Door) -> None:
    """Whoever saw version 1 reads version 2 before they agree to it."""
    new = door.save(wording=Wording("Better deals"))
    answer = await door.post(version="1")
    assert answer.status_code == 422
    assert "Better deals" in answer.text
    assert f'name="version" value="{new.version}"' in answer.text
    assert TYPED in answer.text
    assert door.recorded() == []
    assert (await door.post(version="2")).status_code == 303


async def test_everybody_is_told_the_same(door: Door) -> None:
    """A number that is new, known, opted out or asked already: the same answer, the same page."""
    answers = [await door.post()]
    door.world.receive("STOP")
    door.world.clock.advance(seconds=1)
    answers.append(await door.post())
    answers.append(await door.post(phone="+1 415 555 0143"))
    assert {(a.status_code, a.headers["location"], a.text) for a in answers} == {
        (303, "/opt-in/deals/sent", "")
    }
    page = await door.http.get("/opt-in/deals/sent")
    assert "Reply YES to it" in page.text
    assert "Text START to +1\xa0415\xa0555\xa00100" in page.text
    assert "Text START or UNSTOP to +1\xa0800\xa0555\xa00100" in page.text
    consent = door.world.store.standing(PERSON).consent(PROMO.id)
    assert consent is not None
    assert consent.state is ConsentState.PENDING_CARRIER


async def test_a_bot_is_thanked_and_nothing_happens(door: Door) -> None:
    """Whoever fills in the field that nobody sees gets the same answer, and no text goes."""
    answer = await door.post(leave_empty="https://spam.example")
    assert (answer.status_code, answer.headers["location"]) == (303, "/opt-in/deals/sent")
    assert door.recorded() == []


async def test_a_number_and_an_address_are_held_to_their_limits(door: Door) -> None:
    """Two forms for a number, three from an address; then how long to wait, and nothing is kept."""
    for _ in range(2):
        assert (await door.post()).status_code == 303
    turned_away = await door.post()
    assert turned_away.status_code == 429
    assert turned_away.headers["retry-after"] == "3600"
    assert problems(turned_away) == ["This was sent too often. Try again in 60 min."]
    assert (await door.post(phone="+14155550143")).status_code == 303
    assert (await door.post(phone="+14155550144")).status_code == 429
    assert len(door.recorded()) == 3
    door.world.clock.advance(hours=1)
    assert (await door.post(phone="+14155550144")).status_code == 303


async def test_where_nobody_may_be_asked_the_form_is_closed(door: Door) -> None:
    """A brand with another name, a program that is off: no form, and a form on its way is lost."""
    store = door.world.store
    store.run(SaveBrand(Brand("acme", "Newco")))
    for answer in (await door.http.get("/opt-in/deals"), await door.post()):
        assert answer.status_code == 503
        assert "closed for now" in answer.text
        assert "Newco has to bring it up to date" in answer.text
    store.run(SaveBrand(DIRECTORY.brands["acme"]))
    store.run(SaveProgram(msgspec.structs.replace(PROMO, enabled=False)))
    assert (await door.post()).status_code == 503
    assert door.recorded() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"phone=%ff", 400), (b"\xff", 400), (b"a=" + b"x" * 20_000, 400), (b"", 422), (b"&&=&", 422)],
)
async def test_bad_input_is_never_a_fault(door: Door, body: bytes, status: int) -> None:
    """A body that cannot be read, is too long or empty gets a page that says what to do."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await door.http.post("/opt-in/deals", content=body, headers=headers)
    assert answer.status_code == status
    assert "<h1>" in answer.text


@given(
    body=st.binary(max_size=200)
    | st.dictionaries(
        st.sampled_from(["phone", "name", "agree", "version", "page", "session", "leave_empty"]),
        st.text(max_size=30) | st.sampled_from(["1", TYPED, "https://[", "+44 20 7183 8750"]),
    ),
    agent=st.binary(max_size=20),
)
@settings(max_examples=100, deadline=None)
@pytest.mark.property
def test_no_form_whatever_is_in_it_is_a_fault(body: bytes | dict[str, str], agent: bytes) -> None:
    """It is taken, shown again, turned away or told to be unreadable; never 500."""
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"user-agent", agent)]
    headers += [(b"referer", agent), (b"host", agent)]

    async def post() -> int:
        sent = body if isinstance(body, bytes) else urlencode(body, errors="replace").encode()
        return (await Door().http.post("/opt-in/deals", content=sent, headers=headers)).status_code

    assert asyncio.run(post()) in {303, 400, 422, 429}


async def test_what_is_not_there_is_told(door: Door) -> None:
    """Each route of a form that does not exist; and without the store nothing is taken."""
    for path in ("", "/sent", ".js", "/qr.svg", "/qr.png"):
        assert (await door.http.get(f"/opt-in/other{path}")).status_code == 404
    assert (await door.http.post("/opt-in/other", data={"phone": TYPED})).status_code == 404
    door.world.store.available = False
    answer = await door.post()
    assert answer.status_code == 503
    assert "nothing was kept" in answer.text


async def test_the_page_speaks_the_language_of_its_wording(door: Door) -> None:
    """Labels, problems and what happens next, in Spanish, and the page says that it is."""
    door.call = door.save(locale="es-MX", wording=Wording("Ofertas"))
    answer = await door.post(agree="")
    assert '<html lang="es-MX">' in answer.text
    assert "Número de móvil" in answer.text
    assert problems(answer)[0].startswith("Marque la casilla")
    sent = await door.http.get("/opt-in/deals/sent")
    assert "Envíe START o UNSTOP al +1\xa0800" in sent.text


async def test_another_page_draws_the_same_form_with_one_tag(door: Door) -> None:
    """The script holds the HTML of the version and no address but its own; any page may load it."""
    answer = await door.http.get("/opt-in/deals.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    drawn = re.search(r"innerHTML = (\".*\");", answer.text)
    assert drawn is not None
    assert msgspec.json.decode(drawn[1]).startswith(door.call.html)
    assert "http" not in answer.text.replace("https?", "")


@pytest.mark.parametrize(
    ("headers", "claimed", "kept"),
    [
        ({"referer": SHOP}, f"{SHOP}deals?a=1", f"{SHOP}deals?a=1"),
        ({"referer": SHOP}, "https://bank.example/deals", SHOP),
        ({"referer": f"{SHOP}x"}, "", f"{SHOP}x"),
        ({"origin": "https://shop.example"}, f"{SHOP}deals", f"{SHOP}deals"),
        ({"referer": "https://["}, f"{SHOP}deals", "https://["),
        ({}, f"{SHOP}deals", "https://sms.acme.example/opt-in/deals"),
    ],
)
async def test_the_page_of_a_foreign_form_is_what_the_browser_says(
    door: Door, headers: dict[str, str], claimed: str, kept: str
) -> None:
    """The script's word counts only for the site that the browser names."""
    assert (await door.post(headers=headers, page=claimed)).status_code == 303
    (evidence,) = door.recorded()
    assert evidence.page_url == kept


async def test_a_call_to_action_elsewhere_than_on_the_web_is_shown_and_takes_nothing(
    door: Door,
) -> None:
    """Its page shows it as it is read out or printed; there is no form to send."""
    world = door.world
    told = SaveCallToAction(
        "join", PROMO.id, CallMedium.KEYWORD, "en", Wording("Deals", keyword="JOIN")
    )
    call = world.store.run(told)
    page = await door.http.get("/opt-in/join")
    assert call.html in page.text
    assert "<form" not in page.text
    assert (await door.http.post("/opt-in/join", data={"phone": TYPED})).status_code == 404
    assert (await door.http.get("/opt-in/join.js")).status_code == 404


async def test_codes_lead_to_the_page_or_to_a_text(door: Door) -> None:
    """SVG and PNG, and what they lead to."""
    svg = await door.http.get("/opt-in/deals/qr.svg")
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert svg.text.lstrip().startswith("<?xml")
    png = await door.http.get("/opt-in/deals/qr.png")
    assert png.content.startswith(b"\x89PNG")
    joined = msgspec.structs.replace(
        door.call, medium=CallMedium.KEYWORD, wording=Wording("Deals", keyword="Join")
    )
    assert find_target(door.call, DIRECTORY, "https://x/opt-in/deals") == "https://x/opt-in/deals"
    assert find_target(joined, DIRECTORY, "x") == f"sms:{LONG.number}?body=Join"
    keyword = CampaignKeyword.at(SHORT.number, "JOIN", PROMO.id)
    heard = msgspec.structs.replace(DIRECTORY, keywords={keyword.id: keyword})
    assert find_target(joined, heard, "x") == f"sms:{SHORT.number}?body=Join"
    nobody = msgspec.structs.replace(DIRECTORY, senders={})
    assert find_target(joined, nobody, "https://x") == "https://x"
