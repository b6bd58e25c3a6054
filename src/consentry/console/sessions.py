"""Who is signed in at the console: one-time links, sessions, and a token for every form."""

import hashlib
import hmac
import secrets
from typing import Final

from consentry.ports import Clock

SESSION_COOKIE: Final = "consentry_session"
_LINK_SECONDS: Final = 3600.0
_SESSION_SECONDS: Final = 12 * 3600.0


class Sessions:
    """Sessions of this process; they end with it, and a link works once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: dict[str, float] = {}
        self._sessions: dict[str, float] = {}
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
        session = secrets.token_urlsafe(32)
        self._sessions[session] = self._clock.monotonic() + _SESSION_SECONDS
        return session

    def is_open(self, session: str | None) -> bool:
        """Tell whether a session is good now."""
        if session is None:
            return False
        good_until = self._sessions.get(session)
        return good_until is not None and good_until >= self._clock.monotonic()

    def form_token(self, session: str) -> str:
        """Make the token that every form of this session carries."""
        return hmac.new(self._form_key, session.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, session: str, token: str) -> bool:
        """Tell whether a form was made for this session."""
        return hmac.compare_digest(self.form_token(session), token)
