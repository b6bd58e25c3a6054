"""A page as a tree, for tests that ask what is shown where."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})


@dataclass
class Node:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: list["Node | str"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """Go through this element and all that are in it."""
        yield self
        for part in self.inside:
            if isinstance(part, Node):
                yield from part.walk()

    @property
    def raw(self) -> str:
        """All words in it, with their white space."""
        return "".join(part if isinstance(part, str) else part.raw for part in self.inside)

    @property
    def words(self) -> str:
        """All words in it, as one line."""
        return " ".join(self.raw.split())

    @property
    def classes(self) -> set[str]:
        """Its classes."""
        return set(self.attributes.get("class", "").split())

    def all(self, tag: str = "", name: str = "") -> list["Node"]:
        """List elements of a tag and a class in it."""
        return [
            node
            for node in self.walk()
            if node is not self
            and (not tag or node.tag == tag)
            and (not name or name in node.classes)
        ]

    def one(self, tag: str = "", name: str = "") -> "Node":
        """Find the one element of a tag and a class in it."""
        (found,) = self.all(tag, name)
        return found

    def by_id(self, key: str) -> "Node":
        """Find the one element with an id."""
        (found,) = [node for node in self.walk() if node.attributes.get("id") == key]
        return found

    def has_id(self, key: str) -> bool:
        """Tell whether there is an element with an id."""
        return any(node.attributes.get("id") == key for node in self.walk())

    def values(self, name: str) -> list[str]:
        """List the values of the fields of a name."""
        return [
            n.attributes.get("value", "") for n in self.walk() if n.attributes.get("name") == name
        ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("page")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Put an empty element in its place."""
        self._open[-1].inside.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close an element; each must close what was opened last."""
        opened = self._open.pop()
        assert opened.tag == tag, f"</{tag}> closes <{opened.tag}>"

    def handle_data(self, data: str) -> None:
        """Keep words."""
        self._open[-1].inside.append(data)


def read_tree(page: str) -> Node:
    """Read a page; its elements must be nested as they were opened."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader._open == [reader.root]  # noqa: SLF001 - the reader of this module
    return reader.root
