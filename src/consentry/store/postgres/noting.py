"""What is noted of a PostgreSQL database as a whole."""

from consentry.store.postgres.connection import Connection


async def read_notes(connection: Connection) -> dict[str, str]:
    """Read all notes."""
    rows = await connection.fetch("SELECT name, value FROM notes")
    return {row["name"]: row["value"] for row in rows}


async def write_note(connection: Connection, name: str, value: str) -> None:
    """Write a note in the place of the one with that name; the transaction is the caller's."""
    await connection.execute(
        "INSERT INTO notes (name, value) VALUES ($1, $2) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )
