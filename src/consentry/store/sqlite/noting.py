"""What is noted of a SQLite file as a whole."""

import apsw


def read_notes(connection: apsw.Connection) -> dict[str, str]:
    """Read all notes."""
    rows = connection.execute("SELECT name, value FROM notes")
    return {str(name): str(value) for name, value in rows}


def write_note(connection: apsw.Connection, name: str, value: str) -> None:
    """Write a note in the place of the one with that name; the transaction is the caller's."""
    connection.execute(
        "INSERT INTO notes (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
