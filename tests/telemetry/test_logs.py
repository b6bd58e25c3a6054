"""The log's lines: one JSON object each, or one line for people; what may stand in them."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from consentry.ports.log_context import log_about
from consentry.telemetry.logs import set_up_logging
from consentry.telemetry.masking import HIDDEN

pytestmark = pytest.mark.unit
PERSON = "+14155550142"
SECRET = "the server's own secret key, 32 characters"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    """Read every line as JSON."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_logger_event_and_fields() -> None:
    """A program reads each line by itself; the fields stand beside the event."""
    out = io.StringIO()
    set_up_logging("info", stream=out)
    logging.getLogger("consentry.x").warning("it_%s", "happened", extra={"count": 3})
    [line] = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "it_happened", "level": "warning", "logger": "consentry.x", "count": 3}


def test_what_is_under_way_stands_in_the_line() -> None:
    """Ids of request, message and carrier are added; what the line says itself wins."""
    out = io.StringIO()
    set_up_logging("info", stream=out)
    log = logging.getLogger("consentry.x")
    with log_about(request_id="req_1", carrier="one"), log_about(message_id="msg_1"):
        log.error("both")
        log.error("mine", extra={"carrier": "two"})
    log.error("none")
    both, mine, none = lines(out)
    assert (both["request_id"], both["message_id"], both["carrier"]) == ("req_1", "msg_1", "one")
    assert mine["carrier"] == "two"
    assert "request_id" not in none


def test_the_trace_that_is_under_way_stands_in_the_line() -> None:
    """A line leads to its trace; without one nothing is said."""
    out = io.StringIO()
    set_up_logging("info", stream=out)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("work") as span:
        logging.getLogger("x").info("within")
    logging.getLogger("x").info("outside")
    within, outside = lines(out)
    assert within["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert "trace_id" not in outside


def test_an_error_is_told_with_its_trace_in_the_same_line() -> None:
    """The trace is one field, with numbers and secrets masked, and no values of variables."""
    out = io.StringIO()
    set_up_logging("info", secrets=(SECRET, None, "short"), stream=out)

    def fail(text: str) -> None:
        raise ValueError(text)

    try:
        fail(f"{PERSON} and {SECRET}")
    except ValueError:
        logging.getLogger("x").exception("failed")
    [line] = lines(out)
    assert "Traceback" in line["exception"]
    assert "ValueError: +14***0142 and [hidden]" in line["exception"]
    assert PERSON not in out.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
def test_numbers_are_masked_in_events_fields_names_and_inside_values(*, as_json: bool) -> None:
    """Wherever a number stands, also in a list, a mapping or an object's own words."""

    class Thing:
        def __repr__(self) -> str:
            return f"<Thing of {PERSON}>"

    out = io.StringIO()
    set_up_logging("info", as_json=as_json, stream=out)
    extra = {
        "sender": PERSON,
        "many": [PERSON, (PERSON,)],
        "by": {PERSON: {"inner": PERSON}},
        "thing": Thing(),
    }
    logging.getLogger("x").info("to %s from %r", PERSON, Thing(), extra=extra)
    assert out.getvalue().count("+14***0142") == 8
    assert PERSON not in out.getvalue()


def test_numbers_are_shown_where_that_is_set_and_secrets_are_not() -> None:
    """The setting shows numbers; it opens no door."""
    out = io.StringIO()
    set_up_logging("info", shows_numbers=True, secrets=(SECRET,), stream=out)
    logging.getLogger("x").info("to %s with %s and csk_abcdef", PERSON, SECRET)
    [line] = lines(out)
    assert line["event"] == f"to {PERSON} with {HIDDEN} and {HIDDEN}"


@pytest.mark.parametrize("name", ["body", "media", "Authorization", "token", "password", "secret"])
def test_fields_that_hold_secrets_or_texts_are_hidden(name: str) -> None:
    """Such a field never shows its value, whatever it is."""
    out = io.StringIO()
    set_up_logging("info", stream=out)
    logging.getLogger("x").info("e", extra={name: ["hello there"], "in": {name: "hello there"}})
    assert "hello there" not in out.getvalue()
    assert lines(out)[0][name] == HIDDEN


def test_a_terminal_gets_lines_for_people_unless_json_is_asked_for() -> None:
    """On a terminal a line is no JSON; everywhere else it is."""
    terminal = Terminal()
    set_up_logging("info", stream=terminal)
    logging.getLogger("x").info("hello", extra={"count": 3})
    assert "hello" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    asked = Terminal()
    set_up_logging("info", as_json=True, stream=asked)
    logging.getLogger("x").info("hello")
    assert lines(asked)[0]["event"] == "hello"


def test_a_line_for_people_cannot_be_forged() -> None:
    """Line breaks and control characters are written out: nobody adds a line or moves a cursor."""
    out = io.StringIO()
    set_up_logging("info", as_json=False, stream=out)
    logging.getLogger("x").info("one\n2026-01-01 [error] forged \x1b[2J", extra={"f": "a\nb\x1b["})
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


def test_a_very_long_text_is_cut() -> None:
    """A line has an end."""
    out = io.StringIO()
    set_up_logging("info", stream=out)
    logging.getLogger("x").info("a" * 1_000_000)
    assert lines(out)[0]["event"].endswith(" [cut]")
    assert len(out.getvalue()) < 5_000


def test_levels_hold_and_libraries_do_not_chatter() -> None:
    """Below the level nothing is written; libraries' debugging is never asked for."""
    out = io.StringIO()
    set_up_logging("debug", stream=out)
    logging.getLogger("consentry.x").debug("ours")
    logging.getLogger("asyncio").debug("theirs")
    logging.getLogger("aiohttp.server").debug("theirs too")
    logging.getLogger("aiohttp.server").info("started")
    assert [line["event"] for line in lines(out)] == ["ours", "started"]


def test_setting_it_up_again_replaces_what_was_set_up() -> None:
    """No line is written twice."""
    first, second = io.StringIO(), io.StringIO()
    set_up_logging("info", stream=first)
    set_up_logging("warning", stream=second)
    logging.getLogger("x").info("quiet")
    logging.getLogger("x").warning("loud")
    assert first.getvalue() == ""
    assert [line["event"] for line in lines(second)] == ["loud"]


def test_no_command_pays_for_what_it_does_not_show() -> None:
    """Loading the command line loads neither what renders lines nor what writes metrics."""
    code = (
        "import sys, consentry.cli.app; "
        "print([name for name in ('structlog', 'prometheus_client') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
