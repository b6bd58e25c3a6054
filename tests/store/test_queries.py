"""Named queries in files."""

import re
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from store_world import START

from consentry.domain.entries import AUDIT_KINDS, EntryKind
from consentry.store.changed import Table
from consentry.store.migrate import read_migrations
from consentry.store.postgres.statements import write_array
from consentry.store.queries import parse_queries, read_queries
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.migrating import apply_migrations

pytestmark = pytest.mark.unit


def test_a_file_is_split_by_names() -> None:
    """Each query keeps its comments; what stands before the first name is left out."""
    text = "-- About.\n\n-- name: one\nSELECT 1;\n\n-- name: two\n-- Why.\nSELECT 2;\n"
    assert parse_queries(text) == {"one": "SELECT 1;", "two": "-- Why.\nSELECT 2;"}


def test_a_name_is_given_once() -> None:
    """Two queries of one name are an error that names it."""
    with pytest.raises(ValueError, match="named twice: one"):
        parse_queries("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")


def test_every_table_has_its_statement() -> None:
    """Whatever a change can hold can be written."""
    names = read_queries("sqlite", "write")
    assert {f"write_{table}" for table in Table} <= set(names)


YOUNGER_KINDS = {
    EntryKind.CONSENT_REQUESTED,
    EntryKind.PLACE_CHANGED,
    EntryKind.DRIFT_APPLIED,
    EntryKind.DRIFT_DISMISSED,
    EntryKind.RECONCILED,
    EntryKind.RULES_RECORDED,
    EntryKind.REVIEW_ANSWERED,
    EntryKind.ERASED,
}


def test_the_audit_is_of_the_kinds_that_the_domain_names() -> None:
    """The migration lists old entries of the same kinds as are listed when they are written.

    But for kinds that came after it: no entry was older.
    """
    kinds = ", ".join(f"'{kind}'" for kind in AUDIT_KINDS if kind not in YOUNGER_KINDS)
    sql = "".join(m.sql for m in read_migrations("sqlite"))
    named = [found for found in re.findall(r"kind IN \(([^)]*)\)", sql) if "exported" in found]
    assert {" ".join(found.split()) for found in named} == {kinds}


def test_an_array_is_written_as_postgresql_reads_it() -> None:
    """Each text in quotes, whatever is in it; none is an array without elements."""
    texts = ["+14155550142", 'a "b"', "c\\d", "", "NULL", "e,f", "{g}"]
    assert write_array(texts) == r'{"+14155550142","a \"b\"","c\\d","","NULL","e,f","{g}"}'
    assert write_array([]) == "{}"


SMALL = {"brands", "senders", "programs", "carriers", "api_keys", "agents", "processes"}
SMALL |= {"search_state", "calls_to_action", "templates", "keywords", "erasure_keys"}
SMALL |= {"webhooks", "webhook_secrets", "webhook_health"}
GIVEN = {"wanted", "asked", "priorities", "json_each", "jsonb_each", "customer", "phone", "mark"}
WANTED_WALKS = [("read_erased", "erased"), ("count_outbox", "jobs")]
"""All who were erased go into a snapshot of everybody; the outbox is counted when somebody asks."""
FOUND = {"due", "newest", "queued", "q", "found", "scanned", "told", "named", "lanes"}
FOUND |= {"CONSTANT", "(subquery)"}
"""What may be walked through: small tables, what was asked for, and what an index found."""


WALK = re.compile(r"SCAN (\S+)(?=\s|$)(?! VIRTUAL TABLE INDEX \d+:\S*[M=])")
"""A walk through a table; the index of grams is searched (M) or asked for one row (=)."""


@pytest.mark.parametrize("file", ["load", "read", "console", "search", "write"])
def test_no_query_walks_through_a_table_that_grows(tmp_path: Path, file: str) -> None:
    """SQLite's own plan of each query searches by an index; only `count_outbox` counts."""
    with closing(open_connection(tmp_path / "plans.db")) as connection:
        apply_migrations(connection, read_migrations("sqlite"), START)
        walks = []
        for name, query in read_queries("sqlite", file).items():
            bindings = dict.fromkeys(re.findall(r":(\w+)", query), 1) or (1,) * query.count("?")
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {query}", bindings):
                walk = WALK.match(re.sub(r"-\d+\)", ")", str(step)))
                if walk and walk[1] not in SMALL | GIVEN | FOUND:
                    walks.append((name, walk[1]))
    assert walks == (WANTED_WALKS if file == "read" else [])


@pytest.mark.parametrize(("file", "name"), [("read", "read_notices"), ("write", "write_postponed")])
def test_notices_of_one_message_are_found_by_their_ids(
    tmp_path: Path, file: str, name: str
) -> None:
    """And not among all that wait, of which there may be very many while a program is away."""
    plan = explain(tmp_path, file, name)
    assert any(step.endswith("(id>? AND id<?)") for step in plan), plan
    assert not any(step.endswith("(state=?)") for step in plan), plan


def test_notices_are_listed_by_where_they_go(tmp_path: Path) -> None:
    """A page is the first few of each server and webhook, and not the best of all there are."""
    plan = explain(tmp_path, "read", "list_notices")
    assert any(step.startswith("SEARCH first USING COVERING INDEX") for step in plan), plan
    assert [step for step in plan if step.startswith("SEARCH n ")] == [
        "SEARCH n USING COVERING INDEX notices_due (state=? AND host>?)",
        "SEARCH n USING INTEGER PRIMARY KEY (rowid=?)",
    ]


def test_an_erasure_finds_what_programs_were_not_told_of_a_number(tmp_path: Path) -> None:
    """And does not walk through all that was given up, of which there may be very much."""
    plan = explain(tmp_path, "erase", "destroy_notices")
    assert any("INDEX notices_of (recipient=?)" in step for step in plan), plan
    assert not any(step.startswith("SCAN") for step in plan), plan


def test_a_query_is_prepared_once_whatever_is_bound_to_it(tmp_path: Path) -> None:
    """SQLite would plan the claim of due jobs anew each time, for the sake of its LIMIT."""
    with closing(open_connection(tmp_path / "plans.db")) as connection:
        apply_migrations(connection, read_migrations("sqlite"), START)
        anew: list[int] = []
        connection.trace_v2(
            apsw.SQLITE_TRACE_PROFILE,
            lambda told: anew.append(told["stmt_status"]["SQLITE_STMTSTATUS_REPREPARE"]),
        )
        query = read_queries("sqlite", "load")["load_due_work"]
        for limit in (1, 50, 1000):
            due = {"keys": '["+14155550100"]', "now": 1, "limit": limit}
            assert connection.execute(query, due).fetchall() == [("[]",)]
    assert anew == [0, 0, 0]


def explain(folder: Path, file: str, name: str) -> list[str]:
    """Give SQLite's own plan of a query, step by step."""
    with closing(open_connection(folder / "plans.db")) as connection:
        apply_migrations(connection, read_migrations("sqlite"), START)
        query = read_queries("sqlite", file)[name]
        bindings = dict.fromkeys(re.findall(r":(\w+)", query), 1)
        return [str(row[-1]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", bindings)]
