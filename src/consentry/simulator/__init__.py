"""A carrier and its handsets, simulated: an independent witness.

`build_simulator(config).app` is an ASGI application; `run` serves it; `running_simulator` serves
it in a thread for tests. It speaks Twilio's REST interface and signed webhooks, and keeps its own
blocks by its own reading of the carriers' rules.
"""

from consentry.simulator.server import Simulator, build_simulator, run, running_simulator
from consentry.simulator.values import (
    Account,
    AdvancedOptOut,
    Sender,
    SenderKind,
    Service,
    SimulatorConfig,
)

__all__ = [
    "Account",
    "AdvancedOptOut",
    "Sender",
    "SenderKind",
    "Service",
    "Simulator",
    "SimulatorConfig",
    "build_simulator",
    "run",
    "running_simulator",
]
