"""Reads from SQLite: each is one query and one decode, a few microseconds on the event loop."""

from datetime import UTC, datetime
from typing import Final

import apsw

from consentry.domain.customers import Customer
from consentry.domain.directory import Directory
from consentry.domain.entries import Entry
from consentry.domain.messages import Message
from consentry.domain.standing import Standing
from consentry.ports import APIKey, CarrierAccount, MessageFilter, Page, StoreUnavailable, Work
from consentry.store import rows
from consentry.store.loading import DirectoryReader
from consentry.store.queries import read_queries

_READ: Final = read_queries("sqlite", "read")
_STANDING: Final = _READ["read_standing"]
_FACTS: Final = _READ["read_facts"]
_STANDINGS: Final = read_queries("sqlite", "load")["load_standings"]

_EMPTY: Final = Standing()
_FIRST: Final = "\U0010ffff"
"""Sorts after every id: the cursor of the first page."""

_END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)

_Binding = str | int | None


class Reader:
    """Reads through a connection of its own. Every method raises `StoreUnavailable`."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Read through this connection."""
        self._connection = connection
        self._directory = DirectoryReader(connection)

    def read_directory(self) -> Directory:
        """Return the directory as it is now."""
        try:
            return self._directory.read()
        except apsw.Error as error:
            raise _unavailable(error) from error

    def read_standing(self, recipient: str) -> Standing:
        """Return one standing; this is on the path of every gate, so it takes no detour."""
        try:
            row = self._connection.execute(_STANDING, (recipient,)).fetchone()
        except apsw.Error as error:
            raise _unavailable(error) from error
        return _EMPTY if row is None else rows.decode_standing(row[0])

    def read_facts(self, recipient: str) -> tuple[Directory, Standing]:
        """Return the directory and one standing, in one query while the directory is the same."""
        try:
            version, value = next(self._connection.execute(_FACTS, (recipient,)))
            directory = self._directory.at(version)
        except apsw.Error as error:
            raise _unavailable(error) from error
        return directory, _EMPTY if value is None else rows.decode_standing(value)

    def read_standings(self, recipients: list[str]) -> list[Standing]:
        """Return standings in the order asked."""
        keys: dict[str, _Binding] = {"keys": rows.encode(recipients).decode()}
        found = rows.decode_standings(self._text(_STANDINGS, keys))
        return [found.get(recipient, _EMPTY) for recipient in recipients]

    def read_entries(self, recipient: str, page: Page, until: datetime | None) -> list[Entry]:
        """List entries of a recipient, newest first, recorded no later than `until`."""
        bindings: dict[str, _Binding] = {
            "recipient": recipient,
            "before": page.before,
            "until": rows.to_microseconds(until or _END_OF_TIME),
            "limit": page.limit,
        }
        return rows.decode_entries(self._text(_READ["read_entries"], bindings))

    def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages, newest first, by the index that fits the filter best."""
        if wanted.recipient is not None:
            name = "read_messages_of_recipient"
        elif wanted.sender is not None:
            name = "read_messages_of_sender"
        elif wanted.status is not None:
            name = "read_messages_in_status"
        else:
            name = "read_messages"
        bindings: dict[str, _Binding] = {
            "recipient": wanted.recipient,
            "sender": wanted.sender,
            "status": wanted.status,
            "before": page.before,
            "limit": page.limit,
        }
        return rows.decode_messages(self._text(_READ[name], bindings))

    def read_indeterminate(self, limit: int, after: str | None) -> list[Work]:
        """List indeterminate work in the order of message ids, from behind the id `after`."""
        bindings: dict[str, _Binding] = {"after": after or "", "limit": limit}
        return rows.decode_works(self._text(_READ["read_indeterminate"], bindings))

    def read_message(self, message_id: str) -> Message | None:
        """Find a message."""
        found = self._value("read_message", message_id)
        return None if found is None else rows.decode_message(found)

    def read_customers(self, page: Page, search: str | None) -> list[Customer]:
        """List customers that were not merged into another, newest first."""
        bindings: dict[str, _Binding] = {"before": _cursor(page), "limit": page.limit}
        name = "read_customers"
        if search is not None and search.strip():
            name = "search_customers"
            bindings["words"] = rows.fold_search(search)
        return rows.decode_customers(self._text(_READ[name], bindings))

    def read_customer(self, customer_id: str) -> Customer | None:
        """Find a customer, merged ones too."""
        found = self._value("read_customer", customer_id)
        return None if found is None else rows.decode_customer(found)

    def read_profiles(self, recipient: str) -> list[Customer]:
        """List the customers that have this number, oldest first."""
        return rows.decode_customers(self._text(_READ["read_profiles"], {"number": recipient}))

    def read_carriers(self) -> list[CarrierAccount]:
        """List carrier accounts."""
        return rows.decode_carriers(self._text(_READ["read_carriers"], {}))

    def read_keys(self) -> list[APIKey]:
        """List API keys."""
        return rows.decode_keys(self._text(_READ["read_keys"], {}))

    def read_recipients(self, page: Page) -> list[tuple[str, Standing]]:
        """List recipients with their standings, in the order of their numbers."""
        bindings: dict[str, _Binding] = {"after": page.before or "", "limit": page.limit}
        return rows.decode_recipients(self._text(_READ["read_recipients"], bindings))

    def count_outbox(self) -> int:
        """Count jobs in the outbox."""
        return int(self._text(_READ["count_outbox"], {}))

    def next_due(self) -> tuple[tuple[str, datetime], ...]:
        """List senders with queued jobs, each with its earliest due time."""
        found = rows.decode_due(self._text(_READ["next_due"], {}))
        return tuple((sender, rows.from_microseconds(due)) for sender, due in found)

    def _text(self, query: str, bindings: dict[str, _Binding]) -> str:
        """Run a query that always answers with one row of one value."""
        try:
            (text,) = next(self._connection.execute(query, bindings))
        except apsw.Error as error:
            raise _unavailable(error) from error
        return str(text)

    def _value(self, name: str, key: str) -> str | None:
        """Run a query for one row that may not be there."""
        try:
            row = self._connection.execute(_READ[name], (key,)).fetchone()
        except apsw.Error as error:
            raise _unavailable(error) from error
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


def _cursor(page: Page) -> str:
    return _FIRST if page.before is None else page.before


def _unavailable(error: apsw.Error) -> StoreUnavailable:
    return StoreUnavailable(f"The database does not answer ({error}). Check it and try again.")
