"""What commands write is whole, or it is not there."""

import contextlib
from pathlib import Path

import pytest

from consentry.cli.consents import parse_time
from consentry.cli.written_files import written_whole

pytestmark = pytest.mark.unit


def break_off(out: Path) -> None:
    """Write half a file."""
    with written_whole(out) as file:
        file.write(b"half")
        raise RuntimeError


def test_a_file_is_replaced_when_it_is_whole(tmp_path: Path) -> None:
    """Until then, and when it breaks off, the older one stays; the new one is its owner's alone."""
    (tmp_path / "real.csv").write_bytes(b"older")
    out = tmp_path / "out.csv"
    out.symlink_to("real.csv")
    with pytest.raises(RuntimeError):
        break_off(out)
    assert out.read_bytes() == b"older"
    with written_whole(out) as file:
        file.write(b"newer")
        assert out.read_bytes() == b"older"
    assert (out.is_symlink(), out.read_bytes()) == (True, b"newer")
    assert out.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"real.csv", "out.csv"}


def test_two_may_write_the_same_file_at_once(tmp_path: Path) -> None:
    """Each has its own draft, whatever their process ids; the last one wins."""
    out = tmp_path / "out.csv"
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(written_whole(out))
        with written_whole(out) as second:
            second.write(b"second")
        assert out.read_bytes() == b"second"
        first.write(b"first")
    assert out.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [out]


def test_what_cannot_be_written_is_known_at_once(tmp_path: Path) -> None:
    """Before anything is done for it; a device is written to as it is."""
    for nowhere in (tmp_path / "no" / "out.csv", tmp_path):
        with pytest.raises(OSError), written_whole(nowhere):  # noqa: PT011 - which, is the system's
            pytest.fail("It was begun.")
    with written_whole(Path("/dev/null")) as file:
        file.write(b"away")


def test_times_are_read_as_utc(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever zone they are written in; one that is none ends the command with 2."""
    assert parse_time("2026-01-01T00:00:00+05:00").isoformat() == "2025-12-31T19:00:00+00:00"
    assert parse_time("2026-01-01").isoformat() == "2026-01-01T00:00:00+00:00"
    for none in ("soon", "0001-01-01T00:00:00+05:00"):
        with pytest.raises(SystemExit) as ended:
            parse_time(none)
        assert ended.value.code == 2
    assert "is no time" in capsys.readouterr().err
