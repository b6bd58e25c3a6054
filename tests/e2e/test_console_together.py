"""Agents at work at the same time: what one does the other sees, and sessions that end."""

import re
import statistics

import pytest
from console_windows import (
    CHROMIUM,
    Windows,
    add_agent,
    ask_command_line,
    milliseconds_to_see,
    note_sights,
    rows,
    sign_in,
)
from playwright.sync_api import Browser, Page, StorageState, expect
from real_world import Demo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-console-together"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

SIGHTS = 5
WITHIN_MILLISECONDS = 1000
ADA, BEN = "+14155550142", "+14155550143"


def open_talk(page: Page, text: str) -> None:
    """Open the conversation whose newest text this is."""
    rows(page).filter(has_text=text).get_by_role("link").click()
    expect(page.get_by_label("Conversation timeline")).to_be_visible()
    # It is there before the scripts are.
    page.wait_for_load_state()


def test_a_text_is_on_the_customers_page_within_a_second(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """Measured in the browser, from the handset's text taken to the page that shows it."""
    demo.carrier.type_heard(ADA, demo.number("long_code"), "Measure me")
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    open_talk(console, "Measure me")
    handset = windows.open(demo.told["handset_url"])
    note_sights(console)
    times = [
        milliseconds_to_see(demo, handset, console, phone=ADA, number=number)
        for number in range(SIGHTS)
    ]
    assert statistics.median(times) <= WITHIN_MILLISECONDS, times


def test_two_agents_see_what_the_other_does(
    demo: Demo, windows: Windows, agent: StorageState, browser: Browser
) -> None:
    """A text that one sends, what one has read and put away: the other's window shows it."""
    bea = add_agent(demo, "Bea Second")
    number = demo.number("long_code")
    demo.carrier.type_heard(BEN, number, "Who answers me?")
    first = windows.open(f"{demo.product.url}/console", agent=agent)
    second = windows.open(f"{demo.product.url}/console", agent=sign_in(browser, bea.link))
    mine = rows(second).filter(has_text="Who answers me?")
    expect(mine).to_contain_text("Unread")
    open_talk(first, "Who answers me?")
    expect(mine).not_to_contain_text("Unread")
    open_talk(second, "Who answers me?")
    second.get_by_label("Text", exact=True).fill("I do, Bea.")
    second.get_by_role("button", name="Send SMS").click()
    sent = first.get_by_label("Conversation timeline").get_by_role("listitem")
    expect(sent.filter(has_text="I do, Bea.")).to_contain_text("Bea Second")
    expect(sent.filter(has_text="I do, Bea.")).to_contain_text("Delivered")
    first.keyboard.press("e")
    expect(rows(first).filter(has_text="Who answers me?")).to_be_hidden()
    expect(rows(second).filter(has_text="Who answers me?")).to_be_hidden()
    demo.carrier.type_heard(BEN, number, "Thanks, Bea")
    for window in (first, second):
        expect(rows(window).filter(has_text="Thanks, Bea")).to_be_visible()
        timeline = window.get_by_label("Conversation timeline")
        expect(timeline.get_by_text("Thanks, Bea")).to_be_visible()


def test_a_session_that_is_revoked_ends_at_once_and_loses_no_draft(
    demo: Demo, windows: Windows
) -> None:
    """The open page goes to sign-in by itself; afterwards what was typed is still there."""
    cal = add_agent(demo, "Cal Third")
    demo.carrier.type_heard(BEN, demo.number("long_code"), "Still there?")
    page = windows.open(cal.link)
    open_talk(page, "Still there?")
    address = page.url
    page.get_by_label("Text", exact=True).fill("This is not lost")
    ended = ask_command_line(demo, "agent", "sessions", cal.email, "--revoke")
    assert len(ended["sessions"]) == 1
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    cal.sign_in_by_password(page)
    expect(page).to_have_url(address)
    expect(page.get_by_label("Text", exact=True)).to_have_value("This is not lost")


def test_ending_the_other_sessions_ends_their_open_pages(demo: Demo, windows: Windows) -> None:
    """From the account page; the one that it was done from goes on."""
    dee = add_agent(demo, "Dee Fourth")
    kept = windows.open(dee.link)
    other = windows.open(f"{demo.product.url}/console/sign-in")
    dee.sign_in_by_password(other)
    expect(other.get_by_role("heading", name="Inbox")).to_be_visible()
    kept.goto(f"{demo.product.url}/console/account")
    kept.get_by_role("button", name="End all other sessions").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    kept.goto(f"{demo.product.url}/console")
    expect(kept.get_by_role("heading", name="Inbox")).to_be_visible()


def test_back_leads_back_to_the_list_as_it_was(
    demo: Demo, windows: Windows, agent: StorageState, phones: list[str]
) -> None:
    """Filter, search and place in the list: after back, and beside the open conversation."""
    number = demo.number("toll_free")
    for count in range(16):
        demo.carrier.type_heard(next(phones), number, f"Back to letter {chr(97 + count)}")
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    console.get_by_text("Texts to: All senders").click()
    console.get_by_role("link", name="+1 800 555 0100 toll free").click()
    expect(rows(console)).to_have_count(16)
    rows(console).filter(has_text="Back to letter a").scroll_into_view_if_needed()
    place = "document.getElementById('inbox-rows').scrollTop"
    scrolled = console.evaluate(place)
    assert scrolled > 0
    open_talk(console, "Back to letter b")
    expect(rows(console)).to_have_count(16)
    assert console.evaluate(place) == scrolled
    opened = rows(console).get_by_role("link").and_(console.locator("[aria-current]"))
    expect(opened).to_contain_text("Back to letter b")
    console.go_back()
    expect(console).to_have_url(re.compile(r"/console\?sender=%2B18005550100$"))
    expect(rows(console)).to_have_count(16)
    assert console.evaluate(place) == scrolled
    console.go_forward()
    expect(console.get_by_label("Conversation timeline")).to_contain_text("Back to letter b")
    console.wait_for_load_state()
    console.go_back()
    console.get_by_role("searchbox").fill("0105")
    expect(rows(console)).to_have_count(1)
    expect(console).to_have_url(re.compile("search=0105"))
    rows(console).get_by_role("link").click()
    expect(console.get_by_label("Conversation timeline")).to_be_visible()
    console.go_back()
    expect(console.get_by_role("searchbox")).to_have_value("0105")
    expect(rows(console)).to_have_count(1)
