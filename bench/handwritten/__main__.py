"""Fill a database, or serve one."""

import argparse
import json
import sys

from filling import fill
from service import serve


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description="The gate and its doors as written by hand.")
    parser.add_argument("what", choices=("fill", "serve"))
    parser.add_argument("database", help="A URL as SQLAlchemy takes it.")
    parser.add_argument("--port", type=int, default=8001)
    chosen = parser.parse_args()
    if chosen.what == "fill":
        fill(chosen.database, json.load(sys.stdin))
    else:
        serve(chosen.database, chosen.port)


if __name__ == "__main__":
    main()
