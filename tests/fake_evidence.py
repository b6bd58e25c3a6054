"""What makes bundles, as far as doors need it: it keeps what it was asked, and gives a zip."""

from dataclasses import dataclass, field

from consentry.domain.entries import Actor
from consentry.ports import EvidenceMade, EvidenceWanted


@dataclass
class FakeEvidence:
    """Gives the same for everybody."""

    asked: list[tuple[EvidenceWanted, Actor]] = field(default_factory=list)

    async def make(self, wanted: EvidenceWanted, by: Actor) -> EvidenceMade:
        """Keep what is wanted, by whom."""
        self.asked.append((wanted, by))
        return EvidenceMade("evidence.zip", b"PK", entries=1, proved=1, texts=0, gaps=())
