"""Who is signed in at the console: the cookie, the session behind it, a token for every form."""

import hashlib
import hmac
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from consentry.actions.sign_in import Opening, hash_sign_in_secret
from consentry.domain.agents import Agent
from consentry.ports import Clock, Session, Store

_COOKIE: Final = "consentry_session"
_SECRET_BYTES: Final = 32
_SECRET_CHARACTERS_MAX: Final = 64


def client_address(request: Request) -> str:
    """Tell where a request comes from; the server has put a trusted proxy's word in its place."""
    return "" if request.client is None else request.client.host


class Sessions:
    """Sessions as the store keeps them: good in every process, and after a restart."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        secret_key: str,
        session_seconds: int,
        public_url: str | None = None,
    ) -> None:
        """Take what is needed; keys for tokens are derived from the server's secret key."""
        self._store = store
        self._clock = clock
        self._secret_key = secret_key.encode()
        self._form_key = self.derive_key("form token")
        self._session_seconds = session_seconds
        self._public_url = public_url

    def derive_key(self, purpose: str) -> bytes:
        """Derive a key for one purpose from the server's secret key."""
        return hmac.digest(self._secret_key, f"console {purpose}".encode(), hashlib.sha256)

    def is_secure(self, request: Request) -> bool:
        """Tell whether people reach us over TLS, here or at a proxy before us."""
        behind_tls = self._public_url is not None and self._public_url.startswith("https://")
        return request.url.scheme == "https" or behind_tls

    def cookie_name(self, request: Request, name: str = _COOKIE) -> str:
        """Name a cookie; over TLS so that no other host or path can set it (`__Host-`)."""
        return f"__Host-{name}" if self.is_secure(request) else name

    def prepare(self, request: Request) -> tuple[str, Opening]:
        """Make the secret of a new session, and what is written of it."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        opening = Opening(
            id=hash_sign_in_secret(secret),
            seconds=self._session_seconds,
            address=client_address(request),
            user_agent=request.headers.get("user-agent", ""),
        )
        return secret, opening

    def hand_out(self, response: Response, request: Request, secret: str) -> None:
        """Give the browser the secret of its session.

        Lax, not strict: with strict, a link to a customer from a mail or a ticket would lead to
        the sign-in page. No request that changes anything is let through from elsewhere.
        """
        self.set_cookie(response, request, _COOKIE, secret, seconds=self._session_seconds)

    def take_back(self, response: Response, request: Request) -> None:
        """Tell the browser to forget its session."""
        self.set_cookie(response, request, _COOKIE, "", seconds=0)

    def set_cookie(
        self, response: Response, request: Request, name: str, value: str, *, seconds: int
    ) -> None:
        """Set a cookie that scripts cannot read and that other sites' forms do not carry."""
        response.set_cookie(
            self.cookie_name(request, name),
            value,
            max_age=seconds,
            httponly=True,
            samesite="lax",
            secure=self.is_secure(request),
        )

    async def find(self, request: Request) -> tuple[Session, Agent] | None:
        """Find the open session of a request, with its agent, as they are stored now."""
        secret = request.cookies.get(self.cookie_name(request), "")
        if not 0 < len(secret) <= _SECRET_CHARACTERS_MAX:
            return None
        known = await self._store.read_signed_in(hash_sign_in_secret(secret))
        if known is None:
            return None
        session, agent = known
        return known if session.lets_in(agent, self._clock.now()) else None

    def form_token(self, session_id: str) -> str:
        """Make the token that every form of this session carries."""
        return hmac.digest(self._form_key, session_id.encode(), hashlib.sha256).hex()

    def is_form_token(self, session_id: str, token: str) -> bool:
        """Tell whether a form was made for this session."""
        given = token.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(self.form_token(session_id).encode(), given)
