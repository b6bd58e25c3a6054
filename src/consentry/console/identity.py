"""What signing in through an identity provider needs of the provider, and what can go wrong."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in on its way: what the provider must bring back, and what only we know."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def derive(cls, key: bytes, secret: str) -> "Flow":
        """Derive all three from one secret, so that the browser need keep no more than that."""

        def derive(part: str) -> str:
            return hmac.digest(key, f"{part} {secret}".encode(), hashlib.sha256).hex()

        return cls(state=derive("state"), nonce=derive("nonce"), verifier=derive("verifier"))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str

    @property
    def known_as(self) -> str:
        """The subject as it is kept with an agent: unique among all providers."""
        return f"{self.issuer} {self.subject}"


class ProviderFault(Exception):
    """Nobody was signed in: the message is for people, `why` for the audit."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class IdentityProvider(Protocol):
    """A company's own sign-in."""

    @property
    def label(self) -> str:
        """What people call it; it stands on the button."""

    @property
    def takes_in(self) -> bool:
        """Tell whether people it knows become agents, without access, when they first come."""

    async def begin(self, flow: Flow, return_url: str) -> str:
        """Give the address to lead the browser to; raises `ProviderFault`."""

    async def finish(self, flow: Flow, return_url: str, answer: Mapping[str, str]) -> Identity:
        """Take what the browser brought back; raises `ProviderFault`."""
