"""Judges a load after a fault: the program's answers, the ledger and the carrier must agree."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from fault_load import Answered, Load, Outage, Person
from real_site import OPT_OUT_CONFIRMATION, Site
from real_world import FINAL_STATUSES, JSON, eventually

BACK_SECONDS_MAX = 2.0
_UNDER_WAY = ("queued", "sending", "sent", "indeterminate")
_WITH_CARRIER = frozenset({"sending", "sent"})
_LETS_IN = frozenset({"START", "Hello"})


@dataclass
class Counts:
    """What one fault led to, as it is printed."""

    fault: str
    stops_acknowledged: int = 0
    texts_let_in: int = 0
    delivered: int = 0
    refused: int = 0
    refused_while_away: int = 0
    lost: int = 0
    after_opt_out: int = 0
    twice: int = 0
    slowest_answer_seconds: float = 0.0
    seconds_to_recover: float | None = None

    def line(self) -> str:
        """Say it in one line."""
        told = {k: v for k, v in asdict(self).items() if k != "fault"}
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())


@dataclass(frozen=True)
class Word:
    """A text of a person: when the carrier had it, and when we acknowledged it, in its order."""

    body: str
    sid: str
    created: int
    acknowledged: int | None
    created_at: float
    acknowledged_at: float | None


class Judge:
    """Reads everything once, when all is over."""

    def __init__(self, site: Site, load: Load, fault: str) -> None:
        """Look at the end; the load is over."""
        self._load = load
        self._site = site
        self.counts = Counts(fault)
        wait_until_all_is_over(site)
        self._hooks = {h["sid"]: h for h in site.carrier.webhooks() if h["kind"] == "inbound"}
        self._sent: defaultdict[str, list[JSON]] = defaultdict(list)
        for message in site.carrier.messages():
            if message["direction"] != "inbound":
                self._sent[message["to"]].append(message)
        self._ours: defaultdict[str, list[JSON]] = defaultdict(list)
        for message in site.product.messages():
            self._ours[message["recipient"]].append(message)

    def judge(self) -> Counts:
        """See that nothing is lost, nothing came after an opt-out or twice, and count."""
        for person in self._load.people:
            words = [self._word(body, sid) for body, sid in person.words]
            self._check_kept(person, words)
            self._check_left(person, words)
            self._check_answers(person, words)
            self._check_ends(person)
        self._check_outages()
        self.counts.refused = self._load.count("403")
        took = [answer.ended - answer.began for answer in self._load.answers]
        for hook in self._hooks.values():
            took += [attempt["milliseconds"] / 1000 for attempt in hook["attempts"]]
        self.counts.slowest_answer_seconds = round(max(took), 2)
        assert self._load.count("hung") == 0
        assert (self.counts.lost, self.counts.after_opt_out, self.counts.twice) == (0, 0, 0)
        return self.counts

    def _word(self, body: str, sid: str) -> Word:
        hook = self._hooks[sid]
        at = hook["acknowledged_at"]
        return Word(
            body,
            sid,
            hook["created_order"],
            hook["acknowledged_order"],
            _seconds(hook["created_at"]),
            None if at is None else _seconds(at),
        )

    def _check_kept(self, person: Person, words: list[Word]) -> None:
        """Every acknowledged word is in the ledger, and the last one holds."""
        ids = {m["carrier_message_id"]: m["id"] for m in self._ours[person.phone]}
        told = [word for word in words if word.acknowledged is not None]
        missing = [word for word in told if word.sid not in ids]
        self.counts.lost += len(missing)
        hooks = [self._hooks[word.sid] for word in missing]
        assert not missing, f"acknowledged and lost: {hooks} of {person}"
        stops = [word for word in told if word.body == "STOP"]
        self.counts.stops_acknowledged += len(stops)
        if stops:
            entries = self._site.product.entries(person.phone, "opted_out")
            evidence = Counter(entry["message"] for entry in entries)
            assert all(evidence[ids[word.sid]] == 1 for word in stops), (person, entries)
        if words[-1].acknowledged is not None:
            found = self._site.product.check(person.number, person.phone)
            assert found["decision"] == ("deny" if person.has_stopped else "allow"), (person, found)

    def _check_left(self, person: Person, words: list[Word]) -> None:
        """Nothing left for the pair between an acknowledged STOP and the next word; none twice."""
        left = [(m["body"], m["accepted_order"]) for m in self._sent[person.phone]]
        refusals = self._site.carrier.refusals(person.phone, person.number)
        left += [(refusal["body"], refusal["order"]) for refusal in refusals]
        for since, until in closed_spans(words):
            late = [
                body
                for body, order in left
                if since < order < until and body != OPT_OUT_CONFIRMATION
            ]
            self.counts.after_opt_out += len(late)
            assert not late, f"left after an acknowledged STOP: {late} for {person}"
        times = Counter(message["body"] for message in self._sent[person.phone])
        again = {body: count for body, count in times.items() if count > 1 and body.startswith("+")}
        self.counts.twice += len(again)
        assert not again, f"left twice: {again}"

    def _check_answers(self, person: Person, words: list[Word]) -> None:
        """Nothing was let in that was asked after an acknowledged STOP."""
        stopped_at = None
        spans = []
        for word in words:
            if word.body in _LETS_IN and stopped_at is not None:
                spans.append((stopped_at, word.created_at))
                stopped_at = None
            elif word.body == "STOP" and stopped_at is None:
                stopped_at = word.acknowledged_at
        if stopped_at is not None:
            spans.append((stopped_at, float("inf")))
        for answer in self._load.answers:
            if answer.person is person and answer.was_let_in:
                known = {m["id"] for m in self._ours[person.phone]}
                wrong = [s for s in spans if s[0] < answer.began and answer.ended < s[1]]
                # An answer that is repeated for an Idempotency-Key tells of what was let in before.
                assert not wrong or self._is_repeated(answer), (answer, spans)
                assert answer.message is None or answer.message in known, f"lost: {answer}"

    def _is_repeated(self, answer: Answered) -> bool:
        earlier = [a for a in self._load.answers if a.body == answer.body and a is not answer]
        return answer.kind == "send" and any(a.began < answer.began for a in earlier)

    def _check_ends(self, person: Person) -> None:
        """Every text has ended, and exactly those that we call delivered are on the handset."""
        site = self._site
        shown = Counter(body for _, body in site.carrier.shown(person.phone, person.number))
        for message in self._ours[person.phone]:
            if message["direction"] != "outbound":
                continue
            # One that stays sent has been told of in vain, by a carrier that gave it up.
            assert message["status"] in FINAL_STATUSES | _WITH_CARRIER, message
            self.counts.texts_let_in += 1
            was_delivered = message["status"] in {"delivered"} | _WITH_CARRIER
            self.counts.delivered += was_delivered
            if message["body"].startswith("+"):
                assert shown[message["body"]] == was_delivered, message

    def _check_outages(self) -> None:
        """While the database was away everything was refused, and then it came back by itself."""
        seconds, given = [], []
        for outage in self._load.outages:
            asked = [
                answer
                for answer in self._load.answers
                if answer.began > outage.since and answer.ended < outage.until
            ]
            let_in = [a for a in asked if a.was_let_in and a.kind in outage.kinds]
            assert not let_in, f"let in during {outage}: {let_in[:3]}"
            self.counts.refused_while_away += sum(answer.was_turned_away for answer in asked)
            back_at, returned = self._when_back(outage), outage.returned or outage.until
            seconds.append(back_at - returned)
            given.append(self._load.machine.seconds(returned, back_at))
        if seconds:
            self.counts.seconds_to_recover = round(max(seconds), 2)
            # Only the time that the machine gave counts: what is promised is none of its load.
            assert max(given) <= BACK_SECONDS_MAX, (given, seconds)

    def _when_back(self, outage: Outage) -> float:
        """Find when the first text was taken after an outage, and the first yes said."""
        after = [a for a in self._load.answers if a.ended > outage.until and a.was_let_in]
        first = [
            min(answer.ended for answer in after if answer.kind == kind)
            for kind in ("send", "check")
        ]
        return max(first)


def closed_spans(words: list[Word]) -> list[tuple[int, float]]:
    """List from which to which place in the carrier's order of events nothing may leave."""
    spans: list[tuple[int, float]] = []
    since: int | None = None
    for word in words:
        if word.body in _LETS_IN and since is not None:
            spans.append((since, word.created))
            since = None
        elif word.body == "STOP" and since is None:
            since = word.acknowledged
    if since is not None:
        spans.append((since, float("inf")))
    return spans


def wait_until_all_is_over(site: Site) -> None:
    """Wait until every webhook has ended and no text waits or is in doubt."""
    eventually(
        lambda: all(hook["outcome"] != "pending" for hook in site.carrier.webhooks()),
        "every webhook has ended",
        seconds=120,
    )
    # A carrier that finds nobody for long enough gives a report up: that text stays sent.
    hooks = site.carrier.webhooks()
    given_up = {hook["sid"] for hook in hooks if hook["outcome"] in ("failed", "lost")}

    def list_left(status: str) -> list[JSON]:
        found = site.product.messages(status=status)
        return [message for message in found if message["carrier_message_id"] not in given_up]

    for status in _UNDER_WAY:
        eventually(lambda wanted=status: not list_left(wanted), f"no text is {status}", seconds=120)


def _seconds(written: Any) -> float:
    return datetime.fromisoformat(written).timestamp()


async def judge(site: Site, load: Load, fault: str) -> Counts:
    """End a load and judge it."""
    await load.end()
    return await asyncio.to_thread(lambda: Judge(site, load, fault).judge())
