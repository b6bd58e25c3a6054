"""One fresh world a test."""

from collections.abc import Iterator

import pytest
from carrier_world import World, running_world


@pytest.fixture
def world() -> Iterator[World]:
    """A simulator with a long code, a toll-free number and a short code."""
    with running_world() as world:
        yield world


@pytest.fixture(scope="session")
def shared_world() -> Iterator[World]:
    """One world for the examples of properties and for whatever is only ever refused."""
    with running_world() as world:
        yield world
