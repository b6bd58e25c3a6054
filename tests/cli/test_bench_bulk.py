"""The load generator of the bulk check counts what it does not keep."""

import pytest

from consentry.cli.bench.bulk import Decisions

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("size", [1, 2, 5, 10, 11, 12, 40, 1000])
def test_decisions_are_counted_wherever_an_answer_is_cut(size: int) -> None:
    """Pieces of any size have the same decisions, and the first of them is remembered."""
    answer = b'{"decision":"allow"}\n' * 30 + b'{"code":"decision"}\n"decision":"decision":'
    seen = Decisions()
    for start in range(0, len(answer), size):
        seen.add(answer[start : start + size])
    assert seen.count == 32
    assert seen.beginning == answer[: min(size, 400)]
