"""The inbox under an agent's hands: live, searched, put away, by pointer and by keyboard."""

import re
import statistics

import pytest
from console_windows import (
    CHROMIUM,
    Windows,
    expect_settled,
    fits_its_width,
    milliseconds_to_see,
    note_sights,
    rows,
)
from playwright.sync_api import Page, StorageState, expect
from real_world import Demo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-console-inbox"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

SIGHTS = 5
WITHIN_MILLISECONDS = 1000
STEADY_MILLISECONDS = 1000
ADA, BEN = "+14155550142", "+14155550143"


def test_a_text_is_in_the_inbox_within_a_second(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """Measured in the browser, on the first text of all and on every one after."""
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    expect(console.get_by_role("heading", name="Nobody has texted you yet")).to_be_visible()
    handset = windows.open(demo.told["handset_url"])
    note_sights(console)
    times = [
        milliseconds_to_see(demo, handset, console, phone=ADA, number=number)
        for number in range(SIGHTS)
    ]
    assert statistics.median(times) <= WITHIN_MILLISECONDS, times
    expect(console.get_by_text("Choose a conversation")).to_be_visible()
    expect(rows(console)).to_have_count(1)


HIDE = """(isHidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_tab_listens_to_nothing_and_catches_up(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """Browsers allow few streams to one host; a tab that is looked at again is up to date."""
    hidden = windows.open(f"{demo.product.url}/console", agent=agent)
    shown = windows.open(f"{demo.product.url}/console", agent=agent)
    hidden.evaluate(HIDE, True)
    expect_settled(hidden)
    demo.carrier.type_heard(phone, demo.number("long_code"), "While nobody looks")
    expect(rows(shown).filter(has_text="While nobody looks")).to_be_visible()
    expect(rows(hidden).filter(has_text="While nobody looks")).to_be_hidden()
    hidden.evaluate(HIDE, False)
    expect(rows(hidden).filter(has_text="While nobody looks")).to_be_visible()


def test_a_search_follows_the_typing_and_has_an_address(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """Part of a name or number, without a click; the same list after a reload, and back."""
    demo.carrier.type_heard(BEN, demo.number("long_code"), "Hello there")
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    expect(rows(console).filter(has_text="Hello there")).to_be_visible()
    field = console.get_by_role("searchbox")
    console.keyboard.press("/")
    expect(field).to_be_focused()
    console.keyboard.type("sAMp")
    expect(rows(console)).to_have_text(
        [re.compile(r"Ben Sample.*\+1\s415\s555\s0143.*Subscribed", re.DOTALL)]
    )
    expect(console).to_have_url(re.compile(r"/console\?search=sAMp$"))
    expect(field).to_be_focused()
    demo.carrier.type_heard(BEN, demo.number("long_code"), "While they search")
    expect(field).to_have_value("sAMp")
    field.press("Enter")
    expect(rows(console).get_by_role("link")).to_be_focused()
    console.reload()
    expect(rows(console)).to_have_count(1)
    field.fill("nobody of this name")
    expect(console.get_by_text("Nobody has “nobody of this name”")).to_be_visible()
    field.fill("")
    expect(rows(console).filter(has_text="While they search")).to_be_visible()
    expect(console).to_have_url(re.compile(r"/console$"))
    field.press("Escape")
    expect(field).not_to_be_focused()


_NOTE_SLIDES = """() => {
  // What is fetched again looks like anything else: that it came in is only seen as it comes in.
  window.slid = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) if (target.matches(".slid-in")) slid.push(target.id);
  }).observe(document.body, { subtree: true, attributeFilter: ["class"] });
}"""


def current_row(page: Page) -> str:
    """Name the row that has the focus."""
    row: str = page.evaluate("document.activeElement.closest('.inbox-row')?.id ?? ''")
    return row


def test_new_rows_come_in_and_the_focus_stays(
    demo: Demo, windows: Windows, agent: StorageState, phones: list[str]
) -> None:
    """A row moves down under the focus and keeps it; only what is new moves by itself."""
    number = demo.number("long_code")
    first, second = next(phones), next(phones)
    demo.carrier.type_heard(first, number, "I am first")
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    console.keyboard.press("j")
    row = current_row(console)
    assert row == f"talk-{first[1:]}-{number[1:]}"
    console.evaluate(_NOTE_SLIDES)
    demo.carrier.type_heard(second, number, "I am second")
    new = rows(console).filter(has_text="I am second")
    expect(new).to_be_visible()
    console.wait_for_function("slid.length > 0")
    assert console.evaluate("slid") == [f"talk-{second[1:]}-{number[1:]}"]
    said = f"New text from +1 {second[2:5]} {second[5:8]} {second[8:]}"
    expect(console.get_by_role("status")).to_have_text(said)
    assert current_row(console) == row
    console.keyboard.press("k")
    assert current_row(console) == f"talk-{second[1:]}-{number[1:]}"
    console.emulate_media(reduced_motion="reduce")
    expect(new).to_have_css("animation-name", "none")


_AIM = """([x, y, steady]) => {
  // Somebody moves over a row until there has been something new for a while: by the page's own
  // clock, which is as late as all else in it.
  const find = () => document.elementFromPoint(x, y).closest(".inbox-row");
  const [row, moved] = [find().id, []];
  let newSince = 0;
  addEventListener("inbox-changed", () => { newSince ||= performance.now(); }, true);
  window.aimed = new Promise((done) => {
    const moving = setInterval(() => {
      const waited = newSince ? performance.now() - newSince : 0;
      if (waited < steady) {
        find().dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
        if (find().id !== row) moved.push(find().id);
        return;
      }
      clearInterval(moving);
      done([moved, waited]);
    }, 20);
  });
}"""


def test_a_row_does_not_slip_away_from_the_pointer(
    demo: Demo, windows: Windows, agent: StorageState, phones: list[str]
) -> None:
    """While somebody aims at a row, a new one waits; it comes when the pointer rests."""
    number, phone = demo.number("long_code"), next(phones)
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    # What the page looks for when it has come is no news.
    with console.expect_response(re.compile("/console/inbox")):
        console.reload()
    expect_settled(console)
    box = rows(console).first.bounding_box()
    assert box is not None
    x, y = box["x"] + 40, box["y"] + 10
    console.evaluate(_AIM, [x, y, STEADY_MILLISECONDS])
    console.mouse.move(x, y)
    demo.carrier.type_heard(phone, number, "I wait my turn")
    moved, waited = console.evaluate("aimed")
    assert moved == []
    assert waited >= STEADY_MILLISECONDS
    expect(rows(console).first).to_contain_text("I wait my turn")


def test_what_is_done_is_put_away_by_keyboard_and_comes_back(
    demo: Demo, windows: Windows, agent: StorageState, phones: list[str]
) -> None:
    """e puts a row away and the next one has the focus; All has it, and a new text brings it."""
    number = demo.number("long_code")
    one, two = next(phones), next(phones)
    demo.carrier.type_heard(one, number, "This is one")
    demo.carrier.type_heard(two, number, "This is two")
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    other = windows.open(f"{demo.product.url}/console", agent=agent)
    expect(rows(other).filter(has_text="This is two")).to_be_visible()
    console.keyboard.press("j")
    console.keyboard.press("e")
    expect(rows(console).filter(has_text="This is two")).to_be_hidden()
    expect(rows(other).filter(has_text="This is two")).to_be_hidden()
    expect(rows(console).filter(has_text="This is one").get_by_role("link")).to_be_focused()
    console.get_by_role("link", name="All", exact=True).click()
    put_away = rows(console).filter(has_text="This is two")
    expect(put_away).to_contain_text("Done")
    put_away.hover()
    put_away.get_by_role("button", name="Reopen").click()
    expect(put_away).not_to_contain_text("Done")
    expect(rows(other).filter(has_text="This is two")).to_be_visible()
    put_away.hover()
    put_away.get_by_role("button", name="Mark").click()
    expect(put_away).to_contain_text("Done")
    expect(rows(other).filter(has_text="This is two")).to_be_hidden()
    demo.carrier.type_heard(two, number, "And once more")
    expect(rows(other).filter(has_text="And once more")).to_be_visible()


def test_keys_lead_everywhere_and_can_be_switched_off(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """? tells them, g and a letter go to a place, c makes a customer; none works once off."""
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    keys = console.get_by_role("dialog")
    console.keyboard.press("?")
    expect(keys.get_by_role("heading", name="Keyboard")).to_be_visible()
    console.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    console.keyboard.press("c")
    expect(console.get_by_role("heading", name="New customer")).to_be_visible()
    expect(console.get_by_label("Name")).to_be_focused()
    console.wait_for_load_state()
    console.keyboard.type("gi?")
    expect(console.get_by_label("Name")).to_have_value("gi?")
    console.keyboard.press("Escape")
    console.keyboard.type("go")
    expect(console).to_have_url(re.compile("/console/opt-outs$"))
    console.wait_for_load_state()
    console.keyboard.type("gi")
    expect(console.get_by_role("heading", name="Inbox")).to_be_visible()
    console.wait_for_load_state()
    console.keyboard.press("?")
    keys.get_by_label("Use single keys").uncheck()
    keys.get_by_role("button", name="Close").click()
    console.keyboard.press("c")
    console.keyboard.press("/")
    expect(console.get_by_role("searchbox")).not_to_be_focused()
    expect(console.get_by_role("heading", name="Inbox")).to_be_visible()
    console.get_by_text("You", exact=True).click()
    console.get_by_role("button", name="Keyboard").click()
    keys.get_by_label("Use single keys").check()
    console.keyboard.press("Escape")
    console.keyboard.press("/")
    expect(console.get_by_role("searchbox")).to_be_focused()


def test_without_scripts_everything_in_the_inbox_works(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """Reading, searching, holding to a sender, putting away, and a new customer with an error."""
    demo.carrier.type_heard(phone, demo.number("toll_free"), "Read me without scripts")
    console = windows.open(f"{demo.product.url}/console", agent=agent, java_script_enabled=False)
    mine = rows(console).filter(has_text="Read me without scripts")
    expect(mine).to_contain_text("Unread")
    console.get_by_text("Texts to: All senders").click()
    console.get_by_role("link", name="+1 800 555 0100 toll free").click()
    expect(console).to_have_url(re.compile(r"/console\?sender=%2B18005550100$"))
    expect(mine).to_be_visible()
    mine.hover()
    mine.get_by_role("button", name="Mark").click()
    expect(console).to_have_url(re.compile(r"/console\?sender=%2B18005550100$"))
    expect(mine).to_be_hidden()
    console.get_by_role("searchbox").fill("ben")
    console.get_by_role("button", name="Search").click()
    expect(rows(console)).to_have_count(1)
    console.get_by_role("link", name="New customer").click()
    console.get_by_label("Name").fill("<i>Zoë</i>")
    console.get_by_label("Phone").fill("12")
    console.get_by_role("button", name="Add customer").click()
    expect(console.get_by_role("alert")).to_contain_text("wrong number of digits")
    expect(console.get_by_label("Name")).to_have_value("<i>Zoë</i>")


def test_a_phone_is_wide_enough(demo: Demo, windows: Windows, agent: StorageState) -> None:
    """At 360 pixels nothing scrolls sideways, and the marks can be pressed without hovering."""
    for path in ("", "?show=all", "?search=example", "?search=no+such+body", "/customers/new"):
        page = windows.open(f"{demo.product.url}/console{path}", 360, agent, has_touch=True)
        assert fits_its_width(page), path
    page = windows.pages[0]
    expect(page.get_by_role("button", name="Mark").first).to_have_css("opacity", "1")
    page.get_by_text("Texts to: All senders").click()
    expect(page.get_by_role("link", name="toll free")).to_be_in_viewport()
    assert fits_its_width(page)
