"""A phone on the table and the console page of the person who has it."""

import re
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Locator, Page, expect
from real_world import SENTENCE

RED: Final = re.compile(r"rgb\((1[5-9]\d|2\d\d), \d{1,2}, \d{1,2}\)")


def pick_phone(page: Page, phone: str) -> Locator:
    """Put a phone on the table, or take the one that is there."""
    page.get_by_label("Phone", exact=True).fill(phone)
    page.get_by_role("button", name="Pick or add").click()
    return page.get_by_role("article", name=f"Phone {phone}")


def type_text(phone: Locator, body: str) -> None:
    """Type a text on a phone and send it."""
    phone.get_by_role("textbox").fill(body)
    phone.get_by_role("textbox").press("Enter")


@dataclass(frozen=True)
class Scene:
    """The console page of somebody by first name and number, and their phone."""

    console: Page
    phone: Locator
    first_name: str = "Ada"
    number: str = "+1 415 555 0142"

    @property
    def card(self) -> Locator:
        """The contact card."""
        return self.console.get_by_label("Contact card")

    @property
    def timeline(self) -> Locator:
        """The conversation timeline."""
        return self.console.get_by_label("Conversation timeline")

    @property
    def composer(self) -> Locator:
        """Where an agent types."""
        return self.console.get_by_label("Text", exact=True)

    @property
    def send(self) -> Locator:
        """The button that sends."""
        return self.console.get_by_role("button", name="Send SMS")

    @property
    def way_back(self) -> str:
        """What the composer says while the person is opted out of the long code."""
        return (
            f"{self.first_name} opted out of +1 415 555 0100: to be texted again they must text "
            "START to +1 415 555 0100."
        )

    def expect_subscribed(self) -> None:
        """The tag is there, the number is not red, and Send works."""
        expect(self.card.get_by_text("Subscribed")).to_be_visible()
        expect(self.card.get_by_text("SMS", exact=True)).to_be_visible()
        expect(self.card.get_by_text(self.number, exact=True)).not_to_have_css("color", RED)
        expect(self.send).to_be_enabled()

    def expect_opted_out(self) -> None:
        """The number is red, the tag gone, Send dead with the sentence and no way around it."""
        expect(self.card.get_by_text("Opted out")).to_be_visible()
        expect(self.card.get_by_text(self.number, exact=True)).to_have_css("color", RED)
        expect(self.card.get_by_text("SMS", exact=True)).to_be_hidden()
        expect(self.card.get_by_text("must text START to +1 415 555 0100")).to_be_visible()
        self.expect_dead()

    def expect_dead(self) -> None:
        """Nothing can be sent, and it is said why and what the person must do."""
        expect(self.send).to_be_disabled()
        expect(self.send).to_have_attribute("title", SENTENCE)
        expect(self.console.get_by_role("combobox")).to_be_hidden()
        expect(self.console.get_by_text(self.way_back)).to_be_visible()
