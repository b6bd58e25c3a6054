"""What the specification promises, told independently of the code: lists of what people said.

Nothing here imports a rule of the product or keeps a state that is moved along. Whether an opt-out
still stands is asked of the list of words, each time anew.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

WITHIN = timedelta(minutes=5)
AHEAD = timedelta(minutes=1)
"""How far ahead of our clock a carrier's time is believed (ADR 13)."""

PER_SE = {
    *("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL"),
    *("END", "QUIT", "REVOKE", "OPTOUT"),
}
MEANT = {"stop.", "stopp", "please stop texting me", "unsubscribe me"}
OUR_LIST = {"START", "UNSTOP", "YES"}
LAYERS = ("ours", "provider", "network")


@dataclass(frozen=True)
class Number:
    """One of our numbers; what its carrier does with words depends on kind and service."""

    number: str
    kind: str
    brand: str
    service: str | None = None

    def key(self, layer: str) -> tuple[str, str]:
        """Name what a block in a layer covers: the provider blocks a whole service."""
        return self._keys[layer]

    @cached_property
    def _keys(self) -> dict[str, tuple[str, str]]:
        keys = {layer: (self.number, layer) for layer in LAYERS}
        if self.service is not None:
            keys["provider"] = self.service, "provider"
        return keys


@dataclass(frozen=True)
class Said:
    """A word of a person to one of our numbers: it closes or opens some layers there.

    `turn` counts arrivals, `heard` is our clock at its arrival, `sent` the carrier's time or None.
    """

    turn: int
    opts_out: bool
    number: Number
    layers: frozenset[str]
    heard: datetime
    sent: datetime | None = None

    @property
    def shown(self) -> datetime:
        """When it counts from: the carrier's time, but never one still to come."""
        return self.heard if self.sent is None else min(self.sent, self.heard)

    @cached_property
    def keys(self) -> frozenset[tuple[str, str]]:
        """What it closes or opens."""
        return frozenset(self.number.key(layer) for layer in self.layers)

    def is_after(self, turn: int, sent: datetime | None) -> bool:
        """Order by the carrier's time where it gives one for both, else by arrival."""
        if self.sent is not None and sent is not None:
            return self.sent > sent
        return self.turn > turn

    def is_surely_after(self, other: "Said") -> bool:
        """Tell whether it came after another word, whichever of two clocks is wrong."""
        if not self.is_after(other.turn, other.sent):
            return False
        believed = self.believed
        if believed is None:
            return True
        return believed > other.heard and (other.sent is None or believed > other.sent)

    @property
    def believed(self) -> datetime | None:
        """The carrier's time as far as our clock lets it be believed; None without one."""
        return None if self.sent is None else min(self.sent, self.heard + AHEAD)


@dataclass(frozen=True)
class Told:
    """Something an agent wrote down: a grant, a withdrawal of a program, or "never text me".

    `brand` None: of every brand. `until`: when a grant runs out. `word`: a grant that the person
    texted themselves is ordered as any other word of theirs, whatever our clock says.
    """

    turn: int
    at: datetime
    brand: str | None = None
    until: datetime | None = None
    word: Said | None = None


@dataclass
class Person:
    """Everything one person ever said or had written down."""

    words: list[Said] = field(default_factory=list)
    never: list[Told] = field(default_factory=list)
    written: list[Told] = field(default_factory=list)
    withdrawn: list[Told] = field(default_factory=list)
    confirmed: dict[str, int] = field(default_factory=dict)
    held_by_company: bool = False

    def copy(self) -> "Person":
        """Copy the lists, whose items never change."""
        return Person(
            list(self.words),
            list(self.never),
            list(self.written),
            list(self.withdrawn),
            dict(self.confirmed),
            self.held_by_company,
        )

    def _opt_ins(self, number: Number | None = None) -> list[Said]:
        return [w for w in self.words if not w.opts_out and number in (None, w.number)]

    def closing(self, number: Number, layer: str) -> list[Said]:
        """List the opt-outs that hold a layer closed: no newer opt-in has opened it."""
        key = number.key(layer)
        closers = [w for w in self.words if w.opts_out and key in w.keys]
        if not closers:
            return closers
        openers = [w for w in self._opt_ins() if key in w.keys]
        return [w for w in closers if not any(o.is_after(w.turn, w.sent) for o in openers)]

    def doubtful(self, number: Number) -> list[Said]:
        """List the opt-outs of ours that may be held to stand still.

        Where the carrier timed only the opt-in, and not after the opt-out arrived, nobody knows
        which came first: the opt-out may then be taken to stand. So it may where the carrier's
        clock is ahead of ours, and the opt-in is not after the opt-out by both; or not after an
        older opt-out, whose time is the newest that is known of the two.
        """
        backs = [b for b in self._opt_ins(number) if "ours" in b.layers]
        closers = [w for w in self.words if w.opts_out and number.key("ours") in w.keys]
        backs = [b for b in backs if not any(_is_passed_by(b, w) for w in closers)]
        return [w for w in closers if not any(b.is_surely_after(w) for b in backs)]

    def is_revoked(self, number: Number) -> bool:
        """Tell whether anything the person said forbids a text from this number."""
        outs = [w for w in self.words if w.opts_out]
        if not outs and not self.never:
            return False
        if outs and any(self.closing(number, layer) for layer in LAYERS):
            return True
        back = self._opt_ins(number)
        gone = [w for w in outs if w.number == number]
        if any(not any(b.is_after(w.turn, w.sent) for b in back) for w in gone):
            return True
        covering = [t for t in self.never if t.brand in (None, number.brand)]
        return any(not any(b.turn > told.turn for b in back) for told in covering)

    def may_market(self, brand: str, now: datetime | None = None) -> bool:
        """Tell whether a written grant is newer than all that revokes marketing of a brand.

        With `now` it must not have run out by then.
        """
        return any(
            grant.brand in (None, brand)
            and not (now is not None and grant.until is not None and grant.until <= now)
            and not self._is_outweighed(grant, brand)
            for grant in self.written
        )

    def _is_outweighed(self, grant: Told, brand: str) -> bool:
        told = [t for t in (*self.never, *self.withdrawn) if t.brand in (None, brand)]
        outs = [w for w in self.words if w.opts_out and w.number.brand == brand]
        if grant.word is not None:
            yes = grant.word
            newer = [w for w in outs if w.is_after(yes.turn, yes.sent)]
            # Where the two were timed by different clocks, the opt-out may be the older by them.
            doubted = [w for w in newer if w.sent and w.sent + AHEAD < grant.at <= w.heard]
            return len(newer) > len(doubted) or any(t.turn > grant.turn for t in told)
        if any(t.turn > grant.turn or t.at >= grant.at for t in told):
            return True
        for word in outs:
            later = word.turn > grant.turn
            if word.shown >= grant.at or (later and (word.sent or grant.at) >= grant.at):
                return True
        return False

    def may_confirm(self, number: Number, now: datetime) -> bool:
        """Tell whether an opt-out of ours alone may be confirmed now, for the first time (I2)."""
        ours = self.doubtful(number)
        others = [w for layer in ("provider", "network") for w in self.closing(number, layer)]
        fresh = any(timedelta() <= now - w.shown <= WITHIN for w in ours)
        last = self.confirmed.get(number.number)
        came_back = last is None or any(w.turn > last for w in self._opt_ins(number))
        return fresh and not others and came_back


def _is_passed_by(back: Said, out: Said) -> bool:
    """Tell whether an opt-out that came before has a time after all that is believed of this."""
    if back.believed is None or out.sent is None or out.turn > back.turn:
        return False
    return out.sent >= back.believed


def read_word(body: str, number: Number, person: Person) -> tuple[bool, frozenset[str]] | None:
    """Read a text as an opt-out (True) or an opt-in (False) with its layers, or as neither.

    On our own list YES is an opt-in where something stands, or may stand, that it could lift;
    what the company itself ever did to the person is taken as such.
    """
    word = body.strip().upper()
    by_carrier = number.kind != "short_code"
    toll_free = number.kind == "toll_free"
    if word in PER_SE and by_carrier:
        both = toll_free and word == "STOP"
        return True, frozenset({"provider", "network"} if both else {"provider"})
    if word in PER_SE or body.strip().lower() in MEANT:
        return True, frozenset({"ours"})
    if by_carrier and (word in ("START", "UNSTOP") or (word == "YES" and not toll_free)):
        return False, frozenset(LAYERS if toll_free else ("provider", "ours"))
    others = [w for layer in ("provider", "network") for w in person.closing(number, layer)]
    stands = person.is_revoked(number) or person.doubtful(number) or person.held_by_company
    if word in OUR_LIST and not others and (word != "YES" or stands):
        return False, frozenset({"ours"})
    return None
