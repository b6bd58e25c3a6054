"""The handsets page in a real browser: one types, sees what the carrier did, switches faults."""

import re
import shutil
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from carrier_world import (
    ACCOUNT,
    LONG_CODE,
    OTHER_LONG_CODE,
    OTHER_PHONE,
    PHONE,
    World,
    eventually,
    running_world,
)
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Route,
    ViewportSize,
    expect,
    sync_playwright,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

PATIENCE_MILLISECONDS = 10_000
WIDE = ViewportSize(width=1440, height=900)
USUAL = ViewportSize(width=1280, height=800)
NARROW = ViewportSize(width=390, height=844)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, world: World) -> Iterator[BrowserContext]:
    """Windows that fail the test on an error in a console or a request to another host."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    context = browser.new_context(viewport=USUAL)
    errors: list[str] = []
    asked: set[str] = set()
    context.on("console", lambda line: line.type == "error" and errors.append(line.text))
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    yield context
    context.close()
    # A refused request is part of a test; a broken policy or script never is.
    assert [error for error in errors if "Failed to load resource" not in error] == []
    assert asked <= {urlsplit(world.url).netloc}


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One window."""
    return context.new_page()


def find_phone(page: Page, phone: str = "+1 415 555 0142") -> Locator:
    """Find a phone on the table."""
    return page.get_by_role("article", name=f"Phone {phone}")


def lay_out(world: World, page: Page, *phones: str) -> Locator:
    """Put phones on the table, open the page, and give the first."""
    for phone in phones or (PHONE,):
        world.post("/api/handsets", {"phone": phone})
    page.goto(world.url)
    phone = page.get_by_role("article").first
    expect(phone).to_be_visible()
    return phone


def test_a_person_plays_the_story(world: World, page: Page) -> None:
    """Add a phone, text, opt out by a button, see the block and the refusal, opt back in."""
    page.goto(world.url)
    expect(page.get_by_text("No phone on the table")).to_be_visible()
    page.get_by_label("Phone", exact=True).fill("+1 415 555 0142")
    page.get_by_role("button", name="Pick or add").click()
    phone = page.get_by_role("article", name="Phone +1 415 555 0142")
    phone.get_by_role("textbox").fill("Hi <img src=x onerror=alert(1)>")
    phone.get_by_role("textbox").press("Enter")
    expect(phone.get_by_text("Hi <img src=x onerror=alert(1)>")).to_be_visible()
    expect(phone.get_by_text("Delivered in")).to_be_visible()
    phone.get_by_role("button", name="STOP").click()
    expect(phone.get_by_text("Blocked by the carrier")).to_be_visible()
    expect(phone.get_by_text("You have successfully been unsubscribed")).to_be_visible()
    phone.get_by_role("button", name="START").click()
    expect(phone.get_by_text("Blocked by the carrier")).to_be_hidden()
    world.send("Welcome back")
    expect(phone.get_by_text("Welcome back")).to_be_visible()
    assert world.shown()[0] == ("handset", "Hi <img src=x onerror=alert(1)>")


def test_three_phones_fit_and_stay(world: World, page: Page) -> None:
    """Three phones stand side by side in 1280 px, and the address brings them back."""
    phones = (PHONE, OTHER_PHONE, "+14155550144")
    for phone in phones:
        world.post("/api/handsets", {"phone": phone})
    page.goto(world.url)
    cards = page.get_by_role("article")
    expect(cards).to_have_count(3)
    boxes = [cards.nth(number).bounding_box() for number in range(3)]
    faults = page.get_by_role("complementary").bounding_box()
    assert all(box["x"] + box["width"] <= faults["x"] for box in boxes)
    assert len({box["y"] for box in boxes}) == 1
    cards.first.get_by_role("button", name="Put this phone away").click()
    expect(cards).to_have_count(2)
    page.reload()
    expect(cards).to_have_count(2)


def test_faults_are_switches(world: World, page: Page) -> None:
    """A switch sets a fault, shows its hits, and follows what others set."""
    world.post("/api/handsets", {"phone": PHONE})
    page.goto(world.url)
    switch = page.get_by_role("switch", name="Lost webhook")
    switch.check()
    eventually(lambda: bool(world.get("/api/faults").json()["faults"]))
    page.get_by_role("button", name="HELP").click()
    expect(page.get_by_text("Hit once")).to_be_visible()
    expect(page.get_by_text("Lost on its way (fault)")).to_be_visible()
    world.fault("latency")
    expect(page.get_by_role("switch", name="Latency")).to_be_checked()
    page.get_by_role("button", name="Switch all off").click()
    expect(switch).not_to_be_checked()
    assert world.get("/api/faults").json()["faults"] == []


def test_an_unknown_phone_is_explained(world: World, page: Page) -> None:
    """What cannot be a phone is said beside the field, not in a log."""
    world.type("Hi", to=LONG_CODE)
    page.goto(world.url)
    page.get_by_label("Phone", exact=True).fill("12")
    page.get_by_role("button", name="Pick or add").click()
    expect(page.get_by_text("is not a phone number like +14155550142")).to_be_visible()
    expect(page.get_by_label("Phone", exact=True).first).to_be_focused()


def fill_the_table(world: World) -> None:
    """Have one of everything: a block, a refusal, a failure, a fault that is on, a long text."""
    world.type("Hi <b>there</b>, is my order on its way?")
    world.send("It left today.")
    world.type("STOP")
    refused = world.post(f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json", {})
    assert refused.status_code == 401
    world.fault("lost_webhook", rate=0.5, webhook="inbound")
    world.type("Is anybody there? " * 100, phone=OTHER_PHONE)
    world.fault("undelivered")
    world.send("This one never arrives.", phone=OTHER_PHONE)
    world.post("/api/handsets", {"phone": "+14155550144"})


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(
    world: World, browser: Browser, scheme: str, viewport: ViewportSize
) -> None:
    """Axe finds nothing, on a full and an empty table; nothing is wider than the page."""
    with browser.new_context(
        viewport=viewport, color_scheme="dark" if scheme == "dark" else "light"
    ) as context:
        page = context.new_page()
        page.goto(world.url)
        expect(page.get_by_text("No phone on the table")).to_be_visible()
        assert judge(page) == []
        fill_the_table(world)
        page.reload()
        expect(find_phone(page).get_by_text("Blocked by the carrier")).to_be_visible()
        expect(page.get_by_text("Not delivered:")).to_be_visible()
        page.get_by_text("What to try").click()
        page.get_by_text("50 % of the time").click()
        assert judge(page) == []
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0


def judge(page: Page) -> list[str]:
    """Name the rules of axe that a page breaks, and by what."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize(
    "body",
    [
        '<b>bold</b> <img src=x onerror=alert(1)> &amp; "quoted" {{ 7 * 7 }}',
        "مرحبا، هل وصل طلبي؟ 123",
        "👩‍👩‍👧 🎉 naïve Ελληνικά 漢字",
        "word " * 400,
        "W" * 1700,
        "first line\nsecond line",
    ],
    ids=["html", "rtl", "emoji", "long", "unbroken", "lines"],
)
def test_a_text_is_shown_as_typed(world: World, page: Page, body: str) -> None:
    """Whatever was typed is on the phone, unchanged, and the phone keeps its shape."""
    phone = lay_out(world, page)
    box = phone.get_by_role("textbox")
    box.fill(body)
    before = phone.bounding_box()
    box.press("Enter")
    expect(phone.get_by_text("Delivered in")).to_be_visible()
    expect(box).to_have_value("")
    assert [text for origin, text in world.shown() if origin == "handset"] == [body]
    bubble = phone.get_by_role("log").locator("p").first
    assert bubble.text_content() == body
    assert phone.bounding_box() == before
    inside, outside = bubble.bounding_box(), phone.bounding_box()
    assert inside is not None
    assert outside is not None
    assert outside["x"] <= inside["x"]
    assert inside["x"] + inside["width"] <= outside["x"] + outside["width"]
    assert page.locator(".bubble *").count() == 0


def test_a_text_that_is_too_long_is_told_and_kept(world: World, page: Page) -> None:
    """Beside the field stands why it was not sent; what was typed is not lost."""
    phone = lay_out(world, page)
    box = phone.get_by_role("textbox")
    box.fill("x" * 10_001)
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.get_by_role("alert")).to_contain_text("10000 characters at most")
    expect(box).to_have_value("x" * 10_001)
    assert world.shown() == []


def test_a_message_is_on_the_phone_within_a_second(world: World, page: Page) -> None:
    """What the server sends is seen without a reload, and fast."""
    phone = lay_out(world, page)
    slowest = 0.0
    for number in range(3):
        began = time.monotonic()
        world.send(f"Message {number}")
        expect(phone.get_by_text(f"Message {number}")).to_be_visible()
        slowest = max(slowest, time.monotonic() - began)
    # A machine busy with other tests gets twice the promise.
    assert slowest < 2


def test_marks_are_an_icon_and_words(world: World, page: Page) -> None:
    """Delivered, undelivered and refused are told by a word each and an icon each."""
    phone = lay_out(world, page)
    world.send("Arrives")
    expect(mark_of(phone, "Arrives")).to_have_text(re.compile("^Delivered"))
    world.fault("undelivered")
    world.send("Does not arrive")
    expect(mark_of(phone, "Does not arrive")).to_have_text(re.compile(r"^Not delivered: .*30005"))
    world.fault("async_refusal")
    world.send("Is refused")
    expect(mark_of(phone, "Is refused")).to_have_text(re.compile("^Refused by the carrier"))
    drawn = [
        mark_of(phone, body).locator("use").get_attribute("href")
        for body in ("Arrives", "Does not arrive", "Is refused")
    ]
    assert len(set(drawn)) == 3


def mark_of(phone: Locator, body: str) -> Locator:
    """Find the last of the notes below a text."""
    line = phone.get_by_role("listitem").filter(has=phone.page.get_by_text(body, exact=True))
    return line.locator(".notes span").last


def test_a_text_in_another_thread_is_told(world: World, page: Page) -> None:
    """A thread per number; one that is not open says that it has news, and opens by a click."""
    world.type("Hello")
    phone = lay_out(world, page)
    expect(phone.get_by_text("Hello", exact=True)).to_be_visible()
    world.send("From the other number", sender=OTHER_LONG_CODE)
    news = phone.get_by_role("button", name="New text from +1 415 555 0101")
    news.click()
    expect(phone.get_by_text("From the other number")).to_be_visible()
    expect(phone.get_by_text("Hello", exact=True)).to_be_hidden()
    expect(news).to_be_hidden()
    expect(phone.get_by_role("combobox")).to_have_value(OTHER_LONG_CODE)
    phone.get_by_role("combobox").select_option(LONG_CODE)
    expect(phone.get_by_text("Hello", exact=True)).to_be_visible()
    expect(news).to_be_hidden()


def test_a_fault_has_its_settings(world: World, page: Page) -> None:
    """What is set before or after switching on is what the carrier does, told in words."""
    lay_out(world, page)
    fault = page.get_by_role("listitem").filter(has=page.get_by_role("switch", name="Undelivered"))
    fault.get_by_text("Every time").click()
    fault.get_by_label("Times").fill("2")
    fault.get_by_label("Error code").fill("30007")
    fault.get_by_role("switch").check()
    expect(page.get_by_role("button", name="1 fault is on")).to_be_visible()
    eventually(lambda: fault_told(world) == ("undelivered", 1.0, 2, 30007, None))
    fault.get_by_label("How often").fill("50")
    fault.get_by_label("How often").press("Tab")
    fault.get_by_label("Phone").select_option(PHONE)
    eventually(lambda: fault_told(world) == ("undelivered", 0.5, 2, 30007, PHONE))
    expect(fault.get_by_text("50 % of the time · 2 times · code 30007")).to_be_visible()
    fault.get_by_label("How often").fill("400")
    fault.get_by_label("How often").press("Tab")
    expect(fault.get_by_role("alert")).to_contain_text("rate must be between 0 and 1")


def fault_told(world: World) -> tuple[object, ...] | None:
    """Read the one fault that is on."""
    standing = world.get("/api/faults").json()["faults"]
    names = ("kind", "rate", "count", "code", "recipient")
    return tuple(standing[0]["fault"][name] for name in names) if standing else None


def test_a_newcomer_is_told_the_story(world: World, page: Page) -> None:
    """An untouched table says what to try; one with texts on it keeps that out of the way."""
    lay_out(world, page)
    story = page.get_by_text("The carrier blocks the number")
    expect(story).to_be_visible()
    expect(page.get_by_text("No texts yet. Text START")).to_be_visible()
    world.type("Hi")
    page.reload()
    expect(find_phone(page).get_by_text("Hi", exact=True)).to_be_visible()
    expect(story).to_be_hidden()
    page.get_by_text("What to try").click()
    expect(story).to_be_visible()


def test_an_empty_table_offers_the_phones_there_are(world: World, page: Page) -> None:
    """Put away, a phone can be picked again; the keyboard is never left nowhere."""
    phone = lay_out(world, page)
    phone.get_by_role("button", name="Put this phone away").click()
    expect(page.get_by_text("No phone on the table")).to_be_visible()
    expect(page.get_by_label("Phone", exact=True).first).to_be_focused()
    page.get_by_role("button", name="+1 415 555 0142").click()
    expect(phone.get_by_role("textbox")).to_be_focused()


@pytest.mark.parametrize("viewport", [USUAL, NARROW], ids=["usual", "narrow"])
def test_the_keyboard_is_enough(world: World, page: Page, viewport: ViewportSize) -> None:
    """Add a phone, text, say STOP, switch a fault on and off, without a pointer."""
    page.set_viewport_size(viewport)
    page.goto(world.url)
    expect(page.get_by_text("No phone on the table")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("+1 (415) 555-0142")
    page.keyboard.press("Enter")
    phone = find_phone(page)
    expect(phone.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    eventually(lambda: ("handset", "one\ntwo") in world.shown())
    go_to(page, "STOP")
    page.keyboard.press("Enter")
    expect(phone.get_by_text("Blocked by the carrier")).to_be_visible()
    go_to(page, "Lost webhook")
    page.keyboard.press("Space")
    eventually(lambda: fault_told(world) is not None)
    page.keyboard.press("Space")
    eventually(lambda: fault_told(world) is None)


def go_to(page: Page, name: str) -> None:
    """Press Tab until a button or switch of that name has the focus, and see that it shows it."""
    target = page.get_by_role("button", name=name, exact=True).or_(
        page.get_by_role("switch", name=name)
    )
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            outline = target.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline == "solid"
            return
    pytest.fail(f"{name} is not reached by the keyboard")


def test_a_simulator_that_is_gone_is_told(world: World, page: Page) -> None:
    """A carrier that does not answer is named, once, and the page goes on when it is back."""
    phone = lay_out(world, page)

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/api/**", cut)
    expect(page.get_by_text("The simulator does not answer.")).to_be_visible()
    phone.get_by_role("textbox").fill("Hi")
    phone.get_by_role("textbox").press("Enter")
    expect(phone.get_by_role("alert")).to_have_text("Not sent: The simulator does not answer.")
    page.unroute("**/api/**", cut)
    expect(page.get_by_text("It is asked again every second.")).to_be_hidden()
    phone.get_by_role("textbox").press("Enter")
    expect(phone.get_by_text("Hi", exact=True)).to_be_visible()


def test_a_carrier_without_numbers_says_so(browser: Browser) -> None:
    """Before the server has added its numbers nothing can be sent, and the page says why."""
    with running_world(senders=()) as world, browser.new_context() as context:
        page = context.new_page()
        phone = lay_out(world, page)
        expect(phone.get_by_text("No number can be texted yet.")).to_be_visible()
        expect(phone.get_by_role("button", name="Send", exact=True)).to_be_disabled()


def test_nothing_moves_for_whoever_wants_stillness(world: World, browser: Browser) -> None:
    """With reduced motion no part of the page has a transition or an animation."""
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        lay_out(world, page)
        moving = """[...document.querySelectorAll('*')].filter((element) =>
            [null, '::before', '::after'].some((part) => {
              const style = getComputedStyle(element, part);
              return parseFloat(style.transitionDuration) > 0 || style.animationName !== 'none';
            })).length"""
        assert page.evaluate(moving) == 0
