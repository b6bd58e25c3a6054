"""The log: JSON lines for programs, or lines for people; numbers masked, secrets out.

Everything is logged through the standard library, by us and by the libraries we use, and comes
through here. structlog is imported at the first line and not before: most commands write none.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Final

from consentry.ports.log_context import read_log_fields
from consentry.telemetry.masking import HIDDEN, hide_secrets, mask_numbers

if TYPE_CHECKING:
    from structlog.typing import Processor

_SECRET_NAMES: Final = frozenset(
    {
        "api_key", "auth_token", "authorization", "body", "cookie", "form_token", "headers", "key",
        "media", "password", "secret", "secret_key", "token",
    }
)  # fmt: skip
_SECRET_CHARACTERS_MIN: Final = 8
_TEXT_CHARACTERS_MAX: Final = 4_000
_TRACE_CHARACTERS_MAX: Final = 32_000
_LEAVINGS: Final = frozenset({"message", "asctime", "color_message"})
_ROUTINE: Final = ("asyncio", "aiohttp", "uvicorn")
"""Libraries whose own chatter nobody asked for."""

Fields = MutableMapping[str, Any]


def set_up_logging(
    level: str,
    *,
    as_json: bool | None = None,
    shows_numbers: bool = False,
    secrets: tuple[str | None, ...] = (),
    stream: IO[str] | None = None,
) -> None:
    """Send every line of the log to `stream` (standard error), once for the whole process.

    `as_json`: None writes for people on a terminal, else JSON. `shows_numbers` leaves phone
    numbers as they are. `secrets` are taken out wherever they stand.
    """
    out = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(out)
    cleaner = Cleaner(
        shows_numbers=shows_numbers,
        secrets=tuple(s for s in secrets if s is not None and len(s) >= _SECRET_CHARACTERS_MIN),
    )
    handler.setFormatter(
        _Formatter(
            cleaner,
            as_json=not out.isatty() if as_json is None else as_json,
            has_colors=out.isatty(),
        )
    )
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, _Formatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _ROUTINE:
        logging.getLogger(name).setLevel(max(root.level, logging.INFO))


class Cleaner:
    """Takes out of a line what nobody may read there."""

    def __init__(self, *, shows_numbers: bool, secrets: tuple[str, ...]) -> None:
        """Leave numbers alone where they may be shown; take out these secrets in any case."""
        self._shows_numbers = shows_numbers
        self._secrets = secrets

    def clean(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Clean the names and values of a line."""
        return {
            self._clean_text(name, _TEXT_CHARACTERS_MAX): self._clean_field(name, value)
            for name, value in fields.items()
        }

    def _clean_field(self, name: str, value: object) -> object:
        if name.lower() in _SECRET_NAMES:
            return HIDDEN
        if name == "exception":
            return self._clean_text(str(value), _TRACE_CHARACTERS_MAX)
        return self._clean_value(value)

    def _clean_value(self, value: object) -> object:
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self._clean_text(value, _TEXT_CHARACTERS_MAX)
            case Mapping():
                return self.clean({str(name): kept for name, kept in value.items()})
            case list() | tuple() | set() | frozenset():
                return [self._clean_value(kept) for kept in value]
            case _:
                return self._clean_text(repr(value), _TEXT_CHARACTERS_MAX)

    def _clean_text(self, text: str, characters_max: int) -> str:
        # Cut first: what is left is looked through whole.
        kept = text if len(text) <= characters_max else f"{text[:characters_max]} [cut]"
        kept = hide_secrets(kept, self._secrets)
        return kept if self._shows_numbers else mask_numbers(kept)


class _Formatter(logging.Formatter):
    """Renders records; builds structlog's own formatter when the first one comes."""

    def __init__(self, cleaner: Cleaner, *, as_json: bool, has_colors: bool) -> None:
        super().__init__()
        self._cleaner = cleaner
        self._as_json = as_json
        self._has_colors = has_colors
        self._formatter: logging.Formatter | None = None

    # typing.override comes with Python 3.12.
    def format(self, record: logging.LogRecord) -> str:  # type: ignore[explicit-override]
        """Write one record as one line (for people: and its trace below)."""
        if self._formatter is None:
            self._formatter = self._build()
        return self._formatter.format(record)

    def _build(self) -> logging.Formatter:
        import structlog  # noqa: PLC0415 - see the module's docstring

        renderer: Processor
        if self._as_json:
            renderer = structlog.processors.JSONRenderer(sort_keys=False)
        else:
            renderer = structlog.dev.ConsoleRenderer(
                exception_formatter=structlog.dev.plain_traceback, colors=self._has_colors
            )
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                _stamp,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                _drop_leavings,
                _add_context,
            ],
            processors=[
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                self._clean,
                renderer,
            ],
        )

    def _clean(self, _logger: object, _method: str, fields: Fields) -> Fields:
        cleaned = self._cleaner.clean(fields)
        if not self._as_json:
            # On a terminal a control character would be obeyed, and a line break would begin a
            # line that looks like another one's.
            cleaned["event"] = _show_controls(str(cleaned["event"]))
        return cleaned


def _stamp(_logger: object, _method: str, fields: Fields) -> Fields:
    """Begin with the time at which the record was made."""
    record: logging.LogRecord = fields["_record"]
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return {"timestamp": at.replace("+00:00", "Z"), **fields}


def _drop_leavings(_logger: object, _method: str, fields: Fields) -> Fields:
    """Drop the event once more, as another handler's formatter or uvicorn left it in the record."""
    return {name: value for name, value in fields.items() if name not in _LEAVINGS}


def _add_context(_logger: object, _method: str, fields: Fields) -> Fields:
    """Add what is under way; what the line says itself wins."""
    about = {**_trace_fields(), **read_log_fields()}
    return {**fields, **{k: v for k, v in about.items() if k not in fields}}


def _trace_fields() -> dict[str, str]:
    """Name the trace that a line belongs to; where nothing traces, nothing is imported for it."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    span = trace.get_current_span().get_span_context()
    return {"trace_id": f"{span.trace_id:032x}"} if span.is_valid else {}


def _show_controls(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
