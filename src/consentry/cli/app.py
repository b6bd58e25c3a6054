"""All commands put together."""

import sys

import typer

from consentry import __version__
from consentry.cli import (
    agents,
    asking,
    backing_up,
    bringing_in,
    calls_to_action,
    carriers,
    consents,
    customers,
    doctor,
    erasing,
    evidence,
    expiring,
    importing,
    keywords,
    ledger,
    moving,
    opting_out,
    places,
    programs,
    reader,
    reconciling,
    registering,
    replaying,
    retaining,
    reviewing,
    ruling,
    running,
    scrubbing,
    setting_up,
    taking_along,
    text_keys,
    webhooks,
    wording,
)
from consentry.cli.bench import command as bench_command
from consentry.cli.bench import console_command
from consentry.cli.generate import command as generate_command
from consentry.cli.output import fail
from consentry.ports import LogDamaged, Rejected, StoreUnavailable, TextSealed
from consentry.setting_values import SettingError
from consentry.store.migrate import MigrationError
from consentry.store.sides import CopyError
from consentry.store.sqlite.holding import DatabaseInUse

app = typer.Typer(
    name="consentry",
    help="SMS consent: who may be texted, by whom, and why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
running.register(app)
setting_up.register(app)
text_keys.register(app)
calls_to_action.register(app)
programs.register(app)
wording.register(app)
registering.register(app)
carriers.register(app)
moving.register(app)
ledger.register(app)
doctor.register(app)
backing_up.register(app)
agents.register(app)
consents.register(app)
opting_out.register(app)
expiring.register(app)
asking.register()
importing.register()
bringing_in.register(app)
taking_along.register(app)
keywords.register(app)
customers.register(app)
erasing.register(app)
reconciling.register(app)
webhooks.register(app)
reviewing.register(app)
reader.register(app)
replaying.register(app)
evidence.register(app)
retaining.register(app)
places.register(app)
ruling.register(app)
scrubbing.register(app)
bench_command.register(app)
console_command.register(app)
generate_command.register(app)


def _show_version(*, value: bool) -> None:
    if value:
        sys.stdout.write(f"consentry {__version__}\n")
        raise typer.Exit


@app.callback()
def start(
    *,
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """SMS consent: who may be texted, by whom, and why."""
    del version


def run() -> None:
    """Run one command; what users can mend is told in one sentence with exit code 1 or 2."""
    try:
        app()
    except SettingError as error:
        fail(str(error), code=2)
    except (CopyError, DatabaseInUse, MigrationError, Rejected) as error:
        fail(str(error), code=1)
    except (LogDamaged, TextSealed) as error:
        fail(str(error), code=1)
    except StoreUnavailable as error:
        fail(f"The database cannot be used: {error}", code=1)
    except OSError as error:
        # Of a file that was named, or is beside one: whoever named it can mend that.
        if error.filename is None:
            raise
        fail(f"{error.filename} cannot be used: {error.strerror}.", code=1)
