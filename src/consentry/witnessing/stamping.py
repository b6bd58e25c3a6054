"""Asks an authority for a timestamp of a checkpoint, over HTTP (RFC 3161, section 3.4)."""

import asyncio
import secrets
from hashlib import sha256
from typing import Final

from consentry.ports import Checkpoint
from consentry.wire.timestamps import TimestampError, check_response, write_request

_SECONDS: Final = 20.0
_ANSWER_BYTES_MAX: Final = 100_000
_NONCE_BITS: Final = 63
_HEADERS: Final = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
}


class NotStamped(Exception):
    """A checkpoint that has no timestamp yet; str() says why."""


async def stamp(checkpoint: Checkpoint, url: str) -> bytes:
    """Get an authority's answer about a checkpoint's note, which was held against what was asked.

    Raises `NotStamped`; then it can be asked again.
    """
    digest = sha256(checkpoint.note.encode()).digest()
    nonce = secrets.randbits(_NONCE_BITS)
    answer = await _post(url, write_request(digest, nonce))
    try:
        check_response(answer, digest, nonce)
    except TimestampError as error:
        raise NotStamped(f"{url}: {error}") from error
    return answer


async def _post(url: str, body: bytes) -> bytes:
    # Imported at the first request, in a thread: it takes 0.3 s.
    aiohttp = await asyncio.to_thread(__import__, "aiohttp")
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.post(url, data=body, headers=_HEADERS, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise NotStamped(f"{url} answered with {answer.status}.")
            content = bytearray()
            async for piece in answer.content.iter_any():
                content += piece
                if len(content) > _ANSWER_BYTES_MAX:
                    raise NotStamped(f"{url} answers with more than a timestamp can be.")
            return bytes(content)
    except (aiohttp.ClientError, TimeoutError) as error:
        told = str(error) or type(error).__name__
        raise NotStamped(f"{url} does not answer ({told}).") from error
