"""Who acts in a simulated world: people, agents, programs, imports, each as at their own door."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from lists import List, write_rows
from simulated_company import (
    AGENTS,
    CROWDED,
    CROWDED_MARKETING,
    KEYS,
    MARKETING,
    NEWS_OF,
    NUMBERS,
    PEOPLE,
    PROGRAMS,
    show,
)

from consent_world import FOREIGN_PROMO, NEWS, PROMO
from consentry.actions.answer_review import AnswerReview
from consentry.actions.cancel_message import CancelMessage
from consentry.actions.check import check, check_many
from consentry.actions.erase import erase_number
from consentry.actions.file_number import FileNumber
from consentry.actions.import_consents import ConsentList, ImportConsent
from consentry.actions.keep_customers import DeleteCustomer
from consentry.actions.outgoing import Draft
from consentry.actions.record_consent import (
    GrantConsent,
    LiftSuppression,
    RevokeConsent,
    Statement,
    SuppressRecipient,
    TagPhone,
)
from consentry.actions.request_consent import RequestConsent
from consentry.actions.send_message import Idempotency, SendMessage
from consentry.actions.set_place import SetPlace
from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor, Box, Evidence, Medium
from consentry.domain.gate import Door, Request, Verdict
from consentry.domain.imports import ImportAim, ImportKind
from consentry.domain.review import ReviewAnswer, ReviewState
from consentry.domain.standing import ConsentLevel
from consentry.ports import Command, Page, Rejected, ReviewFilter, StoreUnavailable

if TYPE_CHECKING:
    from simulated_server import Server
    from simulated_world import World

OUT: Final = ("STOP", "CANCEL", "stop", "Stop.", "please stop texting me", "stopp", "END")
BACK: Final = ("START", "UNSTOP", "YES", "start", "YES")
PLAIN: Final = (
    *("Hello", "HELP", "Start!", "yes please", "see you tomorrow", "Hello"),
    *("who is this", "not interested", "1", "2", "3", "no"),
)
ASKED: Final = (PROMO.id, NEWS.id, FOREIGN_PROMO.id)
_ASKED_IN_VAIN: Final = 3
"""At about every so many checks the store does not answer: drawn from no chance of the world's."""

ZONES: Final = ("Europe/London", "America/New_York", "Asia/Tokyo")


class Actors:
    """All who do something: one of them each step, in some worlds three at once."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._chance = world.chance
        start = int(self._chance.random.random() * 300)
        self.circle = PEOPLE[start : start + self._chance.pick([2, 4, 8])]
        self._at_once = self._chance.pick([1, 1, 1, 1, 3])
        self._few = self._pick_senders()
        self._keys = 0
        self._lists: list[List] = []
        self._sent: list[tuple[str, str]] = []
        self._again: list[SendMessage] = []
        self._acts: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.17, self._leave),
            (0.15, self._come_back),
            (0.13, self._text),
            (0.22, self._send),
            (0.06, self._promote),
            (0.05, self._grant),
            (0.06, self._request),
            (0.03, self._withdraw),
            (0.02, self._list),
            (0.02, self._unlist),
            (0.03, self._review),
            (0.03, self._check),
            (0.01, self._move),
            (0.01, self._cancel),
            (0.018, self._import),
            (0.008, self._ask_list),
            (0.008, self._promote_to_many),
            (0.008, self._crowd),
            (0.01, self._file),
            (0.01, self._erase),
        )

    def act(self) -> None:
        """Let one of them do something, or some at once where much is going on."""
        for _ in range(self._at_once):
            self._act()

    def _act(self) -> None:
        place = self._chance.random.random() * sum(weight for weight, _ in self._acts)
        for weight, deed in self._acts:
            place -= weight
            if place < 0:
                deed()
                return

    # --- Who and over which number --------------------------------------------------------------

    def _pick_senders(self) -> tuple[str, ...]:
        """Choose the numbers that are used most, so that words meet."""
        return tuple(self._chance.pick(CROWDED) for _ in range(self._chance.pick([1, 2, 3])))

    def _person(self) -> str:
        return self._chance.pick(self.circle if self._chance.happens(0.8) else PEOPLE)

    def _sender(self) -> str:
        return self._chance.pick(self._few if self._chance.happens(0.8) else NUMBERS)

    def _some_people(self, counts: list[int]) -> list[str]:
        """Choose many at once: some of the circle, and others who are beside each other."""
        start = int(self._chance.random.random() * 300)
        others = PEOPLE[start : start + self._chance.pick(counts)]
        return list(dict.fromkeys((*self.circle[:2], *others)))

    def _agent(self) -> Actor:
        return self._chance.pick(AGENTS)

    def _program(self, crowded: tuple[str, ...], others: tuple[str, ...]) -> str:
        return self._chance.pick(crowded if self._chance.happens(0.8) else others)

    def pick_pair(self) -> tuple[str, str]:
        """Choose somebody and a number of ours."""
        return self._person(), self._sender()

    # --- People ---------------------------------------------------------------------------------

    def _say(self, words: tuple[str, ...]) -> None:
        body, phone, sender = self._chance.pick(words), self._person(), self._sender()
        self._world.counts[f"person texts {body!r}"] += 1
        self._world.tell(phone, f"texts {body!r} to {sender}")
        self._world.carrier.hear(phone, sender, body)

    def _leave(self) -> None:
        self._say(OUT)

    def _come_back(self) -> None:
        self._say(BACK)

    def _text(self) -> None:
        self._say(PLAIN)

    def _crowd(self) -> None:
        """Have many answer at once, as after a campaign: most to be left alone, some to be back."""
        sender = self._sender()
        self._world.counts["crowd that texts at once"] += 1
        for phone in self._some_people([5, 10, 20]):
            body = self._chance.pick(self._chance.pick([OUT, OUT, BACK, PLAIN]))
            self._world.tell(phone, f"texts {body!r} to {sender}, as many do")
            self._world.carrier.hear(phone, sender, body)

    # --- Those who send -------------------------------------------------------------------------

    def _send(self) -> None:
        door = self._chance.pick([Door.CONSOLE, Door.API, Door.API])
        purpose = self._chance.pick([None, None, *Purpose])
        later = self._chance.pick([0, 0, 0, 0, 5, 90, 600])
        self._put(door, purpose, later)

    def _promote(self) -> None:
        self._put(Door.API, Purpose.MARKETING, self._chance.pick([0, 0, 30]))

    def _put(self, door: Door, purpose: Purpose | None, later: float) -> None:
        """Send a text, perhaps with a key, perhaps the same once more."""
        if self._again and self._chance.happens(0.1):
            self._do(self._send_it(self._chance.pick(self._again)))
            return
        now = self._world.clock.now()
        actor = self._agent() if door is Door.CONSOLE else self._chance.pick(KEYS)
        draft = Draft(
            recipient=self._person(),
            sender=self._sender(),
            body="Hello",
            actor=actor,
            door=door,
            purpose=purpose,
            send_at=now + timedelta(seconds=later) if later else None,
            expires_at=now + timedelta(seconds=later + 100) if self._chance.happens(0.1) else None,
        )
        self._keys += 1
        once = Idempotency(actor.id or "", f"k{self._keys}", f"f{self._keys}")
        is_once = door is Door.API and self._chance.happens(0.5)
        command = SendMessage(draft, once if is_once else None)
        if is_once:
            self._again = [*self._again[-5:], command]
        self._do(self._send_it(command))

    def _promote_to_many(self) -> None:
        """Send a program to many of its people at once, whatever each of them said to it."""
        program = PROGRAMS[self._program(CROWDED_MARKETING, MARKETING)]
        numbers = [n for n in NUMBERS if self._world.witness.numbers[n].brand == program.brand]
        sender, key = self._chance.pick(numbers), self._chance.pick(KEYS)
        self._world.counts["campaign"] += 1
        for phone in self._some_people([5, 10, 30]):
            draft = Draft(
                recipient=phone,
                sender=sender,
                body="Deals",
                actor=key,
                door=Door.API,
                purpose=Purpose.MARKETING,
                program=program.id,
            )
            self._do(self._send_it(SendMessage(draft, None)))

    def _send_it(self, command: SendMessage) -> Callable[["Server"], Awaitable[None]]:
        async def send(server: "Server") -> None:
            sent = await server.store.submit(command)
            if sent.message is not None:
                self._sent = [*self._sent[-20:], (sent.message, command.draft.recipient)]
            server.delivery.wake()

        return send

    def _cancel(self) -> None:
        if self._sent:
            message, recipient = self._chance.pick(self._sent)
            self._tell(CancelMessage(message, recipient, self._agent()))

    def _check(self) -> None:
        phone, sender = self._person(), self._sender()

        async def ask(server: "Server") -> None:
            request = Request(phone, sender, purpose=Purpose.CONVERSATIONAL, door=Door.CONSOLE)
            world = self._world
            if world.witness.turn % _ASKED_IN_VAIN == 0:
                await self._ask_in_vain(server, request)
            was_revoked = world.witness.is_revoked(phone, sender)
            answer = await check(request, server.store, world.policy, world.clock.now())
            world.counts[f"check answered {answer.decision}"] += 1
            # What became durable while it was asked may be in the answer or not.
            if answer.decision is Verdict.ALLOW and was_revoked:
                world.judge(lambda: world.witness.see_answer(phone, sender, answer))

        self._do(ask)

    async def _ask_in_vain(self, server: "Server", request: Request) -> None:
        """Ask while the database does not answer; nobody comes between, for it is asked at once."""
        world = self._world
        world.counts["store silent at a check"] += 1
        server.connection.set_progress_handler(lambda: True, 1)
        try:
            (answer,) = await check_many([request], server.store, world.policy, world.clock.now())
        finally:
            server.connection.set_progress_handler(None)
        world.judge(lambda: world.witness.see_silence(request, answer))

    # --- Those who tell -------------------------------------------------------------------------

    def state(
        self, phone: str, medium: Medium, *, by_person: bool = True, program: str = PROMO.id
    ) -> Statement:
        """Write down what somebody is said to have agreed to or refused, by an agent."""
        at = self._world.clock.now() - timedelta(minutes=self._chance.pick([0, 0, 0, 2, 30]))
        evidence = Evidence(
            medium,
            at,
            "JOIN",
            call_to_action=show(program),
            action="ticked and sent",
            box=Box.UNTICKED,
            apart=True,
        )
        return Statement(phone, self._agent(), "told", evidence, by_person)

    def _grant(self) -> None:
        medium = self._chance.pick([Medium.TEXT, Medium.TEXT, Medium.WEB])
        marketing = self._program(CROWDED_MARKETING, MARKETING)
        told = self.state(self._person(), medium, program=marketing)
        ends = None
        if self._chance.happens(0.4):
            ends = self._world.clock.now() + timedelta(seconds=self._chance.pick([30, 400]))
        match self._chance.pick(["marketing", "marketing", "weakly", "news", "conversation"]):
            case "marketing":
                self._tell(GrantConsent(told, marketing, ConsentLevel.EXPRESS_WRITTEN, ends))
            case "weakly":
                self._tell(GrantConsent(told, marketing, ConsentLevel.EXPRESS, ends))
            case "news":
                self._tell(GrantConsent(told, self._program((NEWS.id,), NEWS_OF), None, ends))
            case _:
                self._tell(GrantConsent(told, f"conversation:{self._sender()}"))

    def _request(self) -> None:
        program = self._program(ASKED, tuple(PROGRAMS))
        told = self.state(self._person(), Medium.WEB, program=program)
        self._tell(RequestConsent(told, program, sender=self._sender()))

    def _withdraw(self) -> None:
        told = self.state(self._person(), Medium.PAPER, by_person=self._chance.happens(0.6))
        program = self._chance.pick([f"conversation:{self._sender()}", PROMO.id])
        self._tell(RevokeConsent(told, program))

    def _list(self) -> None:
        told = self.state(self._person(), Medium.PAPER, by_person=self._chance.happens(0.6))
        self._tell(SuppressRecipient(told, self._chance.pick([None, "acme", "other"])))

    def _unlist(self) -> None:
        told = self.state(self._person(), Medium.PAPER)
        self._tell(LiftSuppression(told, self._chance.pick([None, "acme"])))
        self._tell(TagPhone(told, sms=True))

    def _move(self) -> None:
        phone, zone = self._person(), self._chance.pick(ZONES)
        self._world.witness.placed.add(phone)
        self._tell(SetPlace(phone, self._agent(), zone=zone))

    def _file(self) -> None:
        """Have an agent make or delete a profile: what stands belongs to the number."""
        phone = self._person()

        async def file(server: "Server") -> None:
            known = await server.store.read_profiles(phone)
            if known:
                await server.store.submit(DeleteCustomer(known[0].id, self._agent()))
            else:
                await server.store.submit(FileNumber(phone))

        self._do(file)

    def _erase(self) -> None:
        """Have somebody erased who asked for it, whatever the carrier still tells of them."""
        phone = self._person()

        async def erase(server: "Server") -> None:
            await erase_number(phone, "they asked for it", self._agent(), server.store)

        self._do(erase)

    def _review(self) -> None:
        async def review(server: "Server") -> None:
            wanted = ReviewFilter(state=ReviewState.OPEN)
            cases = await server.store.read_reviews(wanted, Page(limit=5))
            if cases:
                answers = [ReviewAnswer.KEEP, ReviewAnswer.KEEP, ReviewAnswer.OPT_OUT]
                command = AnswerReview(cases[0], self._chance.pick(answers), self._agent())
                answered = await server.store.submit(command)
                await server.delivery.wait_quiet(answered.in_flight)

        self._do(review)

    # --- Imports --------------------------------------------------------------------------------

    def _import(self) -> None:
        """Bring a list in, slice by slice; the same list goes on where it was cut off."""
        if not self._lists or self._chance.happens(0.7):
            people = self._some_people([3, 40, 150, 300])
            rows = write_rows(people, self._world.clock.now(), self._chance)
            by = self._agent()
            aim = ImportAim(
                ImportKind.OPT_OUTS,
                "list.csv",
                f"d{len(self._lists)}",
                by.id or "",
                brand=self._chance.pick([None, "acme"]),
                by_person=self._chance.happens(0.7),
            )
            if self._chance.happens(0.5):
                program = self._program((PROMO.id, NEWS.id), tuple(PROGRAMS))
                kind = ImportKind.CONSENTS
                aim = ImportAim(kind, "list.csv", aim.digest, aim.by, program=program)
            self._lists.append(List(aim, rows, by))
        self._do(self._chance.pick(self._lists).bring_in(self._world))

    def _ask_list(self) -> None:
        """Have people of a list asked over their own handsets."""
        program = self._program((PROMO.id, NEWS.id), tuple(PROGRAMS))
        by = self._agent().id or ""
        source = ConsentList(self._world.ids.new("imp"), "list.csv", "abc", by, program)
        people = self._some_people([3, 10])[:10]
        for row in write_rows(people, self._world.clock.now(), self._chance):
            self._tell(ImportConsent(row, source), is_patient=True)

    # --- How all of them do it ------------------------------------------------------------------

    def _tell(self, command: Command[Any], *, is_patient: bool = False) -> None:
        """Have something written down, wait until nothing it forbids is under way, and be told."""

        async def tell(server: "Server") -> None:
            outcome = await server.store.submit(command, is_patient=is_patient)
            in_flight = getattr(outcome, "in_flight", ())
            await server.delivery.wait_quiet(in_flight)
            entry = getattr(outcome, "opt_out", None)
            if entry is not None and server.is_alive:
                world = self._world
                world.judge(lambda: world.witness.acknowledge(entry.id))

        self._do(tell)

    def _do(self, deed: Callable[["Server"], Awaitable[None]]) -> None:
        """Do it at the server that is there now; where there is none, nothing is done."""
        server, world = self._world.server, self._world
        if server is None:
            world.counts["nobody at the door"] += 1
            return

        async def do() -> None:
            try:
                with suppress(Rejected):
                    await deed(server)
            except StoreUnavailable:
                world.counts["door answered 503"] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, the seed has failed
                world.fail(error)

        server.start(do())
