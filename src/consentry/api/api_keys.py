"""API keys: made with a secret that is shown once, listed, revoked."""

import asyncio
import secrets
from datetime import datetime
from typing import Annotated, Final

import msgspec

from consentry.actions.administer import SaveKey, revoked
from consentry.actions.make_key import ACCOUNT_BYTES, SECRET_BYTES, make_account, make_key
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK
from consentry.api.problems import Problem
from consentry.ports import APIKey, Rejected, Scope, StoreUnavailable

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make: what it is for, and what it may do (`admin` may do everything).

    `twilio`: it is an account sid and an auth token, for programs that speak with Twilio. `brands`:
    it is good for these alone, and does not see that there are others; none is every brand.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=20)]
    twilio: bool = False
    brands: Annotated[tuple[_Id, ...], msgspec.Meta(max_length=100)] = ()


class KeyView(msgspec.Struct, frozen=True):
    """A key without its secret; `prefix` is the beginning of the secret.

    `account_sid`: of a key for the Twilio-compatible door. `brands`: those that it is limited to.
    """

    id: str
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    account_sid: str | None
    brands: tuple[str, ...]


class NewKeyAnswer(KeyView, frozen=True):
    """A new key with its secret, which is shown this once and kept nowhere.

    At the Twilio-compatible door the secret is the auth token.
    """

    secret: str


def _view(key: APIKey) -> KeyView:
    return KeyView(
        key.id,
        key.name,
        key.prefix,
        key.scopes,
        key.created_at,
        key.last_used_at,
        key.revoked_at,
        key.account_sid,
        key.brands,
    )


async def list_keys(call: Call[None, None]) -> Answer:
    """List the keys, revoked ones too."""
    return Answer(whole([_view(key) for key in await call.services.store.read_keys()]))


async def create_key(call: Call[NewKey, None]) -> Answer:
    """Make a key."""
    services, twilio = call.services, call.body.twilio
    make = make_account if twilio else make_key
    secret, key = make(
        call.body.name,
        call.body.scopes,
        secret_key=services.secret_key,
        randomness=secrets.token_bytes(ACCOUNT_BYTES if twilio else SECRET_BYTES),
        now=services.clock.now(),
    )
    key = msgspec.structs.replace(key, brands=tuple(dict.fromkeys(call.body.brands)))
    made = await services.store.submit(SaveKey(key, call.actor))
    call.keys.note_new()
    shown = NewKeyAnswer(**msgspec.structs.asdict(_view(made)), secret=secret)
    return Answer(shown, status=201)


async def revoke_key(call: Call[None, None]) -> Answer:
    """Revoke a key: it is refused from this moment on, by all processes when this is answered."""
    key = await _find_key(call)
    if call.key is not None and key.id == call.key.id:
        raise Problem(
            "own_key", "This is the key you are calling with. Revoke it with another one."
        )
    call.keys.drop(key.id)
    if key.revoked_at is not None:
        return Answer(status=204)
    gone = revoked(key, call.services.clock.now())
    try:
        await call.services.store.submit(SaveKey(gone, call.actor))
    except (Rejected, StoreUnavailable):
        call.keys.restore(key.id)
        raise
    await asyncio.sleep(call.services.others_seconds)
    return Answer(status=204)


async def _find_key(call: Call[None, None]) -> APIKey:
    for key in await call.services.store.read_keys():
        if key.id == call.path["id"]:
            return key
    raise Problem("not_found", f"There is no API key {call.path['id']!a}. List the keys.")


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/keys",
        tag=Tag.SETTING_UP,
        summary="API keys",
        handler=list_keys,
        scope=Scope.ADMIN,
        answers={200: Listing[KeyView]},
    ),
    Operation(
        method="POST",
        path="/v1/keys",
        tag=Tag.SETTING_UP,
        summary="Make an API key",
        description="The secret is in this answer and nowhere else: only its keyed hash is kept.",
        handler=create_key,
        scope=Scope.ADMIN,
        body=NewKey,
        answers={201: NewKeyAnswer},
        errors=("unknown_brand",),
        example={"name": "shop backend", "scopes": ["check", "send"]},
    ),
    Operation(
        method="DELETE",
        path="/v1/keys/{id}",
        tag=Tag.SETTING_UP,
        summary="Revoke an API key",
        handler=revoke_key,
        scope=Scope.ADMIN,
        answers={204: None},
        errors=("not_found", "own_key"),
    ),
)
