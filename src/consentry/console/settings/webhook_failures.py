"""What could not be told to webhooks and programs: looked at, and told anew."""

from typing import Final

from starlette.responses import Response

from consentry.actions.replay_notices import check_is_on, replay_all, replay_one
from consentry.console.pages import Page, Visit
from consentry.console.settings.sections import WEBHOOKS, check_all_brands, go_saved, show
from consentry.console.settings.webhooks import EVENTS
from consentry.domain.agents import Permission
from consentry.ports import NoticeFilter, Rejected
from consentry.ports import Page as ListPage

FAILURES: Final = f"{WEBHOOKS.path}-failed"
_ROWS: Final = 50


async def list_failures(visit: Visit) -> Response:
    """List what was given up, the latest first, of one webhook or of everybody."""
    return await _show(visit, visit.query("webhook"))


async def _show(visit: Visit, webhook: str, problem: Rejected | None = None) -> Response:
    """Show what a webhook could not be told; of one that is not there, or of none, everybody's."""
    webhooks = (await visit.services.store.read_directory()).webhooks
    lane = webhook if webhook in webhooks else None
    page = ListPage(_ROWS, visit.query("before") or None)
    found = await visit.services.store.list_notices(NoticeFilter(lane=lane), page)
    return await show(
        visit,
        WEBHOOKS,
        "webhook_failures.html",
        status=200 if problem is None else problem.status,
        rows=found.items,
        following=found.next,
        lane=lane,
        webhooks=webhooks,
        events=EVENTS,
        problem="" if problem is None else str(problem),
    )


async def replay_failures(visit: Visit) -> Response:
    """Have one thing told anew, or all of a webhook."""
    check_all_brands(visit)
    store, delivery, webhook = visit.services.store, visit.field("delivery"), visit.field("webhook")
    try:
        if delivery:
            await replay_one(store, delivery, visit.actor)
            count = 1
        else:
            await check_is_on(store, webhook)
            count = await replay_all(store, NoticeFilter(lane=webhook), visit.actor)
    except Rejected as error:
        return await _show(visit, webhook, error)
    path = f"{WEBHOOKS.path}/{webhook}" if webhook else FAILURES
    return go_saved(visit, path, changed=count > 0)


PAGES: Final = (
    Page(
        path="/settings/webhooks-failed",
        view=list_failures,
        permission=Permission.READ_SETTINGS,
    ),
    Page(
        path="/settings/webhooks-failed",
        view=replay_failures,
        permission=Permission.MANAGE_KEYS,
        method="POST",
    ),
)
