"""`consentry text-key`: the keys that texts are sealed with in the database."""

import os

import typer

from consentry.cli.output import JSONFlag, tell
from consentry.store.sealing import KEY_BYTES, TextKey

text_key_app = typer.Typer(
    help="Keys that texts are sealed with in the database: make.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(text_key_app, name="text-key")


@text_key_app.command("new")
def make_text_key(*, as_json: JSONFlag = False) -> None:
    """Make a key. It is printed once and kept nowhere: put it in front of CONSENTRY_TEXT_KEYS.

    Example: consentry text-key new
    """
    key = TextKey(os.urandom(KEY_BYTES))
    tell({"id": key.id, "key": key.written}, key.written, as_json=as_json)
