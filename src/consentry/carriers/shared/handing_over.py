"""Handing a text over by one HTTP request: what went wrong on the way is one of the answers."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from consentry.carriers.shared.way_out import (
    Answer,
    FenceClosed,
    NoAnswer,
    NothingSent,
    WayOut,
)
from consentry.ports import CarrierRefusal, Fence, Submission, Unanswered, Withheld


class HTTPRequest(msgspec.Struct, frozen=True):
    """A POST, ready to be made."""

    url: str
    headers: Mapping[str, str]
    body: bytes


async def hand_over(
    way_out: WayOut, request: HTTPRequest, fence: Fence, read: Callable[[Answer], Submission]
) -> Submission:
    """Make the request once, while the fence is open; `read` reads the answer, if one comes."""
    try:
        answer = await way_out.post(
            request.url, headers=request.headers, body=request.body, fence=fence
        )
    except FenceClosed as error:
        return Withheld(str(error))
    except NothingSent as error:
        return CarrierRefusal(permanent=False, opted_out=False, code="unreachable", text=str(error))
    except NoAnswer as error:
        return Unanswered(str(error))
    return read(answer)


_REQUEST_TIMEOUT: Final = 408
_SERVICE_UNAVAILABLE: Final = 503
_SERVER_ERROR: Final = 500


def sort_answer(
    answer: Answer,
    *,
    taken: Callable[[Answer], Submission],
    refused: Callable[[Answer], CarrierRefusal],
) -> Submission:
    """Read an answer by its HTTP status, with what reads one that says yes and one that says no.

    A 503 says that the request was not handled. Any other 5xx says that something broke, perhaps
    after the text was taken, and a 408 that it took too long, perhaps for a server behind the one
    that answers (docs/decisions/0005-retries-pass-the-gate.md).
    """
    if 200 <= answer.status < 300:
        return taken(answer)
    if _leaves_open(answer.status):
        return Unanswered(refused(answer).text)
    return refused(answer)


def _leaves_open(status: int) -> bool:
    """Tell whether a status does not say if the text was taken."""
    broke = status >= _SERVER_ERROR and status != _SERVICE_UNAVAILABLE
    return broke or status == _REQUEST_TIMEOUT
