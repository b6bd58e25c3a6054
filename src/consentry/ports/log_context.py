"""What a line of the log is about: the request or the message that was under way.

Setting it costs next to nothing; what it tells is made only when a line is written.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol


class LogContext(Protocol):
    """Something that is under way."""

    def log_fields(self) -> Mapping[str, object]:
        """Tell what the lines about it carry: ids and names of routes, never a person."""


class About:
    """Implements `LogContext` with fields that are known already."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def log_fields(self) -> Mapping[str, object]:
        """Tell them."""
        return self._fields


_CONTEXT: Final[ContextVar[LogContext | None]] = ContextVar("log_context", default=None)


def set_log_context(context: LogContext) -> None:
    """Say what is under way until the end of this task."""
    _CONTEXT.set(context)


@contextmanager
def log_about(**fields: object) -> Iterator[None]:
    """Add fields to what is under way, for the lines within."""
    before = _CONTEXT.set(About({**read_log_fields(), **fields}))
    try:
        yield
    finally:
        _CONTEXT.reset(before)


def read_log_fields() -> Mapping[str, object]:
    """Tell what is under way here and now."""
    context = _CONTEXT.get()
    return {} if context is None else context.log_fields()
