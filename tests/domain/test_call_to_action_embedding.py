"""The form for other pages: the same HTML, whole and harmless."""

from datetime import UTC, datetime

import msgspec
import pytest

from consentry.domain.call_to_action_embedding import (
    opt_in_path,
    write_form,
    write_hidden,
    write_script,
    write_script_tag,
)
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording

pytestmark = pytest.mark.unit

CALL = CallToAction(
    "deals", 3, "promo", CallMedium.WEB, "en", Wording("Deals"), "text",
    "<section>\n\u2028</section>\n", "", datetime(2026, 11, 30, tzinfo=UTC),
)  # fmt: skip


def test_the_form_to_copy_is_the_version_with_its_number() -> None:
    """It posts to the page's address, says which version it is, and hides the trap from people."""
    form = write_form(CALL, "https://a.example/opt-in/deals?a=1&b=2")
    assert form.startswith(
        '<form method="post" action="https://a.example/opt-in/deals?a=1&amp;b=2">'
    )
    assert CALL.html in form
    assert '<input type="hidden" name="version" value="3">' in form
    assert '<p hidden><label>Leave this empty <input name="leave_empty"' in form
    assert 'name="session"' not in form
    assert '<input type="hidden" name="session" value="&quot;x">' in write_hidden(
        CALL, session='"x'
    )


def test_the_script_draws_the_same_form() -> None:
    """Its string is the HTML and the hidden fields, whatever characters are in them."""
    line = next(line for line in write_script(CALL).splitlines() if "innerHTML" in line)
    drawn = msgspec.json.decode(line.partition(" = ")[2].removesuffix(";"))
    assert drawn == CALL.html + write_hidden(CALL)
    assert opt_in_path("deals") == "/opt-in/deals"
    tag = write_script_tag('https://a.example/opt-in/"')
    assert tag == '<script src="https://a.example/opt-in/&quot;.js"></script>\n'
