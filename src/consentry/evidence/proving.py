"""Proves the entries of a bundle: the ledger's log, its newest checkpoint, and its key."""

from contextlib import suppress
from typing import Final, Protocol

from consentry.domain.evidence.proved import Proved, ProvedEntry
from consentry.ports import Checkpoint, LogDamaged, Logged, Store, StoreUnavailable
from consentry.wire.merkle import Span, list_inclusion
from consentry.wire.signed_note import read_note, read_verifier_key
from consentry.wire.tiles import TileName, hash_span, list_tiles

_AT_ONCE: Final = 500


class TextSigner(Protocol):
    """Signs with the ledger's key, also what is no checkpoint."""

    def verifier_key(self) -> str:
        """The public half, as verifiers take it."""

    def sign_text(self, text: str) -> str:
        """Sign a text as a note."""


class LedgerProver:
    """Proves entries against the newest checkpoint of a store's log."""

    def __init__(self, store: Store, signer: TextSigner) -> None:
        """Prove by the log of this store; bundles are signed by this key."""
        self._store = store
        self._signer = signer

    def sign(self, text: str) -> str:
        """Sign a text with the ledger's key."""
        return self._signer.sign_text(text)

    async def prove(self, entry_ids: list[str]) -> Proved:
        """Bring the log up to the newest entry, then prove these.

        What is not under the newest checkpoint even so is left out, and the bundle says so.
        """
        # Where another process keeps the log, its newest checkpoint is as good as it gets.
        with suppress(StoreUnavailable):
            await self._catch_up()
        checkpoint = await self._store.read_checkpoint()
        key = self._signer.verifier_key()
        if checkpoint is None:
            return Proved((key,))
        logged = await self._read_logged(entry_ids, checkpoint.size)
        return Proved(
            keys=await self._find_keys(checkpoint, key),
            note=checkpoint.note,
            size=checkpoint.size,
            leaves=await self._prove_leaves(logged, checkpoint.size),
            timestamp=checkpoint.timestamp,
        )

    async def _catch_up(self) -> None:
        head = await self._store.integrate_log()
        while head.waiting:
            further = await self._store.integrate_log()
            if further.size == head.size:
                return
            head = further

    async def _read_logged(self, entry_ids: list[str], size: int) -> dict[str, Logged]:
        found: dict[str, Logged] = {}
        for start in range(0, len(entry_ids), _AT_ONCE):
            found |= await self._store.read_logged(entry_ids[start : start + _AT_ONCE])
        return {name: logged for name, logged in found.items() if logged.leaf < size}

    async def _find_keys(self, checkpoint: Checkpoint, key: str) -> tuple[str, ...]:
        """Give the key that signs now, and the older one that signed the checkpoint, if any."""
        signed = {(one.name, one.key_id) for one in read_note(checkpoint.note).signatures}
        older = [one.verifier_key for one in await self._store.read_log_keys()]
        known = [one for one in older if one != key and _identify(one) in signed]
        return (key, *known)

    async def _prove_leaves(self, logged: dict[str, Logged], size: int) -> dict[str, ProvedEntry]:
        ways = {name: list_inclusion(one.leaf, size) for name, one in logged.items()}
        spans = {span for way in ways.values() for span in way}
        hashes = await self._hash_spans(spans)
        return {
            name: ProvedEntry(
                one.leaf, one.leaf_hash, one.salt, tuple(hashes[span] for span in ways[name])
            )
            for name, one in logged.items()
        }

    async def _hash_spans(self, spans: set[Span]) -> dict[Span, bytes]:
        """Compute each hash once: neighbours in the log share most of their ways."""
        names = sorted(list_tiles(spans))
        tiles: dict[TileName, bytes] = {}
        for start in range(0, len(names), _AT_ONCE):
            tiles |= await self._store.read_tiles(names[start : start + _AT_ONCE])
        try:
            return {span: hash_span(span, tiles) for span in spans}
        except (LookupError, ValueError) as error:
            raise LogDamaged(
                f"The ledger's log has not all the hashes that its proofs are made of ({error}). "
                "Run `consentry ledger verify`."
            ) from error


def _identify(verifier_key: str) -> tuple[str, bytes]:
    key = read_verifier_key(verifier_key)
    return key.name, key.key_id
