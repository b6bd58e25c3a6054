"""Answers of carriers as JSON: what cannot be read says nothing, and what that means."""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from consentry.carriers.shared.way_out import Answer
from consentry.ports import CarrierRefusal, CarrierUnreachable, Unanswered

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_GOOD: Final = 200
_T = TypeVar("_T")


def read_answer(decoder: "msgspec.json.Decoder[_T]", answer: Answer) -> _T | None:
    """Read an answer as the decoder's type; None where it is none."""
    try:
        return decoder.decode(answer.body)
    except _UNREADABLE:
        return None


def read_list(decoder: "msgspec.json.Decoder[_T]", body: bytes, *, what: str) -> _T:
    """Read what was asked for; raises `CarrierUnreachable`, which names it by `what`."""
    try:
        return decoder.decode(body)
    except _UNREADABLE as error:
        raise CarrierUnreachable(f"{what} cannot be read: {error}") from error


def require_good(answer: Answer, refused: Callable[[Answer], CarrierRefusal]) -> bytes:
    """Give what a question was answered with; raises `CarrierUnreachable` where that is a no."""
    if answer.status != _GOOD:
        raise CarrierUnreachable(refused(answer).text)
    return answer.body


def call_unclear(answer: Answer) -> Unanswered:
    """Say of an answer that seems to be a yes that it may as well be none."""
    return Unanswered(f"The answer, HTTP {answer.status}, does not say whether it was taken.")
