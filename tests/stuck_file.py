"""A row that a SQLite file never takes: whoever comes to it hangs there until it is killed."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

_STUCK = """
CREATE VIEW never AS WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT x FROM n;
CREATE TRIGGER stuck AFTER INSERT ON {table} WHEN {when} BEGIN SELECT count(*) FROM never; END
"""


@contextmanager
def stuck_at(path: Path, table: str, when: str) -> Iterator[None]:
    """Let nobody write rows of a table that are so (a condition on NEW) while the block runs.

    What was committed before is durable as ever; whoever hangs is dead at the end of the block.
    """
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(_STUCK.format(table=table, when=when))
        yield
        connection.set_busy_timeout(60_000)
        connection.execute("DROP TRIGGER stuck; DROP VIEW never")
