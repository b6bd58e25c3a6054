"""Where Twilio's own OpenAPI description is, for the tests that hold us to it.

It is not ours, so it is not in the repository: it is looked for beside the checkout, or where the
variable says.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

VARIABLE: Final = "CONSENTRY_TWILIO_OPENAPI"
_BESIDE: Final = "shared/data/twilio-messages-openapi.json"


Known = Mapping[str, Sequence[str]]
"""Values of parameters of the path and fields of the form, by their names."""


def write_description(folder: Path, known: Known | None = None) -> Path:
    """Write the description as the judges need it; without the file the test is skipped, loudly.

    One thing in it contradicts its own examples: it calls the addresses in a list's envelope
    absolute ones, and they are relative, as everywhere at Twilio. `known` are values that mean
    something to the server that is judged, to be tried in the place of made-up ones.
    """
    description = json.loads(_find_description().read_text(encoding="utf-8"))
    listing = description["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["get"]
    envelope = listing["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    for name in ("uri", "first_page_uri", "next_page_uri", "previous_page_uri"):
        del envelope[name]["format"]
    for path in description["paths"].values():
        for operation in filter(lambda one: isinstance(one, dict), path.values()):
            _put_known(operation, known or {})
    written = folder / "twilio-messages.json"
    written.write_text(json.dumps(description), encoding="utf-8")
    return written


def _put_known(operation: dict[str, Any], known: Known) -> None:
    """Let an operation be tried with values that are known to the server."""
    places = {one["name"]: one["schema"] for one in operation.get("parameters", ())}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        places |= content["schema"]["properties"]
    for name in places.keys() & known.keys():
        places[name].clear()
        places[name].update(type="string", enum=list(known[name]))


def _find_description() -> Path:
    named = os.environ.get(VARIABLE)
    if named is not None:
        assert Path(named).is_file(), f"{VARIABLE} names {named}, which is no file"
        return Path(named)
    # A worktree of the checkout lies deeper than the checkout itself.
    for folder in Path(__file__).parents:
        if (folder / _BESIDE).is_file():
            return folder / _BESIDE
    pytest.skip(
        f"NOT TRIED: Twilio's OpenAPI description of Messages is not at ../{_BESIDE}; "
        f"{VARIABLE} may say where it is"
    )
