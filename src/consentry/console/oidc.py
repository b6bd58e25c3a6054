"""OpenID Connect: the authorization code with PKCE, and an ID token that is checked whole.

Needs the extra `oidc`; nothing else imports this module but who found the setting for it.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from consentry.console.identity import Flow, Identity, ProviderFault
from consentry.ports import Clock

_ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
)
"""Signatures by a key of the provider's that only it has; never `none`, never a shared secret."""

_KEY_TYPES: Final = ("RSA", "EC")
_DISCOVERY: Final = "/.well-known/openid-configuration"
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_FRESH_SECONDS: Final = 300.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_ANSWER_BYTES_MAX: Final = 1_000_000
_LEEWAY_SECONDS: Final = 60
_SHOWN_MAX: Final = 80

JSONObject = dict[str, Any]


class OIDCProvider:
    """A provider as its own documents describe it; implements `IdentityProvider`."""

    def __init__(
        self,
        clock: Clock,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        label: str,
        takes_in: bool,
    ) -> None:
        """Take what the settings say; the provider is asked when somebody signs in."""
        self.label = label
        self.takes_in = takes_in
        self._clock = clock
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._metadata: JSONObject = {}
        self._read_at: float | None = None

    async def begin(self, flow: Flow, return_url: str) -> str:
        """Give the address to lead the browser to; raises `ProviderFault`."""
        metadata = await self._discover()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": return_url,
            "scope": "openid email profile",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": create_s256_code_challenge(flow.verifier),
            "code_challenge_method": "S256",
        }
        endpoint = str(metadata["authorization_endpoint"])
        joint = "&" if urlsplit(endpoint).query else "?"
        return f"{endpoint}{joint}{urlencode(query)}"

    async def finish(self, flow: Flow, return_url: str, answer: Mapping[str, str]) -> Identity:
        """Take what the browser brought back; raises `ProviderFault`."""
        self._check_answer(answer)
        metadata = await self._discover()
        # A provider that says whose answer it is must say its own name (RFC 9207).
        promised = metadata.get("authorization_response_iss_parameter_supported")
        if (promised or "iss" in answer) and answer.get("iss") != self._issuer:
            raise self._misfit("the answer is another provider's (iss)")
        tokens = await self._exchange(metadata, flow, return_url, answer["code"])
        claims = await self._read_id_token(metadata, tokens, flow.nonce)
        if "email" not in claims and "userinfo_endpoint" in metadata:
            claims = await self._read_userinfo(metadata, tokens, claims)
        return Identity(
            issuer=self._issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")),
            # Some providers write it as a word.
            is_email_verified=claims.get("email_verified") in {True, "true"},
            name=str(claims.get("name", "")),
        )

    def _check_answer(self, answer: Mapping[str, str]) -> None:
        error = answer.get("error", "")
        if error == "access_denied":
            raise ProviderFault(
                f"{self.label}: the sign-in was canceled there.", "canceled at the provider"
            )
        if error or not answer.get("code"):
            shown = error[:_SHOWN_MAX] or "no code"
            raise ProviderFault(
                f"{self.label} refused the sign-in ({shown}). Begin again; if it stays so, tell "
                "an admin.",
                f"the provider refused: {shown}",
            )

    def _misfit(self, why: str) -> ProviderFault:
        return ProviderFault(
            f"What {self.label} answered does not fit, so nobody was signed in. Begin again; "
            "if it stays so, tell an admin.",
            why,
        )

    async def _discover(self) -> JSONObject:
        """Read the provider's own description, again when it is some minutes old."""
        now_seconds = self._clock.monotonic()
        if self._read_at is not None and now_seconds - self._read_at < _FRESH_SECONDS:
            return self._metadata
        metadata = await self._ask("GET", self._issuer.rstrip("/") + _DISCOVERY)
        if metadata.get("issuer") != self._issuer:
            raise self._misfit("the provider has another issuer")
        scheme = urlsplit(self._issuer).scheme
        for name in _ENDPOINTS:
            found = urlsplit(str(metadata.get(name, ""))).scheme
            if found not in {"https", scheme}:
                raise self._misfit(f"the provider names no safe {name}")
        self._metadata, self._read_at = metadata, now_seconds
        return metadata

    async def _exchange(
        self, metadata: JSONObject, flow: Flow, return_url: str, code: str
    ) -> JSONObject:
        """Hand the code in for tokens, with the verifier that only we know."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_url,
            "code_verifier": flow.verifier,
        }
        headers = {}
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._client_secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in methods:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        return await self._ask("POST", str(metadata["token_endpoint"]), form=form, headers=headers)

    async def _read_id_token(
        self, metadata: JSONObject, tokens: JSONObject, nonce: str
    ) -> JSONObject:
        """Check signature, issuer, audience, times and nonce of the ID token."""
        supported = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
        known = await self._ask("GET", str(metadata["jwks_uri"]))
        try:
            token = jwt.decode(
                str(tokens.get("id_token", "")),
                KeySet.import_key_set({"keys": _signing_keys(known)}),
                registry=JWSRegistry(
                    algorithms=sorted(_ALGORITHMS.intersection(supported)),
                    strict_check_header=False,
                ),
            )
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                {
                    "nonce": nonce,
                    "client_id": self._client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            now = int(self._clock.now().timestamp())
            claims.validate(now=now, leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            name = getattr(error, "error", "") or type(error).__name__
            claim = getattr(error, "claim", "")
            raise self._misfit(f"the ID token is not good: {name} {claim}".rstrip()) from error
        return dict(token.claims)

    async def _read_userinfo(
        self, metadata: JSONObject, tokens: JSONObject, claims: JSONObject
    ) -> JSONObject:
        """Ask who it is, where the ID token does not say; it must be about the same person."""
        headers = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
        told = await self._ask("GET", str(metadata["userinfo_endpoint"]), headers=headers)
        if told.get("sub") != claims["sub"]:
            raise self._misfit("the user info is about somebody else")
        return claims | told

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JSONObject:
        """Ask the provider; raises `ProviderFault` where it does not answer, or not with JSON."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.request(
                    method,
                    url,
                    data=form,
                    headers={"Accept": "application/json", **(headers or {})},
                    allow_redirects=False,
                ) as response,
            ):
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > _ANSWER_BYTES_MAX:
                        raise self._misfit("the provider answered without end")
                return self._read_answer(bytes(body), response.status)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            why = f"the provider does not answer ({type(error).__name__})"
            raise ProviderFault(
                f"{self.label} does not answer. Try again in a minute, or sign in another way.", why
            ) from error

    def _read_answer(self, body: bytes, status: int) -> JSONObject:
        try:
            told = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            told = None
        if status == 200 and isinstance(told, dict):
            return told
        error = str(told.get("error", "")) if isinstance(told, dict) else ""
        raise self._misfit(f"the provider answered {status} {error[:_SHOWN_MAX]}".rstrip())


def _signing_keys(known: JSONObject) -> list[JSONObject]:
    """Pick the keys that can sign; the others of a set are for other things."""
    keys = known.get("keys")
    listed = keys if isinstance(keys, list) else []
    return [
        key
        for key in listed
        if isinstance(key, dict) and key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"
    ]
