"""Who is signed in at the console: one-time links, sessions, and a token for every form."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Final

from starlette.requests import Request

from consentry.domain.agents import Agent, Role
from consentry.ports import Clock, Session

SESSION_COOKIE: Final = "consentry_session"
_LINK_SECONDS: Final = 3600.0
_SESSION: Final = timedelta(hours=12)


class Sessions:
    """Sessions of this process; they end with it, and a link works once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: dict[str, float] = {}
        self._sessions: dict[str, Session] = {}
        self._form_key = secrets.token_bytes(32)

    def make_link_token(self) -> str:
        """Make the secret part of a sign-in link."""
        token = secrets.token_urlsafe(32)
        self._links[token] = self._clock.monotonic() + _LINK_SECONDS
        return token

    def redeem(self, token: str) -> str | None:
        """Take a link's token, once, and return a new session, or None where it is not good."""
        good_until = self._links.pop(token, None)
        if good_until is None or good_until < self._clock.monotonic():
            return None
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        self._sessions[secret] = Session(
            id=secret, agent="agent", created_at=now, expires_at=now + _SESSION
        )
        return secret

    async def find(self, request: Request) -> tuple[Session, Agent] | None:
        """Find the open session of a request, with its agent."""
        session = self._sessions.get(request.cookies.get(SESSION_COOKIE, ""))
        now = self._clock.now()
        if session is None or not session.is_open(now):
            return None
        agent = Agent("agent", "agent@localhost", "Agent", Role.ADMIN, session.created_at)
        return session, agent

    def form_token(self, session_id: str) -> str:
        """Make the token that every form of this session carries."""
        return hmac.new(self._form_key, session_id.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, session_id: str, token: str) -> bool:
        """Tell whether a form was made for this session."""
        return hmac.compare_digest(self.form_token(session_id), token)
