"""A whole story of consent on a real store, and a ledger that proves its entries in memory."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_world import AT_NOON, LONG, PERSON, PROMO
from consentry.actions.administer import SaveBrand, SaveProgram, SaveSender
from consentry.actions.deliver_job import ClaimJobs, RecordSubmission
from consentry.actions.outgoing import Draft
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_receipt import RecordReceipt
from consentry.actions.record_rules import record_rules
from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.actions.send_message import SendMessage
from consentry.actions.set_place import SetPlace
from consentry.actions.take_opt_in import FilledIn, TakeOptIn
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Brand, Purpose
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.evidence.proved import Proved, ProvedEntry
from consentry.domain.gate import Door
from consentry.domain.messages import MessageStatus
from consentry.domain.policy import Policy
from consentry.evidence.making import EvidenceMaker, Prover
from consentry.evidence.proving import LedgerProver
from consentry.opening import LedgerSigner
from consentry.ports import Accepted, InboundText, Page, StatusReport, Store
from consentry.ports.evidence import EvidenceMade, EvidenceWanted
from consentry.store.postgres.store import PostgresStore
from consentry.store.sqlite.store import SQLiteStore
from consentry.wire.keyed_hash import HashKeys, derive_hash_key
from memory_store import CountingIds, FakeClock, claimable

CARRIER: Final = "twilio-1"
AGENT: Final = Actor(ActorKind.AGENT, "agent-1")
NAME: Final = "consentry.local/ledger"
SIGNER: Final = LedgerSigner(NAME, "the secret of a ledger")
HASH_KEYS: Final = HashKeys([derive_hash_key("the secret of a server")])


def hash_pair(left: bytes, right: bytes) -> bytes:
    """Hash two halves of a tree (RFC 6962)."""
    return sha256(b"\x01" + left + right).digest()


def hash_tree(leaves: list[bytes]) -> bytes:
    """Hash a tree by its definition."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hash_pair(hash_tree(leaves[:half]), hash_tree(leaves[half:]))


def find_path(leaf: int, leaves: list[bytes]) -> list[bytes]:
    """Find the way from a leaf to the root by its definition."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if leaf < half:
        return [*find_path(leaf, leaves[:half]), hash_tree(leaves[half:])]
    return [*find_path(leaf - half, leaves[half:]), hash_tree(leaves[:half])]


class MemoryLedger:
    """A key and a tree over whatever entries of a person are there when it is asked."""

    def __init__(
        self,
        store: Store,
        *,
        young: int = 0,
        timestamp: bytes | None = None,
        secret: bytes = b"k" * 32,
    ) -> None:
        """Leave the newest `young` entries out of the tree; give its checkpoint a timestamp."""
        self._timestamp = timestamp
        self._store = store
        self._young = young
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        public = b"\x01" + self._key.public_key().public_bytes_raw()
        self._id = sha256(NAME.encode() + b"\n" + public).digest()[:4]
        self.key = f"{NAME}+{self._id.hex()}+{b64encode(public).decode()}"

    def sign(self, text: str) -> str:
        """Sign a text as a note."""
        signed = b64encode(self._id + self._key.sign(text.encode())).decode()
        return f"{text}\n— {NAME} {signed}\n"

    async def prove(self, entry_ids: list[str]) -> Proved:
        """Prove the entries."""
        values = await self._store.read_entry_values(PERSON, Page(10_000))
        by_id = {msgspec.json.decode(value)["id"]: value for value in reversed(values)}
        covered = [name for name in by_id if name in set(entry_ids)]
        covered = covered[: len(covered) - self._young]
        salts = {name: sha256(name.encode()).digest()[:16] for name in covered}
        leaves = [sha256(b"\x00" + salts[n] + by_id[n]).digest() for n in covered]
        if not leaves:
            return Proved((self.key,))
        root = b64encode(hash_tree(leaves)).decode()
        note = self.sign(f"{NAME}\n{len(leaves)}\n{root}\n")
        proofs = {
            name: ProvedEntry(at, leaves[at], salts[name], tuple(find_path(at, leaves)))
            for at, name in enumerate(covered)
        }
        return Proved((self.key,), note, len(leaves), proofs, self._timestamp)


def open_store(address: str, clock: FakeClock) -> Store:
    """Open a database, by its path or URL, on a clock that moves only when told to."""
    if address.startswith("postgresql:"):
        return PostgresStore.open(
            address,
            clock=clock,
            ids=CountingIds(),
            policy=Policy(),
            hash_keys=HASH_KEYS,
            signer=SIGNER,
        )
    return SQLiteStore.open(
        Path(address),
        clock=clock,
        ids=CountingIds(),
        policy=Policy(),
        hash_keys=HASH_KEYS,
        signer=SIGNER,
    )


class Story:
    """Commands on a store, told in the words of the story; each takes two seconds."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self._texts = 0

    async def set_up(self) -> CallToAction:
        """Set a company up with a program and what people are shown."""
        brand = Brand("acme", "Acme", contact="help@acme.example")
        await self.store.submit(SaveBrand(brand))
        await self.store.submit(SaveSender(LONG))
        await self.store.submit(SaveProgram(PROMO))
        await record_rules(self.store)
        asked = SaveCallToAction("deals", PROMO.id, CallMedium.WEB, "en", Wording("Deals"))
        call = await self.store.submit(asked)
        await self.store.submit(SetPlace(PERSON, AGENT, AT_NOON.zone, reason="they told us"))
        return call

    async def receive(self, body: str) -> None:
        """Let the person text us; it is in force two seconds after it reached us."""
        self._texts += 1
        received_at = self.clock.now()
        self.clock.advance(seconds=2)
        text = InboundText(f"SM-in-{self._texts}", PERSON, LONG.number, body)
        await self.store.submit(ReceiveMessage(CARRIER, "twilio", text, received_at))
        await self.deliver()

    async def sign_up(self, call: CallToAction) -> None:
        """Let the person fill the form in, and have them asked back."""
        filled = FilledIn(
            PERSON, name="Ann", page_url="https://acme.example/deals", user_agent="Firefox"
        )
        await self.store.submit(TakeOptIn(call, filled))
        await self.deliver()

    async def send(self, body: str, *, marketing: bool = False) -> None:
        """Let somebody send a text, whatever comes of it."""
        draft = Draft(
            recipient=PERSON,
            sender=LONG.number,
            body=body,
            actor=AGENT,
            door=Door.CONSOLE,
            purpose=Purpose.MARKETING if marketing else None,
            program=PROMO.id if marketing else None,
        )
        await self.store.submit(SendMessage(draft))
        await self.deliver()

    async def deliver(self) -> None:
        """Hand over what is due; the carrier takes it and reports that it arrived."""
        self.clock.advance(seconds=2)
        claim = ClaimJobs(claimable([LONG.number]), "prc_1")
        for work in await self.store.submit(claim):
            message = work.message
            known = f"SM-{message.id}"
            await self.store.submit(
                RecordSubmission(
                    message=message.id,
                    recipient=message.recipient,
                    sender=message.sender,
                    carrier=CARRIER,
                    submission=Accepted(known),
                    attempt=work.job.attempts,
                )
            )
            report = StatusReport(
                carrier_message_id=known,
                recipient=message.recipient,
                sender=message.sender,
                status=MessageStatus.DELIVERED,
                error_code=None,
                opted_out=False,
                message=message.id,
            )
            await self.store.submit(RecordReceipt(CARRIER, report, self.clock.now()))

    async def tell(self) -> None:
        """Tell the whole of it: in, out, refused, and back."""
        call = await self.set_up()
        await self.receive("Hello, is my order on its way?")
        await self.send("It left today.")
        await self.sign_up(call)
        await self.receive("YES")
        await self.send("Deals: 10 % off until Sunday.", marketing=True)
        await self.receive("HELP")
        await self.receive("شكرا")
        await self.receive("谢谢 <b>&amp;</b> 😀")
        await self.receive("please stop texting me")
        await self.send("Are you sure?")
        await self.receive("START")
        await self.send("Welcome back.")


async def make_bundle(store: Store, clock: FakeClock, **wanted: Any) -> EvidenceMade:
    """Make a bundle of the person, proved by the store's own log."""
    return await prove_by(LedgerProver(store, SIGNER), store, clock, **wanted)


async def prove_by(prover: Prover, store: Store, clock: FakeClock, **wanted: Any) -> EvidenceMade:
    """Make a bundle of the person, proved by a ledger."""
    maker = EvidenceMaker(store, prover, clock, Policy(), hash_keys=HASH_KEYS)
    return await maker.make(EvidenceWanted(PERSON, **wanted), AGENT)
