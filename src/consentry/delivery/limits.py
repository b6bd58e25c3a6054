"""How long things may take on the way to a carrier. The order of these times is what makes it safe.

A text is handed over at most `hand_over_seconds` after its claim began, and after the last renewal
of its process's lease began, by that process's own clock. Its carrier's answer is waited for until
`flight_seconds` after the earlier of the two, and no longer: then nothing of it is under way. Who
must know that, and cannot ask, waits longer than that by a clock of their own: `quiet_seconds`
before an opt-out is acknowledged, `dead_seconds` before somebody else's lease is ended.
"""

import msgspec


class Portion(msgspec.Struct, frozen=True):
    """How much of a large send is done at once; whoever opts out meanwhile waits for it.

    `claims` is how many texts share a batch of the store, and `starts` how many begin on their way
    in one turn of the event loop.
    """

    claims: int
    starts: int


class Limits(msgspec.Struct, frozen=True):
    """Bounds of the loop.

    `submit_seconds` is a little more than a carrier gives itself, so that its own answer comes
    first. `quiet_seconds` is more than that, and less than the 15 s a carrier waits for the answer
    to a webhook. `stop_seconds` is how long texts under way are waited for when a server stops.

    A large send goes on in `small` portions for `pressed_seconds` after each command of somebody
    who waits at a door, and else in `large` ones, which cost less.

    Programs are told `tells` things at a time, each server of them no more than
    `tells_per_server`; every `tell_seconds` it is looked for more. What could not be told is kept
    `failed_days`.
    """

    flights: int = 50
    small: Portion = Portion(claims=16, starts=4)
    large: Portion = Portion(claims=50, starts=50)
    pressed_seconds: float = 0.05
    submit_seconds: float = 10.5
    hand_over_seconds: float = 6.0
    flight_seconds: float = 11.8
    quiet_seconds: float = 12.0
    dead_seconds: float = 13.0
    beat_seconds: float = 1.0
    sweep_seconds: float = 2.0
    stop_seconds: float = 12.0
    idle_seconds: float = 1.0
    listen_seconds: float = 0.05
    resolve_seconds_max: float = 10.0
    forget_seconds: float = 0.25
    forget_anew_seconds: float = 60.0
    retry_seconds: float = 0.05
    retry_seconds_max: float = 2.0
    alarm_seconds: float = 60.0
    tells: int = 64
    tells_per_server: int = 8
    tell_seconds: float = 0.2
    failed_days: int = 30


LIMITS = Limits()
