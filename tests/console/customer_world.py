"""The page of a customer in the world of the lists: its parts as a tree, and what is done on it."""

from dataclasses import dataclass

import httpx
from lists_world import ADMIN, ANN, LONG, TOKEN, World
from page_tree import Node, read_tree

from consentry.actions.deliver_job import ClaimJobs, RecordSubmission
from consentry.actions.record_receipt import RecordReceipt
from consentry.domain.agents import Agent
from consentry.domain.customers import Customer
from consentry.domain.entries import Entry
from consentry.domain.messages import Message, MessageStatus
from consentry.ports import Accepted, Page, StatusReport, Submission


@dataclass
class Person:
    """A customer, and their page as agents see it."""

    world: World
    id: str

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"/console/customers/{self.id}"

    async def page(self, who: Agent = ADMIN, part: str = "", /, **query: str) -> Node:
        """Open the page or a part of it, which must be there."""
        answer = await self.world.get(f"{self.address}{part}", who, **query)
        assert answer.status_code == 200, answer.text
        return read_tree(answer.text)

    async def card(self, who: Agent = ADMIN) -> str:
        """Read what the card says."""
        return (await self.page(who)).by_id("card").words

    async def post(
        self, part: str, who: Agent = ADMIN, /, zone: str = "UTC", **form: str
    ) -> httpx.Response:
        """Send a form of the page, as somebody who lives in a zone."""
        return await self._send(part, form, {"cookie": f"who={who.id}; zone={zone}"})

    async def post_live(self, part: str, who: Agent = ADMIN, /, **form: str) -> httpx.Response:
        """Send a form of the page as its script does."""
        return await self._send(part, form, {"cookie": f"who={who.id}", "hx-request": "true"})

    async def _send(
        self, part: str, form: dict[str, str], headers: dict[str, str]
    ) -> httpx.Response:
        fields = {"form_token": TOKEN, **form}
        return await self.world.client.post(f"{self.address}{part}", data=fields, headers=headers)

    async def profile(self) -> Customer:
        """Read the profile as it is stored."""
        found = await self.world.store.read_customer(self.id)
        assert found is not None
        return found

    async def entries(self, number: str = ANN) -> list[Entry]:
        """List a number's entries, newest first."""
        return await self.world.store.read_entries(number, Page(limit=500))

    async def items(self, who: Agent = ADMIN, /, **query: str) -> list[str]:
        """Read the items of the timeline, oldest first, each as a line."""
        page = await self.page(who, **query)
        return [item.words for item in page.by_id("flow").all("li", "item")]


async def meet(world: World, number: str = ANN, name: str = "Ann Example") -> Person:
    """Let there be a profile of a number; a text of theirs does not make a second one."""
    customer = await world.customer(name, number)
    return Person(world, customer.id)


async def find_person(world: World, number: str = ANN) -> Person:
    """Find the profile that a first text made."""
    (customer,) = await world.store.read_profiles(number)
    return Person(world, customer.id)


async def hand_over(
    world: World, submission: Submission | None = None, *, sender: str = LONG
) -> Message:
    """Let the carrier answer for the oldest text of a sender that waits; by default it takes it."""
    (work,) = await world.store.submit(ClaimJobs(((sender, 1),), "prc_1"))
    message = work.message
    answer = submission or Accepted(f"SM-{message.id}")
    await world.store.submit(
        RecordSubmission(
            message=message.id,
            recipient=message.recipient,
            sender=message.sender,
            carrier="car_1",
            submission=answer,
            attempt=work.job.attempts,
        )
    )
    return message


async def report(
    world: World,
    message: Message,
    status: MessageStatus,
    *,
    error_code: str | None = None,
    opted_out: bool = False,
) -> None:
    """Let a delivery report of a text come in."""
    told = StatusReport(
        carrier_message_id=f"SM-{message.id}",
        recipient=message.recipient,
        sender=message.sender,
        status=status,
        error_code=error_code,
        opted_out=opted_out,
        message=message.id,
    )
    await world.store.submit(RecordReceipt("car_1", told, world.clock.now()))
