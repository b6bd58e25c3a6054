"""The form for pages of other sites: plain HTML to copy, or one script tag that draws it."""

import json
from html import escape
from typing import Final

from consentry.domain.calls_to_action import CallToAction

VERSION_FIELD: Final = "version"
SESSION_FIELD: Final = "session"
PAGE_FIELD: Final = "page"
TRAP_FIELD: Final = "leave_empty"
"""Nobody sees this field, so whatever fills it in is no person."""


def opt_in_path(call_id: str) -> str:
    """Where the opt-in page of a call to action is."""
    return f"/opt-in/{call_id}"


def write_hidden(call: CallToAction, *, session: str = "") -> str:
    """Write the fields that nobody fills in: the version shown, the view, and the trap for bots."""
    fields = [(VERSION_FIELD, str(call.version))]
    if session:
        fields.append((SESSION_FIELD, session))
    hidden = [f'<input type="hidden" name="{n}" value="{escape(v)}">' for n, v in fields]
    trap = f'<input name="{TRAP_FIELD}" tabindex="-1" autocomplete="off"></label></p>'
    return "\n".join([*hidden, f"<p hidden><label>Leave this empty {trap}"])


def write_form(call: CallToAction, address: str) -> str:
    """Write the form as HTML that can be copied into any page; `address` is the hosted page's."""
    opened = f'<form method="post" action="{escape(address)}">'
    return f"{opened}\n{call.html}{write_hidden(call)}\n</form>\n"


def write_script_tag(address: str) -> str:
    """Write the tag that draws the form where it stands."""
    return f'<script src="{escape(address)}.js"></script>\n'


def write_script(call: CallToAction) -> str:
    """Write the script behind that tag: the same form with the same words, and no ticked box.

    It posts to where the script itself came from, and tells on which page it stands.
    """
    drawn = json.dumps(call.html + write_hidden(call))
    return f"""\
(() => {{
  const script = document.currentScript;
  const form = document.createElement("form");
  form.method = "post";
  form.action = script.src.replace(/\\.js([?#].*)?$/, "");
  form.innerHTML = {drawn};
  const page = document.createElement("input");
  page.type = "hidden";
  page.name = "{PAGE_FIELD}";
  page.value = location.href.split("#")[0].slice(0, 2000);
  form.append(page);
  script.after(form);
}})();
"""
