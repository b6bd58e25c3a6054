"""Makes a bundle: reads, proves, builds the case, draws it, and packs it."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.resources import files
from string import Template
from typing import Final, Protocol

from consentry import __version__
from consentry.actions.read_ledger import read_history
from consentry.actions.record_audit import RecordExport
from consentry.domain.entries import Actor
from consentry.domain.evidence.case import Case, Material, build_case
from consentry.domain.evidence.gaps import Gap, find_gaps
from consentry.domain.evidence.proved import Proved
from consentry.domain.policy import Policy
from consentry.evidence import contents
from consentry.evidence.document import spell_time
from consentry.evidence.drawing import draw_page, draw_paper, find_unwritten
from consentry.evidence.gathering import Gathered, build_material, find_scope, gather
from consentry.evidence.telling import build_document
from consentry.evidence.verifier import write_verifier
from consentry.evidence.zip_writing import ZipWriter
from consentry.ports import Clock, Store
from consentry.ports.evidence import EvidenceMade, EvidenceWanted
from consentry.wire.keyed_hash import HashKeys

PAPER_LINES_MAX: Final = 500
"""How many lines of the log the paper has at most: the page and the lines of JSON have all."""


class Prover(Protocol):
    """The ledger as far as bundles need it: its proofs, and its key."""

    async def prove(self, entry_ids: list[str]) -> Proved:
        """Prove these entries against one checkpoint; those that it does not cover are left out."""

    def sign(self, text: str) -> str:
        """Sign a text with the ledger's key, as a note."""


NO_KEYS: Final = HashKeys()
"""For a ledger in which nobody was erased."""


def _quietly(step: str) -> None:
    del step


class EvidenceMaker:
    """Makes bundles, one at a time: each is held in memory."""

    def __init__(
        self,
        store: Store,
        prover: Prover,
        clock: Clock,
        policy: Policy,
        *,
        hash_keys: HashKeys = NO_KEYS,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Make bundles of this store.

        `hash_keys` tell what was erased of a number before; `tell` is called with each step.
        """
        self._store = store
        self._prover = prover
        self._clock = clock
        self._policy = policy
        self._hash_keys = hash_keys
        self._tell = tell or _quietly
        self._one_at_a_time = asyncio.Lock()

    async def make(self, wanted: EvidenceWanted, by: Actor) -> EvidenceMade:
        """Make a bundle, and put on record who took it."""
        async with self._one_at_a_time:
            now = self._clock.now()
            made_at = now.replace(microsecond=0)
            self._tell("reading entries, texts and receipts")
            directory = await self._store.read_directory()
            scope = find_scope(wanted, directory, now)
            gathered = await gather(self._store, scope, directory, self._hash_keys)
            self._tell(f"proving {len(gathered.entries):,} entries")
            proved = await self._prover.prove([kept.entry.id for kept in gathered.entries])
            history = await read_history(self._store, self._policy)
            material = build_material(gathered, proved, history, made_at)
            self._tell("drawing and packing")
            # Beside the event loop: of many entries even telling them apart takes seconds.
            made = await asyncio.to_thread(self._pack, gathered, material, proved)
        part = f"{wanted.recipient}, {spell_time(scope.until)} and before"
        await self._store.submit(RecordExport("evidence", part, made.entries, by))
        return made

    def _pack(self, gathered: Gathered, material: Material, proved: Proved) -> EvidenceMade:
        case = build_case(material)
        gaps = _find_all_gaps(case, proved)
        name = name_bundle(material.scope.recipient, material.made_at)
        writer = ZipWriter(material.made_at)
        for file, data in _write_files(gathered, case, gaps, proved):
            writer.add(file, data)
        about = {"recipient": material.scope.recipient, "made_by": f"consentry {__version__}"}
        return EvidenceMade(
            name,
            writer.close(about, self._prover.sign),
            len(gathered.entries),
            len(proved.leaves),
            len(material.messages),
            tuple(f"{gap.says} ({gap.count:,})" for gap in gaps),
        )


def _write_files(
    gathered: Gathered, case: Case, gaps: tuple[Gap, ...], proved: Proved
) -> Iterator[tuple[str, bytes]]:
    """Write the files in their order, each only when the one before was packed."""
    texts = _tell_texts(case, proved)
    author = proved.keys[0].partition("+")[0]
    yield "README.txt", texts["README.txt"]
    yield "verify.py", write_verifier()
    yield "evidence.html", draw_page(build_document(case, gaps, proved))
    paper = build_document(case, gaps, proved, lines_max=PAPER_LINES_MAX)
    yield "evidence.pdf", draw_paper(paper, case.material.made_at, author)
    yield "gaps.json", contents.write_gaps(gaps)
    yield "entries.jsonl", contents.write_entries(gathered.entries, proved)
    yield "messages.jsonl", contents.write_messages(case)
    yield "decisions.jsonl", contents.write_decisions(gathered.entries)
    yield "policies.json", contents.write_policies(case)
    pages, calls = contents.write_calls(gathered)
    yield "calls-to-action.json", calls
    yield from pages.items()
    yield "proofs.json", contents.write_proofs(gathered, proved)
    yield "checkpoint.txt", (proved.note or "").encode()
    if proved.timestamp is not None:
        yield "checkpoint.tsr", proved.timestamp
    yield "ledger.pub", "".join(f"{key}\n" for key in proved.keys).encode()
    yield "declaration.txt", texts["declaration.txt"]


def name_bundle(recipient: str, made_at: datetime) -> str:
    """Name the file of a bundle."""
    return f"evidence-{recipient.removeprefix('+')}-{made_at:%Y%m%dT%H%M%SZ}.zip"


def _find_all_gaps(case: Case, proved: Proved) -> tuple[Gap, ...]:
    """Find the gaps, with the letters that the paper cannot show."""
    gaps = find_gaps(case)
    paper = build_document(case, gaps, proved, lines_max=PAPER_LINES_MAX)
    return find_gaps(case, find_unwritten(paper))


def _tell_texts(case: Case, proved: Proved) -> dict[str, bytes]:
    scope = case.material.scope
    told = {
        "number": scope.recipient,
        "recipient": scope.recipient,
        "since": "the first entry" if scope.since is None else spell_time(scope.since),
        "until": spell_time(scope.until),
        "made_at": spell_time(case.material.made_at),
        "version": __version__,
        "name": name_bundle(scope.recipient, case.material.made_at),
        "key": proved.keys[-1],
    }
    folder = files("consentry.evidence").joinpath("texts")
    return {
        file: Template(folder.joinpath(file).read_text("utf-8")).substitute(told).encode()
        for file in ("README.txt", "declaration.txt")
    }
