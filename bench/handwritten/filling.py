"""The same content as the product's database, written by the database itself."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from directory import hash_key
from service import build_engine
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection
from tables import accounts, api_keys, blocks, consents, metadata, senders, suppressions, threads

CHUNK = 1_000_000
SERIES = {
    "sqlite": "SELECT {first} UNION ALL SELECT place + 1 FROM places WHERE place < {last}",
    "postgresql": "SELECT * FROM generate_series({first}, {last})",
}
FILL = """
WITH RECURSIVE places (place) AS ({series})
INSERT INTO {table} (recipient, {columns})
SELECT
    '+1' || CASE place / {size} {areas} END || CAST({begin} + place % {size} AS text), {values}
FROM places WHERE place % {count} = {shape}
"""


def fill(url: str, content: Mapping[str, Any]) -> None:
    """Make the tables and fill them: `content` says with how many people of which shapes."""
    asyncio.run(_fill(url, content))


async def _fill(url: str, content: Mapping[str, Any]) -> None:
    engine = build_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(api_keys.insert(), {"hash": hash_key(content["key"])})
        await connection.execute(accounts.insert(), content["account"])
        await connection.execute(senders.insert(), content["senders"])
        for table in (consents, blocks, suppressions, threads):
            await _fill_table(connection, table, content)
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("ANALYZE"))
    await engine.dispose()


async def _fill_table(
    connection: AsyncConnection, table: Table, content: Mapping[str, Any]
) -> None:
    """Give each person the rows of their shape."""
    columns = [column.name for column in table.columns][1:]
    shapes, people = content["shapes"], content["people"]
    zone = "" if connection.dialect.name == "sqlite" else "+00:00"
    for shape, standing in enumerate(shapes):
        for row in standing.get(table.name, ()):
            values = ", ".join(_write(table, name, row.get(name), zone) for name in columns)
            for first in range(0, people, CHUNK):
                await connection.exec_driver_sql(
                    FILL.format(
                        series=SERIES[connection.dialect.name].format(
                            first=first, last=min(first + CHUNK, people) - 1
                        ),
                        table=table.name,
                        columns=", ".join(columns),
                        size=content["people_of_area"],
                        areas=" ".join(
                            f"WHEN {place} THEN '{area}'"
                            for place, area in enumerate(content["areas"])
                        ),
                        begin=content["first"],
                        values=values,
                        count=len(shapes),
                        shape=shape,
                    )
                )


def _write(table: Table, name: str, value: Any, zone: str) -> str:
    """Write a value as SQL, a time as SQLAlchemy keeps it."""
    if value is None:
        return "NULL"
    if table.columns[name].type.python_type is datetime:
        value = datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M:%S.%f") + zone
    return f"'{value}'"
