"""The customer's page in a real browser: the counter, drafts, what stays in its place, axe."""

import random
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from console_windows import CHROMIUM, PHONE_WIDTH, Windows, expect_settled, fits_its_width
from playwright.sync_api import Page, StorageState, expect
from real_world import Demo, eventually

from consentry.wire.gsm7 import count_segments

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-console-customer"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

ALPHABETS: Final = (
    "abcdefghij klmnopqrstuvwxyz.!?",
    "äöñüàéùìò¿¡ΔΦΓ@£$¥",
    "a{}[]~^|€\\b",
    "abc\n\f def",
    "a\u2019\u201c\u201d\u2014ñç",
    "ab🎉👨\u200d👩\u200d👧é\u0301",
    "مرحبا שלום 中文",
)
NASTY: Final = (
    "<script>alert(1)</script><b>bold</b>",
    "مرحبا، أين طلبي؟ order #12",
    "🎉" * 40,
    "W" * 1700,
    "line\n\n\nline   with   spaces",
)
_COUNT: Final = """(texts) => {
  const field = document.getElementById("body");
  const counter = document.querySelector("[data-counter]");
  return texts.map((text) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const { encoding, characters, segments } = counter.dataset;
    return [encoding, Number(characters), Number(segments)];
  });
}"""


def open_customer(demo: Demo, windows: Windows, agent: StorageState, phone: str) -> Page:
    """Open the page of the person who has a phone, who has texted before."""
    page = windows.open(f"{demo.product.url}/console?show=all&search={phone[1:]}", agent=agent)
    found = page.get_by_role("complementary", name="Inbox").get_by_role("listitem")
    page.goto(demo.product.url + str(found.get_by_role("link").first.get_attribute("href")))
    return page


def write_texts() -> list[str]:
    """Write several hundred texts of all alphabets, many around the edges of a segment."""
    dice = random.Random(38)
    lengths = [0, 1, 69, 70, 71, 133, 134, 135, 159, 160, 161, 305, 306, 307, 459, 460, 700]
    texts = []
    for place in range(600):
        letters = "".join(dice.sample(ALPHABETS, dice.choice((1, 1, 2))))
        length = lengths[place % len(lengths)] + dice.randrange(3)
        texts.append("".join(dice.choice(letters) for _ in range(length)))
    return texts


def test_the_counter_agrees_with_the_server(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """Encoding, units and segments of 600 texts, as the carrier will count them."""
    demo.carrier.type_heard(phone, demo.number("long_code"), "Hello")
    page = open_customer(demo, windows, agent, phone)
    texts = write_texts()
    counted = page.evaluate(_COUNT, texts)
    expected = [count_segments(text) for text in texts]
    assert counted == [[str(e.encoding), e.characters, e.segments] for e in expected]
    assert len({tuple(one) for one in counted}) > 200
    field, counter = page.get_by_label("Text", exact=True), page.locator("[data-counter]")
    field.fill("Hello")
    expect(counter).to_have_text("GSM-7 · 1 segment · 155 left in this one")
    field.fill("Hello ☺")
    expect(counter).to_have_text("UCS-2, for “☺” · 1 segment · 63 left in this one")
    field.fill("x" * 1603)
    expect(counter).to_contain_text("3 characters too many")


def test_drafts_are_kept_until_the_server_has_them(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """A reload and another composer lose nothing; a text that was taken is a draft no more."""
    demo.carrier.type_heard(phone, demo.number("long_code"), "Hello")
    page = open_customer(demo, windows, agent, phone)
    text = page.get_by_label("Text", exact=True)
    text.fill("It will be there\nat noon")
    page.get_by_label("Write something else").click()
    page.get_by_role("link", name="Note", exact=True).click()
    note = page.get_by_label("Note for colleagues")
    expect(note).to_be_focused()
    expect(note).to_have_value("")
    note.fill("A note in between")
    page.get_by_label("Write something else").click()
    page.get_by_role("link", name="SMS", exact=True).click()
    expect(text).to_have_value("It will be there\nat noon")
    page.reload()
    expect(text).to_have_value("It will be there\nat noon")
    expect(page.locator("[data-counter]")).to_contain_text("GSM-7")
    page.get_by_role("button", name="Send SMS").dblclick()
    timeline = page.get_by_label("Conversation timeline")
    expect(timeline.get_by_text("It will be there at noon")).to_have_count(1)
    expect(text).to_have_value("")
    page.reload()
    expect(text).to_have_value("")
    page.go_back()
    page.go_forward()
    expect(timeline.get_by_text("It will be there at noon")).to_have_count(1)
    shown = demo.shown(phone, demo.number("long_code"))
    assert shown.count(("sender", "It will be there\nat noon")) == 1
    page.get_by_label("Write something else").click()
    page.get_by_role("link", name="Note", exact=True).click()
    expect(note).to_have_value("A note in between")
    page.get_by_role("button", name="Save note").click()
    expect(timeline.get_by_text("A note in between")).to_be_visible()
    expect(note).to_have_value("")


def test_what_goes_wrong_is_told_beside_the_composer(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """No connection, a server that cannot, a page too old: the text stays and goes out once."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "Hello")
    page = open_customer(demo, windows, agent, phone)
    field, alert = page.get_by_label("Text", exact=True), page.get_by_role("alert")
    send = page.get_by_role("button", name="Send SMS")
    field.fill("Once is enough")
    page.route("**/messages", lambda route: route.abort())
    send.click()
    expect(alert).to_contain_text("No answer came. Send it again")
    page.unroute("**/messages")
    told = "<main><p class='brandmark'>Consentry</p><p>Nothing was changed.</p></main>"
    page.route("**/messages", lambda route: route.fulfill(status=503, body=told))
    send.click()
    expect(alert).to_have_text("Nothing was changed.")
    page.unroute("**/messages")
    token = page.locator("#composer [name=form_token]")
    good = str(token.get_attribute("value"))
    token.evaluate("(field) => { field.value = 'of another session'; }")
    send.click()
    expect(alert).to_contain_text("This page is too old to send from.")
    expect(field).to_have_value("Once is enough")
    token.evaluate("(field, value) => { field.value = value; }", good)
    send.click()
    expect(field).to_have_value("")
    expect(alert).to_be_hidden()
    assert demo.shown(phone, number).count(("sender", "Once is enough")) == 1
    # The library notes in the console that there was no answer, as it should.
    windows.errors.clear()


def test_a_stop_while_typing_takes_neither_text_nor_caret(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """Send dies under the hands of the agent, who goes on writing where they were."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "Hello")
    page = open_customer(demo, windows, agent, phone)
    field = page.get_by_label("Text", exact=True)
    field.click()
    page.keyboard.type("We could come on day")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.keyboard.type("Fri")
    demo.carrier.type_heard(phone, number, "STOP")
    expect(page.get_by_role("button", name="Send SMS")).to_be_disabled()
    page.keyboard.type("-")
    expect(field).to_be_focused()
    expect(field).to_have_value("We could come on Fri-day")
    page.keyboard.press("Control+Enter")
    page.get_by_label("Write something else").click()
    menu = page.get_by_label("Composer").get_by_role("link")
    expect(menu).to_have_count(1)
    expect(menu).to_have_text("Note")
    page.keyboard.press("Escape")
    demo.carrier.type_heard(phone, number, "START")
    expect(page.get_by_role("button", name="Send SMS")).to_be_enabled()
    field.press("Control+Enter")
    expect(field).to_have_value("")
    eventually(
        lambda: ("sender", "We could come on Fri-day") in demo.carrier.shown(phone, number),
        "the text is on the phone",
    )


def test_what_is_read_stays_in_its_place(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """At the end one follows; elsewhere nothing moves, and a button says that there is more."""
    number = demo.number("long_code")
    for place in range(70):
        demo.carrier.type(phone, number, f"text {place}")
    eventually(lambda: len(demo.product.messages(phone)) >= 71, "all texts are there")
    demo.shown(phone, number)
    page = open_customer(demo, windows, agent, phone)
    timeline = page.get_by_label("Conversation timeline")
    expect(timeline.get_by_text("text 69", exact=True)).to_be_in_viewport()
    below = page.get_by_role("button", name="New below")
    demo.carrier.type_heard(phone, number, "one at the end")
    expect(timeline.get_by_text("one at the end")).to_be_in_viewport()
    expect(below).to_be_hidden()

    read = timeline.get_by_text("text 50", exact=True)
    read.scroll_into_view_if_needed()
    timeline.evaluate("(element) => { element.scrollTop -= 40; }")
    # Scrolling is over with the next picture, and told with it.
    page.evaluate("new Promise((shown) => requestAnimationFrame(() => setTimeout(shown)))")
    expect_settled(page)
    top = read.bounding_box()
    demo.carrier.type_heard(phone, number, "one out of sight")
    expect(below).to_be_visible()
    assert read.bounding_box() == top
    below.click()
    expect(timeline.get_by_text("one out of sight")).to_be_in_viewport()
    expect(below).to_be_hidden()

    earlier = timeline.get_by_role("link", name="Earlier")
    earlier.scroll_into_view_if_needed()
    first = timeline.get_by_role("listitem").first
    mark = str(first.get_attribute("id"))
    before = page.locator(f"#{mark}").bounding_box()
    earlier.click()
    expect(timeline.get_by_text("text 0", exact=True)).to_be_attached()
    assert before is not None
    after = page.locator(f"#{mark}").bounding_box()
    assert after is not None
    assert abs(after["y"] - before["y"]) < 40
    texts = [f"text {place}" for place in range(70)]
    shown = timeline.locator(".theirs .text").all_inner_texts()
    assert shown == [*texts, "one at the end", "one out of sight"]


def test_what_is_unfolded_stays_unfolded(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """Why a text was refused can be read while texts come in, and so can an open menu."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "STOP")
    assert demo.product.try_send(number, phone, "Hi", purpose="conversational").status_code == 403
    page = open_customer(demo, windows, agent, phone)
    timeline = page.get_by_label("Conversation timeline")
    timeline.get_by_text("why?").click()
    expect(timeline.get_by_text("block/provider")).to_be_visible()
    page.get_by_label("What can be done with").click()
    demo.carrier.type_heard(phone, number, "Anybody?")
    expect(timeline.get_by_text("Anybody?")).to_be_visible()
    expect(timeline.get_by_text("block/provider")).to_be_visible()
    expect(page.get_by_role("link", name="Record an opt-out")).to_be_visible()


def test_the_card_is_changed_in_place_while_texts_come_in(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """A form that is open on the card keeps what is typed; a typed text survives its saving."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "Hello")
    page = open_customer(demo, windows, agent, phone)
    page.get_by_label("Text", exact=True).fill("Half a text")
    page.get_by_role("link", name="Name, email, note").click()
    page.get_by_label("Name", exact=True).fill("Zoë <Zed>")
    demo.carrier.type_heard(phone, number, "Second")
    expect(page.get_by_label("Conversation timeline").get_by_text("Second")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Zoë <Zed>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Zoë <Zed>")).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value("Half a text")


def test_no_page_of_a_customer_breaks_a_rule_of_axe(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """In both themes, wide and narrow, with texts that try to break it; none scrolls sideways."""
    number = demo.number("long_code")
    for body in NASTY:
        demo.carrier.type_heard(phone, number, body[:1600])
    demo.carrier.type_heard(phone, number, "STOP")
    demo.product.try_send(number, phone, "W" * 1500, purpose="conversational")
    demo.shown(phone, number)
    address = open_customer(demo, windows, agent, phone).url.split("?")[0]
    parts = (
        "",
        "#card",
        "?edit=name#card",
        "?edit=add#card",
        "?compose=note",
        "/consent",
        "/opt-out",
        "/merge?find=e",
        "/delete",
    )
    for scheme, width in (("light", 1280), ("dark", PHONE_WIDTH)):
        page = windows.open(address, width, agent, color_scheme=scheme)
        for part in parts:
            page.goto("about:blank")
            page.goto(f"{address}{part}")
            assert fits_its_width(page), (part, width)
            found = Axe().run(page).response["violations"]
            broken = [(one["id"], [n["target"] for n in one["nodes"]]) for one in found]
            assert broken == [], (part, scheme, width)
