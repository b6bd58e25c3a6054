"""Which operation answers a method and path: a look-up, or a few comparisons."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from consentry.api.operations import Operation

_NO_PARAMETERS: dict[str, str] = {}


class Endpoint(msgspec.Struct, frozen=True):
    """An operation made ready: with the decoder of its body."""

    operation: Operation[Any, Any]
    decoder: msgspec.json.Decoder[Any] | None


class Resource(msgspec.Struct, frozen=True):
    """A path with what answers each method."""

    path: str
    methods: dict[str, Endpoint]

    @property
    def allowed(self) -> str:
        """The methods, as the Allow header lists them; HEAD goes with GET."""
        names = set(self.methods)
        if "GET" in names:
            names.add("HEAD")
        return ", ".join(sorted(names))


class Match(NamedTuple):
    """A resource with the parameters of the path."""

    resource: Resource
    parameters: dict[str, str]


class Routes:
    """All resources of the table."""

    def __init__(self, operations: Iterable[Operation[Any, Any]]) -> None:
        self._fixed: dict[str, Match] = {}
        self._patterns: dict[tuple[int, str], list[tuple[list[str], Resource]]] = {}
        for resource in _group(operations):
            parts = resource.path.split("/")
            if "{" in resource.path:
                self._patterns.setdefault((len(parts), parts[1]), []).append((parts, resource))
            else:
                self._fixed[resource.path] = Match(resource, _NO_PARAMETERS)

    def find(self, path: str) -> Match | None:
        """Find what is at a path, or None."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed
        given = path.split("/")
        if len(given) < 2:
            return None
        for parts, resource in self._patterns.get((len(given), given[1]), ()):
            parameters = _match(parts, given)
            if parameters is not None:
                return Match(resource, parameters)
        return None


def _group(operations: Iterable[Operation[Any, Any]]) -> list[Resource]:
    resources: dict[str, Resource] = {}
    for operation in operations:
        body = operation.body
        decoder = None if body is None or body is bytes else msgspec.json.Decoder(body)
        resource = resources.setdefault(operation.path, Resource(operation.path, {}))
        resource.methods[operation.method] = Endpoint(operation, decoder)
    return list(resources.values())


def _match(parts: list[str], given: list[str]) -> dict[str, str] | None:
    """Compare part by part; an empty part is no parameter."""
    parameters: dict[str, str] = {}
    for part, text in zip(parts, given, strict=True):
        if part.startswith("{"):
            if not text:
                return None
            parameters[part[1:-1]] = text
        elif part != text:
            return None
    return parameters
