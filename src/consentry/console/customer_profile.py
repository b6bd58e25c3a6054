"""The profile on the card: name, emails and note are changed in place; and how it is deleted."""

from typing import Final

from starlette.responses import Response

from consentry.actions.keep_customers import ChangeCustomer, DeleteCustomer
from consentry.console.customer_page import CardForm, read_frame, render_page
from consentry.console.customer_seen import Seen, with_customer
from consentry.console.pages import Page, Visit
from consentry.domain.agents import Permission, read_email

_NAME_CHARACTERS_MAX: Final = 200
_NOTE_CHARACTERS_MAX: Final = 5000
_EMAILS_MAX: Final = 20


async def change_profile(visit: Visit, seen: Seen) -> Response:
    """Change name, emails and note, or say beside the field what does not fit."""
    name = " ".join(visit.field("name").split())
    note = visit.field("note").replace("\r\n", "\n").strip()
    typed = visit.field("emails").replace(",", " ").split()
    emails = tuple(dict.fromkeys(email for email in map(read_email, typed) if email))
    errors = {}
    if len(name) > _NAME_CHARACTERS_MAX:
        errors["name"] = f"The name has {len(name)} characters; {_NAME_CHARACTERS_MAX} fit."
    bad = [email for email in typed if read_email(email) is None]
    if bad:
        errors["emails"] = f"“{bad[0][:80]}” is no email address. Write it as name@example.org."
    elif len(emails) > _EMAILS_MAX:
        errors["emails"] = f"These are {len(emails)} emails; {_EMAILS_MAX} fit."
    if len(note) > _NOTE_CHARACTERS_MAX:
        errors["note"] = f"The note has {len(note):,} characters; {_NOTE_CHARACTERS_MAX:,} fit."
    if errors:
        values = {"name": name, "emails": visit.field("emails"), "note": note}
        form = CardForm("name", values=values, errors=errors)
        return await render_page(visit, seen, form=form, status=422)
    await visit.services.store.submit(
        ChangeCustomer(seen.customer.id, name=name, emails=emails, note=note, by=visit.actor)
    )
    return visit.go(f"{seen.address}#card")


async def ask_to_delete(visit: Visit, seen: Seen) -> Response:
    """Say what deleting does and what it does not, and ask."""
    return visit.render("customer_delete.html", **await read_frame(visit, seen))


async def delete(visit: Visit, seen: Seen) -> Response:
    """Delete the profile; what stands for its numbers stays."""
    await visit.services.store.submit(DeleteCustomer(seen.customer.id, visit.actor))
    return visit.go("/console")


_EDIT: Final = Permission.EDIT_CUSTOMERS

PAGES: Final = (
    Page(
        path="/customers/{id}/profile",
        view=with_customer(change_profile),
        permission=_EDIT,
        method="POST",
    ),
    Page(path="/customers/{id}/delete", view=with_customer(ask_to_delete), permission=_EDIT),
    Page(
        path="/customers/{id}/delete", view=with_customer(delete), permission=_EDIT, method="POST"
    ),
)
