"""Registration: what carriers ask for before a number may text, ready to take along."""

import io
import zipfile
from typing import Final

from starlette.responses import Response

from consentry.actions.build_registration import (
    Asked,
    Registration,
    build_registration,
    kind_for,
)
from consentry.actions.record_audit import RecordExport
from consentry.console.pages import Page, Visit
from consentry.console.rendering import PRIVATE
from consentry.console.settings.sections import SENDERS, show
from consentry.console.settings.sender_page import describe_kind, find_sender, sender_path
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.directory import Sender
from consentry.domain.registration import PacketKind, list_texts

_NAMES: Final = {
    PacketKind.TEN_DLC: "10DLC campaign",
    PacketKind.TOLL_FREE: "toll-free verification",
}
_OLDEST: Final = (1980, 1, 1, 0, 0, 0)


async def show_registration(visit: Visit) -> Response:
    """Show what is missing and wrong in a number's packet, and every field of it."""
    sender = await find_sender(visit)
    if sender is None:
        return visit.missing("sender")
    kind = kind_for(sender)
    packet = None if kind is None else (await _build(visit, sender)).packet
    fields = {} if packet is None else packet.fields
    return await show(
        visit,
        SENDERS,
        "registration.html",
        sender=sender,
        packet=packet,
        name="" if kind is None else _NAMES[kind],
        kind=describe_kind(sender.kind),
        fields=[(name, value, list_texts(value)) for name, value in fields.items()],
        here=f"{sender_path(SENDERS, sender.number)}/registration",
        back=sender_path(SENDERS, sender.number),
    )


async def send_registration(visit: Visit) -> Response:
    """Send the packet's files as a zip; the audit says who took it along."""
    sender = await find_sender(visit)
    if sender is None or kind_for(sender) is None:
        return visit.missing("registration")
    built = await _build(visit, sender)
    export = RecordExport("registration", f"of {sender.number}", len(built.files), visit.actor)
    await visit.services.store.submit(export)
    name = f"registration-{sender.number.removeprefix('+')}.zip"
    return Response(
        _pack(built),
        media_type="application/zip",
        headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _build(visit: Visit, sender: Sender) -> Registration:
    asked = Asked(sender.number, show_number(sender.number), public_url=visit.services.public_url)
    return await build_registration(asked, visit.services.store, visit.services.clock.now())


def _pack(built: Registration) -> bytes:
    """Put the files into a zip that is the same for the same packet."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in built.files.items():
            archive.writestr(zipfile.ZipInfo(name, _OLDEST), text)
    return packed.getvalue()


PAGES: Final = (
    Page(
        path="/settings/senders/{number}/registration",
        view=show_registration,
        permission=Permission.READ_SETTINGS,
        example={"number": "+12025550101"},
    ),
    Page(
        path="/settings/senders/{number}/registration",
        view=send_registration,
        permission=Permission.READ_SETTINGS,
        method="POST",
        example={"number": "+12025550101"},
    ),
)
