"""What kinds of stories there are, how common each is, and how each goes."""

import math
from collections.abc import Callable
from random import Random  # noqa: TID251 - seeded, and handed on
from typing import Final

import msgspec

from consentry.cli.generate.player import Player
from consentry.cli.generate.texts import TEXTS
from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor, ActorKind

_READ_SHARE: Final = 0.2
_UNREAD_SHARE: Final = 0.1
_EXCHANGES_MAX: Final = 400
_MINUTE: Final = 60.0
CUSTOMER: Final = "cus_~0000000~"
"""Stands in for the id of the profile that has the number."""


class Cast(msgspec.Struct, frozen=True):
    """Who plays: the person with the sender, an agent, and how many exchanges they have."""

    player: Player
    agent: str
    exchanges: int
    random: Random

    def chat(self) -> None:
        """Write to each other; the person asks, the agent answers."""
        for _ in range(self.exchanges):
            self.player.wait(20, 8 * _MINUTE)
            self.player.text_us(self.random.choice(TEXTS.questions))
            self.player.wait(10, 4 * _MINUTE)
            self.player.text_them(self.random.choice(TEXTS.answers), self.agent)

    def put_away(self) -> None:
        """Leave the conversation as most are left: done; some only read, some unread."""
        chance = self.random.random()
        if chance >= _UNREAD_SHARE:
            self.player.wait(5, 3 * _MINUTE)
            self.player.mark(done=chance >= _UNREAD_SHARE + _READ_SHARE)


def _chat(cast: Cast) -> None:
    cast.chat()


def _chat_with_note(cast: Cast) -> None:
    cast.player.look_at(cast.agent, CUSTOMER)
    cast.chat()
    cast.player.note(cast.agent, cast.random.choice(TEXTS.notes))


def _agree_and_be_informed(cast: Cast) -> None:
    cast.player.agree(Purpose.INFORMATIONAL)
    cast.chat()
    for _ in range(cast.exchanges):
        cast.player.wait(_MINUTE, 120 * _MINUTE)
        cast.player.inform(cast.random.choice(TEXTS.updates), Purpose.INFORMATIONAL)


def _agree_to_offers(cast: Cast) -> None:
    cast.player.agree(Purpose.MARKETING)
    cast.chat()
    cast.player.wait(_MINUTE, 600 * _MINUTE)
    cast.player.inform(cast.random.choice(TEXTS.offers), Purpose.MARKETING)


def _offer_and_stop(cast: Cast) -> None:
    _agree_to_offers(cast)
    cast.player.wait(20, 30 * _MINUTE)
    cast.player.text_us(cast.random.choice(TEXTS.stops))
    cast.player.wait(_MINUTE, 90 * _MINUTE)
    cast.player.inform(cast.random.choice(TEXTS.offers), Purpose.MARKETING)


def _chat_and_stop(cast: Cast) -> None:
    cast.chat()
    cast.player.wait(20, 30 * _MINUTE)
    cast.player.text_us(cast.random.choice(TEXTS.stops))
    cast.player.wait(10, 20 * _MINUTE)
    cast.player.text_them(cast.random.choice(TEXTS.answers), cast.agent)


def _say_stop_in_words(cast: Cast) -> None:
    cast.chat()
    cast.player.wait(20, 30 * _MINUTE)
    cast.player.text_us(cast.random.choice(TEXTS.meant_stops))


def _wrong_number(cast: Cast) -> None:
    cast.player.text_us(cast.random.choice(TEXTS.wrong_numbers))


def _stop_and_start(cast: Cast) -> None:
    _chat_and_stop(cast)
    cast.player.wait(_MINUTE, 300 * _MINUTE)
    cast.player.text_us("START")
    cast.chat()


def _ask_for_help(cast: Cast) -> None:
    cast.player.text_us("HELP")
    cast.chat()


def _carrier_refuses(cast: Cast) -> None:
    cast.chat()
    cast.player.wait(_MINUTE, 60 * _MINUTE)
    cast.player.be_refused(cast.random.choice(TEXTS.answers), cast.agent)


def _suppressed_by_agent(cast: Cast) -> None:
    cast.chat()
    cast.player.suppress(Actor(ActorKind.AGENT, cast.agent), "asked on the phone")


def _suppressed_by_import(cast: Cast) -> None:
    cast.player.suppress(Actor(ActorKind.IMPORT, "imp_generated"), "old system")


class Script(msgspec.Struct, frozen=True):
    """A kind of story: of a thousand people who text, so many have one of this kind."""

    play: Callable[[Cast], None]
    of_a_thousand: int


SCRIPTS: Final = (
    Script(_chat, 690),
    Script(_chat_with_note, 60),
    Script(_agree_and_be_informed, 90),
    Script(_agree_to_offers, 60),
    Script(_chat_and_stop, 26),
    Script(_offer_and_stop, 16),
    Script(_say_stop_in_words, 7),
    Script(_wrong_number, 3),
    Script(_stop_and_start, 10),
    Script(_ask_for_help, 18),
    Script(_carrier_refuses, 6),
    Script(_suppressed_by_agent, 6),
    Script(_suppressed_by_import, 8),
)


def draw_exchanges(mean: float, random: Random) -> int:
    """Draw how often they go back and forth: most seldom, few very often; at least once."""
    if mean <= 1:
        return 1
    chance = 1 - 1 / mean
    return min(_EXCHANGES_MAX, 1 + int(math.log(1 - random.random()) / math.log(chance)))
