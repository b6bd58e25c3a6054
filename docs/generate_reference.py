"""Writes docs/reference from the program itself: settings, commands, reasons, routes, metrics.

Run it as `python docs/generate_reference.py`; a test fails where a page is not what it would write.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by docs/generate_reference.py; change the program, not this page. -->\n\n"


def _settings() -> str:
    from consentry.settings import SETTINGS  # noqa: PLC0415 - each page loads what it shows

    rows = "".join(
        f"| `{s.variable}` | `{s.name}` | {_code(s.default)} | {s.help} |\n" for s in SETTINGS
    )
    return (
        "# Settings\n\nThe environment wins over `consentry.toml` in the working folder, which "
        "wins over the default.\n\n"
        "| environment | `consentry.toml` | default | what it does |\n|---|---|---|---|\n" + rows
    )


def _code(text: str) -> str:
    return f"`{text}`" if text else "empty"


def _commands() -> str:
    from typer.main import get_command  # noqa: PLC0415 - see above

    from consentry.cli.app import app  # noqa: PLC0415 - see above

    sections = "".join(_sections(get_command(app), ("consentry",)))
    return f"# Commands\n\nExit codes: 0 done, 1 not done and why, 2 bad use.\n\n{sections}"


def _sections(command: object, path: tuple[str, ...]) -> Iterator[str]:
    subcommands = getattr(command, "commands", None)
    if subcommands is not None:
        for name in sorted(subcommands):
            yield from _sections(subcommands[name], (*path, name))
        return
    context = command.make_context(" ".join(path), [], resilient_parsing=True)
    yield f"## `{' '.join(path)}`\n\n```text\n{command.get_help(context).strip()}\n```\n\n"


def _reasons() -> str:
    from consentry.domain.reasons import REASONS, Reason  # noqa: PLC0415 - see above

    rows = "".join(
        f"| `{r}` | {REASONS[r].status} | {REASONS[r].twilio_code} | {REASONS[r].detail} |\n"
        for r in Reason
    )
    return (
        "# Why a text is not allowed\n\nIn order of precedence: the first that holds is given.\n\n"
        "| reason | HTTP status | Twilio code | what is said |\n|---|---|---|---|\n" + rows
    )


def _keywords() -> str:
    from consentry.domain.carrier_profiles import TABLE  # noqa: PLC0415 - see above

    rows = ""
    for profile in TABLE.profiles:
        kinds = ", ".join(profile.kinds)
        since = f"since {profile.since}" if profile.since else ""
        until = f"until {profile.until}" if profile.until else ""
        dates = f"{since} {until}".strip() or "always"
        for row in profile.rows:
            words = ", ".join(f"`{text}`" for text in row.texts)
            layers = ", ".join(row.layers) or "none"
            rows += (
                f"| {profile.carrier} {kinds} | {dates} | {profile.match} | {row.word} "
                f"| {words} | {layers} |\n"
            )
    return (
        "# Keywords that carriers act on\n\nThe whole text is compared, in any case, with white "
        "space around it dropped; `begins_with` compares the first word.\n"
        f"Edition {TABLE.version}.\n\n"
        "| carrier and kind | in force | match | word | texts | blocks it sets or lifts |\n"
        "|---|---|---|---|---|---|\n" + rows
    )


def _routes() -> str:
    from consentry.api.table import OPERATIONS  # noqa: PLC0415 - see above

    rows = "".join(
        f"| `{o.method} {o.path}` | {o.scope or 'none'} | {o.summary} |\n" for o in OPERATIONS
    )
    return (
        "# HTTP\n\nThe whole description is at `/openapi.json`, readable at `/docs`.\n\n"
        "| route | scope | what it does |\n|---|---|---|\n" + rows
    )


def _metrics() -> str:
    from consentry.telemetry.metrics import METRICS  # noqa: PLC0415 - see above

    rows = "".join(
        f"| `{m.name}` | {m.kind} | {', '.join(f'`{label}`' for label in m.labels)} | {m.help} |\n"
        for m in METRICS
    )
    buckets = "".join(
        f"- `{m.name}`: {', '.join(f'{bound:g}' for bound in m.buckets)}\n"
        for m in METRICS
        if m.buckets
    )
    return (
        "# Metrics\n\n`GET /metrics`, in Prometheus's text format or OpenMetrics. No label names a "
        "person, and every label has a bounded number of values. Counters begin at zero when the "
        "process starts. Beside these stand `process_*` of the Prometheus client: processor time, "
        "memory, open files, start time.\n\n"
        "| metric | kind | labels | what it tells |\n|---|---|---|---|\n" + rows + "\n"
        "Upper bounds of the histograms' buckets:\n\n" + buckets
    )


PAGES = {
    "settings.md": _settings,
    "commands.md": _commands,
    "reasons.md": _reasons,
    "keywords.md": _keywords,
    "http.md": _routes,
    "metrics.md": _metrics,
}


def render() -> dict[str, str]:
    """Render every page by its file name."""
    # Help texts are folded to the terminal's width; a page has one width everywhere.
    os.environ["COLUMNS"] = os.environ["TERMINAL_WIDTH"] = "100"
    return {name: _NOTE + page().rstrip() + "\n" for name, page in PAGES.items()}


if __name__ == "__main__":
    for name, text in render().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {name}\n")
