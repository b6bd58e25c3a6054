"""Webhooks that are forms: first what vouches for them, and only then what they say."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from consentry.ports import Malformed
from consentry.wire.forms import FIELDS_MAX, Form, FormError, parse_form

Pairs = tuple[tuple[str, str], ...]
"""Names and values in the order they came."""


def open_form(body: bytes, check: Callable[[Pairs], None]) -> Form:
    """Have a form checked by `check`, which raises `Forged`, and read it; raises `Malformed`.

    One that cannot be read is checked as a lenient reader reads it: where the signature is over
    that, it is the carrier's own fault and not forged.
    """
    try:
        form = parse_form(body)
    except FormError as error:
        check(_parse_leniently(body))
        raise Malformed(str(error)) from None
    check(form.pairs)
    return form


def _parse_leniently(body: bytes) -> Pairs:
    text = body.decode("utf-8", "replace")
    try:
        return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        return ()
