"""The setting that turns traces on: off by default, and what is missing is said with its remedy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from consentry.bootstrap import build_tracing
from consentry.clock import SystemClock
from consentry.setting_values import SettingError
from consentry.settings import read_settings

pytestmark = pytest.mark.integration
NOWHERE = Path("there-is-no-such-file.toml")


def test_without_the_setting_nothing_traces_and_nothing_is_imported() -> None:
    """The libraries of the extra are not even looked for."""
    code = (
        "import sys; from consentry.bootstrap import build_tracing; "
        "from consentry.clock import SystemClock; from consentry.settings import read_settings; "
        "print(build_tracing(read_settings({}), SystemClock()), 'opentelemetry' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout.split() == ["None", "False"]


def test_without_the_extra_the_setting_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """The server does not start without what was asked for, and says what to install."""
    code = (
        "import sys; sys.modules['opentelemetry'] = None; "
        "from consentry.cli.app import run; sys.argv = ['consentry', 'serve', '--port', '0']; run()"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_TRACES_ENDPOINT"] = "http://127.0.0.1:4318"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 2
    assert "pip install 'consentry[otel]'" in done.stderr


async def test_with_both_it_traces() -> None:
    """A collector's address is all it takes."""
    settings = read_settings({"CONSENTRY_TRACES_ENDPOINT": "http://127.0.0.1:9"}, NOWHERE)
    tracing = build_tracing(settings, SystemClock())
    assert tracing is not None
    await tracing.close()


def test_an_address_that_is_none_is_refused() -> None:
    """A wrong value names the setting and what is allowed."""
    with pytest.raises(SettingError, match="CONSENTRY_TRACES_ENDPOINT"):
        read_settings({"CONSENTRY_TRACES_ENDPOINT": "collector:4318"}, NOWHERE)
