"""Words of campaigns: in the directory until they are removed, on both databases."""

import msgspec
import pytest
from store_world import START, ask, submit_together, write

from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.ports import Change, Needs, Store

pytestmark = pytest.mark.integration

JOIN = CampaignKeyword.at("+14155550100", "JOIN", "é", "poster")
NEWS = CampaignKeyword.at("+14155550100", "NEWS", "news")


async def test_the_directory_holds_what_was_not_removed(store: Store) -> None:
    """Stored or of the same batch; a word that is added again is there again."""
    look = ask(lambda facts: facts.directory.keywords, Needs())
    both = Change(records=(JOIN, NEWS))
    _, seen = await submit_together(store, write(both), look)
    assert seen == {JOIN.id: JOIN, NEWS.id: NEWS}
    removed = msgspec.structs.replace(JOIN, removed_at=START)
    _, seen = await submit_together(store, write(Change(records=(removed,))), look)
    assert seen == {NEWS.id: NEWS}
    assert (await store.read_directory()).keywords == {NEWS.id: NEWS}
    again = msgspec.structs.replace(JOIN, program="promo")
    await store.submit(write(Change(records=(again,))))
    assert (await store.read_directory()).keywords == {again.id: again, NEWS.id: NEWS}
