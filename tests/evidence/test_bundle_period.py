"""Of what time a bundle is."""

from datetime import timedelta

import pytest

from consentry.domain.directory import Directory
from consentry.evidence.gathering import find_scope
from consentry.ports import EvidenceWanted, Rejected
from memory_store import START

pytestmark = pytest.mark.unit

PERSON = "+14155550142"


def test_a_period_ends_when_the_bundle_is_made() -> None:
    """What is to come is in none, so none says that it is; an end before it is kept."""
    day = timedelta(days=1)
    for wanted, until in ((None, START), (START + day, START), (START - day, START - day)):
        asked = EvidenceWanted(PERSON, None, wanted)
        assert find_scope(asked, Directory(), START).until == until
    for since, until, said in (
        (START + day, START + 2 * day, "begins in the future"),
        (START, START - day, "ends before it begins"),
    ):
        with pytest.raises(Rejected, match=said):
            find_scope(EvidenceWanted(PERSON, since, until), Directory(), START)
