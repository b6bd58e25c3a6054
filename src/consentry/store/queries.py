"""SQL lives in files, one named query after the other: `-- name: read_message`."""

import re
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def parse_queries(text: str) -> dict[str, str]:
    """Split a file into its queries by name; what stands before the first name is a comment.

    Raises `ValueError` where a name comes twice.
    """
    parts = _NAME.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"These queries are named twice: {', '.join(twice)}. Rename one of each.")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}


def read_queries(database: str, file: str) -> dict[str, str]:
    """Read the named queries of one file, for example of `sqlite` and `load`."""
    folder = files("consentry.store") / "queries" / database
    return parse_queries((folder / f"{file}.sql").read_text(encoding="utf-8"))
