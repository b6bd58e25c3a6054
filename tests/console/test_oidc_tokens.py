"""What a provider may get wrong, or an attacker try: none of it signs anybody in."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from consentry.clock import SystemClock
from consentry.console.identity import Flow, Identity, ProviderFault
from consentry.console.oidc import OIDCProvider

pytestmark = pytest.mark.integration

CLIENT_ID = "consentry"
RETURN_URL = "https://console.example/console/sign-in/provider/return"
SECRET = "the secret"
FLOW = Flow.derive(b"key", "secret")
RSA_KEY = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC_KEY = ECKey.generate_key("P-256", {"kid": "ec"})
Claims = dict[str, Any]


@dataclass
class FakeProvider:
    """A provider on loopback that says whatever a test wants it to."""

    issuer: str = ""
    metadata: Claims = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)
    header: Claims = field(default_factory=lambda: {"alg": "RS256", "kid": "rsa"})
    key: RSAKey | ECKey = field(default_factory=lambda: RSA_KEY)
    sign: Callable[[Claims, Claims], str] | None = None
    keys: list[Claims] = field(
        default_factory=lambda: [
            {"kty": "strange", "kid": "other"},
            RSA_KEY.as_dict(private=False),
            EC_KEY.as_dict(private=False),
        ]
    )
    answer: web.Response | None = None
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def app(self) -> web.Application:
        """Build its pages."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.describe)
        app.router.add_get("/jwks", self.show_keys)
        app.router.add_get("/me", self.show_user)
        app.router.add_post("/token", self.give_token)
        return app

    async def describe(self, request: web.Request) -> web.StreamResponse:
        del request
        if self.answer is not None:
            return self.answer
        described = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }
        return web.json_response(described | self.metadata)

    async def show_keys(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"keys": self.keys})

    async def show_user(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer access"
        return web.json_response({"sub": "ada", "email": "ada@example.org"})

    async def give_token(self, request: web.Request) -> web.Response:
        self.forms.append({k: str(v) for k, v in (await request.post()).items()})
        self.headers.append(dict(request.headers))
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "ada",
            "aud": CLIENT_ID,
            "exp": now + 60,
            "iat": now,
            "nonce": FLOW.nonce,
            "email": "ada@example.org",
            "email_verified": True,
            "name": "Ada",
        } | self.claims
        kept = {name: value for name, value in claims.items() if value is not None}
        sign = self.sign or self._sign
        return web.json_response({"id_token": sign(self.header, kept), "access_token": "access"})

    def _sign(self, header: Claims, claims: Claims) -> str:
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    """A provider that does everything right until it is told otherwise."""
    provider = FakeProvider()
    runner = web.AppRunner(provider.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield provider
    await runner.cleanup()


def build(issuer: str, secret: str | None = SECRET) -> OIDCProvider:
    """Our side of it."""
    return OIDCProvider(
        SystemClock(),
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret=secret,
        label="Company sign-in",
        takes_in=False,
    )


async def finish(fake: FakeProvider, secret: str | None = SECRET, **more: str) -> Identity:
    """Come back with a code."""
    answer = {"code": "the code", "state": FLOW.state, **more}
    return await build(fake.issuer, secret).finish(FLOW, RETURN_URL, answer)


async def test_a_good_token_says_who_it_is(fake: FakeProvider) -> None:
    """By RSA or elliptic curve, for us alone or for us among others."""
    expected = Identity(fake.issuer, "ada", "ada@example.org", is_email_verified=True, name="Ada")
    assert await finish(fake) == expected
    assert expected.known_as == f"{fake.issuer} ada"
    fake.header, fake.key = {"alg": "ES256", "kid": "ec"}, EC_KEY
    assert await finish(fake) == expected
    fake.claims = {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID, "email_verified": "true"}
    assert await finish(fake, iss=fake.issuer) == expected


async def test_the_way_there_names_what_must_come_back(fake: FakeProvider) -> None:
    """Code flow with PKCE, state and nonce, and the page to come back to; no secret in it."""
    address = await build(fake.issuer).begin(FLOW, RETURN_URL)
    assert address.startswith(f"{fake.issuer}/authorize?tenant=1&response_type=code")
    for part in (f"state={FLOW.state}", f"nonce={FLOW.nonce}", "code_challenge_method=S256"):
        assert part in address
    assert FLOW.verifier not in address
    assert "secret" not in address
    await finish(fake)
    assert fake.forms[-1]["code_verifier"] == FLOW.verifier
    assert fake.forms[-1]["redirect_uri"] == RETURN_URL


async def test_our_secret_is_given_in_the_way_that_the_provider_takes(fake: FakeProvider) -> None:
    """In the header, in the form where it only takes that, or none where we have none."""
    await finish(fake)
    assert fake.headers[-1]["Authorization"] == "Basic Y29uc2VudHJ5OnRoZSUyMHNlY3JldA=="
    fake.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await finish(fake)
    assert fake.forms[-1]["client_secret"] == SECRET
    await finish(fake, secret=None)
    assert fake.forms[-1]["client_id"] == CLIENT_ID
    assert "client_secret" not in fake.forms[-1]


def unsigned(header: Claims, claims: Claims) -> str:
    """A token that says of itself that it needs no signature."""
    del header
    payload = jwt.encode({"alg": "RS256"}, claims, RSA_KEY).split(".")[1]
    return f"eyJhbGciOiJub25lIn0.{payload}."


def keyed_by_the_public_key(header: Claims, claims: Claims) -> str:
    """A token signed with what everybody knows, as if it were a shared secret."""
    public = msgspec.json.encode(RSA_KEY.as_dict(private=False))
    shared = OctKey.import_key(public)
    return jwt.encode({**header, "alg": "HS256"}, claims, shared, algorithms=["HS256"])


@pytest.mark.parametrize(
    "changes",
    [
        {"claims": {"iss": "https://other.example"}},
        {"claims": {"iss": None}},
        {"claims": {"aud": "another client"}},
        {"claims": {"aud": ["another client"]}},
        {"claims": {"aud": None}},
        {"claims": {"aud": [CLIENT_ID, "other"]}},
        {"claims": {"aud": [CLIENT_ID, "other"], "azp": "other"}},
        {"claims": {"exp": 1}},
        {"claims": {"exp": None}},
        {"claims": {"exp": "soon"}},
        {"claims": {"nbf": 9_999_999_999}},
        {"claims": {"iat": None}},
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"sub": None}},
        {"claims": {"at_hash": "not of this access token"}},
        {"key": OTHER_KEY},
        {"header": {"alg": "RS256", "kid": "unknown"}},
        {"sign": unsigned},
        {"sign": keyed_by_the_public_key},
        {"sign": lambda _header, _claims: "no token"},
        {"sign": lambda _header, _claims: ""},
        {"keys": []},
        {"keys": [{"kty": "RSA", "kid": "rsa"}]},
    ],
    ids=[
        "another issuer",
        "no issuer",
        "another audience",
        "a list of another audience",
        "no audience",
        "two audiences and no party",
        "two audiences and another party",
        "expired",
        "no expiry",
        "an expiry that is no time",
        "not good yet",
        "no time of issue",
        "another nonce",
        "no nonce",
        "no subject",
        "another access token",
        "another key",
        "an unknown key id",
        "unsigned",
        "keyed by the public key",
        "no token",
        "an empty token",
        "no keys known",
        "a key that is none",
    ],
)
async def test_a_token_that_is_not_good_signs_nobody_in(
    fake: FakeProvider, changes: dict[str, Any]
) -> None:
    """Signature, issuer, audience, times, nonce: each must hold, and the audit is told which."""
    for name, value in changes.items():
        setattr(fake, name, value)
    with pytest.raises(ProviderFault) as fault:
        await finish(fake)
    assert "nobody was signed in" in str(fault.value)
    assert fault.value.why.startswith("the ID token is not good: ")


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"issuer": "https://other.example"}, "another issuer"),
        ({"token_endpoint": "ftp://x"}, "no safe token_endpoint"),
        ({"jwks_uri": None}, "no safe jwks_uri"),
        ({"jwks_uri": "https://127.0.0.1:1/jwks"}, "does not answer"),
        ({"token_endpoint": "http://127.0.0.1:1/token"}, "does not answer"),
        ({"authorization_response_iss_parameter_supported": True}, "another provider's (iss)"),
    ],
)
async def test_a_description_that_does_not_fit_is_refused(
    fake: FakeProvider, metadata: Claims, why: str
) -> None:
    """Another issuer's, endpoints that are not there or not safe."""
    fake.metadata = metadata
    with pytest.raises(ProviderFault) as fault:
        await finish(fake)
    assert why in fault.value.why


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500),
        web.Response(status=302, headers={"location": "http://127.0.0.1:1/"}),
        web.Response(text="not json"),
        web.Response(body=b"\xff\xfe"),
        web.json_response(["a list"]),
        web.Response(body=b"x" * 2_000_000),
    ],
    ids=["error", "elsewhere", "text", "bytes", "list", "endless"],
)
async def test_what_is_no_description_is_refused(fake: FakeProvider, answer: web.Response) -> None:
    """Whatever comes in its place."""
    fake.answer = answer
    with pytest.raises(ProviderFault):
        await build(fake.issuer).begin(FLOW, RETURN_URL)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"error": "access_denied"}, "was canceled there"),
        ({"error": "server_error"}, "(server_error)"),
        ({"error": "x" * 500}, f"({'x' * 80})"),
        ({}, "(no code)"),
    ],
)
async def test_an_answer_without_a_code_is_told(
    fake: FakeProvider, answer: dict[str, str], told: str
) -> None:
    """What the provider said stands in it, cut short."""
    with pytest.raises(ProviderFault) as fault:
        await build(fake.issuer).finish(FLOW, RETURN_URL, answer)
    assert told in str(fault.value)


async def test_user_info_is_asked_for_what_the_token_lacks(fake: FakeProvider) -> None:
    """About the same person only; what is not verified is not."""
    fake.metadata = {"userinfo_endpoint": f"{fake.issuer}/me"}
    fake.claims = {"email": None, "email_verified": None}
    identity = await finish(fake)
    assert (identity.email, identity.is_email_verified) == ("ada@example.org", False)
    fake.claims = {"email": None, "sub": "eve"}
    with pytest.raises(ProviderFault) as fault:
        await finish(fake)
    assert "about somebody else" in fault.value.why


async def test_the_description_is_read_again_after_a_while(fake: FakeProvider) -> None:
    """A provider that is asked often is not asked for it each time."""
    ours = build(fake.issuer)
    first = await ours.begin(FLOW, RETURN_URL)
    fake.answer = web.Response(status=500)
    assert await ours.begin(FLOW, RETURN_URL) == first


SERVE = """
import sys
{before}
sys.argv = ["consentry", "serve", "--port", "0"]
from consentry.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("before", "client_id", "told"),
    [
        ("", "", "CONSENTRY_OIDC_CLIENT_ID is not"),
        ("sys.modules['authlib'] = None", CLIENT_ID, "pip install 'consentry[oidc]'"),
    ],
)
def test_a_server_that_cannot_reach_its_provider_says_what_is_missing(
    tmp_path: Path, before: str, client_id: str, told: str
) -> None:
    """A setting, or the extra: in one sentence, before anything is served."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    done = subprocess.run(
        [sys.executable, "-c", SERVE.format(before=before)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={
            **environment,
            "CONSENTRY_OIDC_ISSUER": "https://idp.example.org",
            "CONSENTRY_OIDC_CLIENT_ID": client_id,
        },
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
