"""The Idempotency-Key of a request, which makes a retry safe."""

from typing import Final

from consentry.api.operations import Call
from consentry.api.problems import Problem

_KEY_CHARACTERS_MAX: Final = 255


def read_idempotency_key(call: Call[object, object], what: str) -> str | None:
    """Read the key, where one is given; raises `Problem`. `what` a new key is to be taken for."""
    given = call.header(b"idempotency-key")
    if given is None:
        return None
    key = given.decode("latin-1")
    if not 0 < len(key) <= _KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
        raise Problem(
            "idempotency_key_invalid",
            f"An Idempotency-Key has 1 to {_KEY_CHARACTERS_MAX} visible ASCII characters. "
            f"Take a new random one for each {what}, such as a UUID.",
        )
    return key


def owner_of(call: Call[object, object]) -> str:
    """Name whose keys these are: each API key has its own."""
    return "" if call.key is None else call.key.id
