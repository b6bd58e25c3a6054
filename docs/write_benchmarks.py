"""Put the figures of a run into docs/benchmarks.md, between the markers that are there.

consentry bench --json > run.json
consentry bench --grow 20000000 --json > growth.json
python docs/write_benchmarks.py run.json growth.json
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("benchmarks.md")
MAIN = 32
UNITS = {
    "ratio": "{:.2f}",
    "per_second": "{:,.0f} /s",
    "milliseconds": "{:.1f} ms",
    "mebibytes": "{:.0f} MiB",
    "seconds": "{:.2f} s",
    "count": "{:,.0f}",
}


def main(files: Sequence[str]) -> None:
    """Write the tables of these runs; of a growth there is nothing but figures and its rows."""
    page = PAGE.read_text(encoding="utf-8")
    for file in files:
        run = json.loads(Path(file).read_text(encoding="utf-8"))
        growth = any("slower" in figure["name"] for figure in run["figures"])
        page = write_run(page, run, "growth" if growth else "run")
    PAGE.write_text(page, encoding="utf-8")


def write_run(page: str, run: dict[str, Any], name: str) -> str:
    """Put one run between its markers; raises `LookupError` where they are not."""
    tables = [
        write_machine(run),
        write_goals(run["figures"]),
        *(
            f"### {operation}\n\n{write_operation(rows)}"
            for operation, rows in group_rows(run["table"]).items()
        ),
    ]
    pattern = re.compile(f"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.DOTALL)
    if pattern.search(page) is None:
        raise LookupError(f"There are no markers {name!r} in the page.")
    text = "\n\n".join(tables)
    return pattern.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page)


def write_machine(run: dict[str, Any]) -> str:
    """Say on what it was measured, and how long that took."""
    machine = run["machine"]
    return (
        f"{machine['cores']} cores, {machine['processor']}; {machine['system']}, CPython "
        f"{machine['python']}, SQLite {machine['sqlite']}. It took {run['seconds']:,.0f} s."
    )


def write_goals(figures: Iterable[dict[str, Any]]) -> str:
    """Write the figures that have a goal."""
    rows = [
        (figure["title"].strip(), write_goal(figure), write_value(figure), write_met(figure))
        for figure in figures
        if figure["at_least"] is not None or figure["at_most"] is not None
    ]
    return write_table(("what", "goal", "measured", ""), rows)


def write_goal(figure: dict[str, Any]) -> str:
    """Write the goal."""
    if figure["at_least"] is not None:
        return f"≥ {figure['at_least']:,g}"
    return f"≤ {figure['at_most']:,g}"


def write_value(figure: dict[str, Any]) -> str:
    """Write what was measured, or why nothing was."""
    if figure["value"] is None:
        return str(figure["note"])
    return UNITS[figure["unit"]].format(figure["value"])


def write_met(figure: dict[str, Any]) -> str:
    """Say whether the goal was reached."""
    return {True: "met", False: "**missed**", None: ""}[figure["met"]]


def group_rows(table: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Group the rows by operation, in their order."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in table:
        grouped.setdefault(row["operation"].capitalize(), []).append(row)
    return grouped


def write_operation(rows: list[dict[str, Any]]) -> str:
    """Write a line for each server, with a column for each number in flight."""
    numbers = sorted({row["in_flight"] for row in rows if not row["note"]})
    servers = list(dict.fromkeys(map(name_server, rows)))
    lines = []
    for server in servers:
        own = {row["in_flight"]: row for row in rows if name_server(row) == server}
        main = own.get(MAIN) or own[max(own)]
        rates = [write_rate(own[number]) if number in own else "" for number in numbers]
        costs = [
            write_number(main[name])
            for name in ("processor_microseconds", "database_microseconds", "worker_mebibytes")
        ]
        lines.append((server, *rates, *costs, main["note"]))
    heads = [f"{number} in flight" if number else "per second" for number in numbers]
    columns = ("", *heads, "CPU, microseconds", "of the database", "MiB", "")
    return write_table(columns, lines)


def name_server(row: dict[str, Any]) -> str:
    """Name whose row it is."""
    workers = f", {row['workers']} processes" if row["workers"] > 1 else ""
    return f"{row['who']}, {row['store']}{workers}" if row["store"] else str(row["who"])


def write_rate(row: dict[str, Any]) -> str:
    """Write the rate, and p50 and p99 where they are known."""
    rate = f"{row['per_second']:,.0f}"
    if row["p50_milliseconds"] is None:
        return rate
    return f"{rate} ({row['p50_milliseconds']:.1f} / {row['p99_milliseconds']:.1f})"


def write_number(value: float | None) -> str:
    """Write a number, or nothing."""
    return "" if value is None else f"{value:,.0f}"


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
