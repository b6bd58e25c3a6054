"""What was given up is told anew, because somebody asks for it; what is too old is forgotten."""

import msgspec

from consentry.actions.keep_webhooks import find_webhook
from consentry.actions.record_audit import SYSTEM, build_entry
from consentry.domain.entries import Actor, EntryKind
from consentry.domain.notices import EventNotice, Notice, revive
from consentry.ports import Change, Facts, Needs, NoticeFilter, Page, Rejected, Store

_AT_ONCE = 200


class ReplayNotices(msgspec.Struct, frozen=True):
    """Have notices told anew, at once and with all their tries; the outcome is how many."""

    notices: tuple[Notice, ...]
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[int, Change]:
        """Have each wait again that was given up."""
        given_up = [notice for notice in self.notices if notice.given_up is not None]
        if not given_up:
            return 0, Change()
        again = tuple(revive(notice, facts.now) for notice in given_up)
        many = "1 notice" if len(again) == 1 else f"{len(again)} notices"
        text = f"{many} replayed, the first of them {again[0].id}"
        entry = build_entry(EntryKind.SETTING_CHANGED, facts, self.by, text=text)
        return len(again), Change(entries=(entry,), replayed=again)


class ForgetNotices(msgspec.Struct, frozen=True):
    """Forget notices that were given up long ago."""

    notices: tuple[str, ...]

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """End those of them that nobody had told anew meanwhile."""
        del facts
        return None, Change(forgotten=self.notices)


async def replay_one(store: Store, notice_id: str, by: Actor = SYSTEM) -> Notice:
    """Have one notice told anew, and return it; raises `Rejected` where that cannot be."""
    notice = await store.read_notice(notice_id)
    if notice is None:
        text = f"There is no delivery {notice_id!a}: List those that failed."
        raise Rejected("not_found", text, status=404)
    if notice.given_up is None:
        raise Rejected("not_failed", "This delivery waits for its next try. Nothing is to be done.")
    if isinstance(notice, EventNotice):
        await check_is_on(store, notice.webhook)
    await store.submit(ReplayNotices((notice,), by))
    return notice


async def check_is_on(store: Store, webhook_id: str) -> None:
    """Raise `Rejected` for a webhook to which nothing would be posted."""
    if not (await find_webhook(store, webhook_id)).enabled:
        raise Rejected("webhook_disabled", "This webhook is switched off. Switch it on first.")


async def replay_all(store: Store, wanted: NoticeFilter, by: Actor = SYSTEM) -> int:
    """Have all told anew that were given up and are meant; return how many.

    What is given up again meanwhile is not tried without end: its try is later than this began.
    """
    page = await store.list_notices(wanted, Page(_AT_ONCE))
    count = 0
    while page.items:
        notices = tuple(item.notice for item in page.items)
        count += await store.submit(ReplayNotices(notices, by), is_patient=True)
        if page.next is None:
            break
        page = await store.list_notices(wanted, Page(_AT_ONCE, page.next))
    return count
