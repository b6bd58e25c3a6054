"""What an agent looks at in the inbox, as it stands in the address of every page that shows it."""

from typing import Final, Self
from urllib.parse import urlencode

import msgspec

from consentry.console.pages import Visit

SEARCH_CHARACTERS_MAX: Final = 200
_CUSTOMERS: Final = "/console/customers/"


class InboxChoice(msgspec.Struct, frozen=True):
    """What the list shows, and beside which conversation.

    `sender` holds it to one of our numbers. `before` is where a further page of conversations
    begins, `people` where a further page of a search does. `opened` is the customer whose page
    the list stands on, and `talk` our number in the conversation that is open there.
    """

    sender: str = ""
    show_all: bool = False
    search: str = ""
    before: str = ""
    people: str = ""
    opened: str = ""
    talk: str = ""

    @classmethod
    def of(cls, visit: Visit) -> Self:
        """Read the choice from an address.

        On a customer's page `sender` is our number in the conversation, so there the list's own
        is called `list`.
        """
        beside = visit.request.path_params.get("id", "")
        return cls(
            sender=visit.query("list" if beside else "sender"),
            show_all=visit.query("show") == "all",
            search=visit.query("search")[:SEARCH_CHARACTERS_MAX],
            before=visit.query("before"),
            people=visit.query("people"),
            opened=beside or visit.query("open"),
            talk=visit.query("sender" if beside else "from"),
        )

    def address(self) -> str:
        """Write the address of the list as it is, on the page that it stands on."""
        if self.opened:
            return self.address_of(self.opened, self.talk)
        return _join("/console", sender=self.sender, **self._shown())

    def address_of(self, customer: str, talk: str) -> str:
        """Write the address of a conversation, with the list as it is beside it."""
        return _join(f"{_CUSTOMERS}{customer}", sender=talk, list=self.sender, **self._shown())

    def home(self) -> str:
        """Write the address of the list on its own page: where a form leads back to."""
        return msgspec.structs.replace(self, opened="", talk="").address()

    def filing(self) -> str:
        """Write where a number is filed, so that the list stays as it is on the page after."""
        return _join("/console/conversations/file", sender=self.sender, **self._shown())

    def part(self, tag: str) -> str:
        """Write the address of the rows alone; the form of the search says what is searched.

        `tag` is that of the rows that are there already.
        """
        return _join(
            "/console/inbox",
            before=self.before,
            people=self.people,
            open=self.opened,
            **{"from": self.talk},
            tag=tag,
        )

    def but(self, **changes: object) -> Self:
        """Choose something else, from the first page on."""
        return msgspec.structs.replace(self, **{"before": "", "people": "", **changes})

    def _shown(self) -> dict[str, str]:
        return {
            "show": "all" if self.show_all else "",
            "search": self.search,
            "before": self.before,
            "people": self.people,
        }


def _join(path: str, **named: str) -> str:
    """Put what is not empty behind a path."""
    query = urlencode({name: value for name, value in named.items() if value})
    return f"{path}?{query}" if query else path
