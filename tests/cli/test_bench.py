"""`consentry bench` from the outside: a very small run of it ends and names every figure."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from consentry.cli.bench.campaign import take_from_both_ends
from consentry.cli.bench.figures import (
    Figure,
    not_measured,
    ratio_of_rounds,
    to_json,
    to_rows,
)
from consentry.cli.bench.load import Round, Target, WrongAnswer, run_round
from consentry.cli.bench.requests import ACCOUNT_SID, AUTH_TOKEN, build_stop
from consentry.wire.signatures import twilio_signature_matches
from consentry.wire.twilio_form import parse_form, parse_inbound_message

IN_FLIGHT = (32,)
OF_A_STORE = {
    "gate_per_second",
    "gate_p50",
    "gate_p99",
    "gate_of_asgi",
    "gate_of_bare",
    "handwritten_per_second",
    "gate_over_handwritten",
    "bulk_per_second",
    "refused_per_second",
    "refused_of_gate",
    "refusals_kept",
    "delivery_per_second",
    "accepted_per_second",
    *(
        f"door_{outcome}_{figure}"
        for outcome in ("refused", "accepted")
        for figure in ("per_second", "over_native")
    ),
    "campaign_stop_per_second",
    "campaign_stop_p99",
    "worker_mebibytes",
    *(
        f"{name}_{in_flight}"
        for in_flight in IN_FLIGHT
        for name in (
            "stop_per_second",
            "stop_commit_each_per_second",
            "stop_over_commit_each",
            "stop_of_pgbench",
        )
    ),
    *(
        f"mixed_{what}_{figure}"
        for what in ("gate", "stop")
        for figure in ("per_second", "p50", "p99")
    ),
}
OF_POSTGRES = {
    *(f"pg_{name}" for name in OF_A_STORE),
    "pg_stop_handwritten_per_second",
    "pg_stop_over_handwritten",
    "pg_accepted_over_handwritten",
}
CEILINGS = {
    "fdatasync_per_second",
    "asgi_per_second",
    "bare_per_second",
    "generator_busy",
    "pgbench_select_per_second",
    *(f"pgbench_per_second_{in_flight}" for in_flight in IN_FLIGHT),
}
FIGURES = (
    OF_A_STORE
    | OF_POSTGRES
    | CEILINGS
    | {"start_seconds", "memory_mebibytes", "fill_seconds", "stops_durable"}
    | {"scrub_per_second", "scrub_messy_per_second", "scrub_mebibytes", "snapshot_seconds"}
    | {"import_consents_per_second", "import_opt_outs_per_second"}
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL may get to where we are root and it is somebody else."""
    made = Path(tempfile.mkdtemp(prefix="bench-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def run_bench(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it in a folder and give what it said."""
    command = [sys.executable, "-m", "consentry", "bench", "--data", str(folder)]
    environment = {name: os.environ[name] for name in os.environ.keys() & {"PATH", "PYTHONPATH"}}
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
        env=environment,
    )


@pytest.mark.e2e
def test_a_small_run_names_every_figure(folder: Path) -> None:
    """It ends, cleans up, finds every acknowledged STOP, and what it lacks it says."""
    ended = run_bench("--json", "--quick", "--people", "500", "--workers", "1", folder=folder)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    figures = {figure["name"]: figure for figure in told["figures"]}
    assert figures.keys() == FIGURES
    # Nothing is missing: there is a PostgreSQL wherever the tests run.
    assert {name: f["note"] for name, f in figures.items() if f["value"] is None} == {}
    assert figures["stops_durable"]["value"] > 0
    assert figures["refusals_kept"]["value"] == figures["pg_refusals_kept"]["value"] == 1
    assert {"cores", "processor", "python", "sqlite"} <= told["machine"].keys()
    assert list(folder.iterdir()) == []
    assert "start 1 of 1" in ended.stderr
    assert {row["operation"] for row in told["table"]} == {
        "gate",
        "bulk",
        "refused",
        "stop",
        "mixed: gate beside STOPs",
        "mixed: STOPs beside gate",
        "delivery",
        "accepted",
        "campaign",
    }
    assert [row for row in told["table"] if row["note"]] == []


@pytest.mark.e2e
def test_one_operation_is_measured_alone(folder: Path) -> None:
    """Nothing else is started for it, and the table says what each request cost."""
    ended = run_bench("--quick", "--store", "sqlite", "--only", "gate", folder=folder)
    assert ended.returncode == 0, ended.stderr
    assert "gate / without a store [SQLite]" in ended.stdout
    assert "STOPs" not in ended.stdout
    assert "PostgreSQL" not in ended.stdout + ended.stderr
    row = next(line for line in ended.stdout.splitlines() if "product" in line)
    assert " us" in row
    assert " ms" in row


@pytest.mark.e2e
def test_the_gate_is_measured_as_consents_grow(folder: Path) -> None:
    """On both stores and at each size up to the one named; the goal is about the first and last."""
    ended = run_bench("--json", "--quick", "--grow", "12000", folder=folder)
    assert ended.returncode == 0, ended.stderr
    figures = {figure["name"]: figure for figure in json.loads(ended.stdout)["figures"]}
    assert list(figures) == [
        f"{store}{name}"
        for store in ("", "pg_")
        for name in ("gate_of_bare_10000", "gate_of_bare_12000", "gate_slower")
    ]
    for store in ("", "pg_"):
        slower = figures[f"{store}gate_slower"]
        assert slower["at_most"] == 1.3
        ratios = [figures[f"{store}gate_of_bare_{people}"]["value"] for people in (10000, 12000)]
        assert slower["value"] == pytest.approx(ratios[0] / ratios[1])
    assert list(folder.iterdir()) == []


@pytest.mark.unit
@pytest.mark.parametrize("wrong", [("--only", "lunch"), ("--workers", "many")])
def test_a_choice_that_there_is_not_is_named(wrong: tuple[str, str], folder: Path) -> None:
    """Nothing is started, and the message says what there is."""
    ended = run_bench(*wrong, folder=folder)
    assert ended.returncode == 2
    assert wrong[1] in ended.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.unit
def test_figures_tell_whether_goals_are_met() -> None:
    """A goal is met, missed, or not there; what was not measured meets nothing."""
    met = Figure("a", "A", 3.0, "ratio", at_least=2.5)
    missed = Figure("b", "B", 0.7, "seconds", at_most=0.5)
    without = Figure("c", "C", 12_345.0, "per_second", note="so")
    unknown = not_measured("d", "D", "ratio", "no PostgreSQL")
    assert [f.met for f in (met, missed, without, unknown)] == [True, False, None, None]
    assert to_rows((met, missed, without, unknown)) == [
        ("A", "3.00 x", ">= 2.5 met", ""),
        ("B", "0.70 s", "<= 0.5 MISSED", ""),
        ("C", "12,345 /s", "", "so"),
        ("D", "-", "", "not measured: no PostgreSQL"),
    ]
    shown = to_json((met, unknown), 1.0)
    assert json.loads(json.dumps(shown))["figures"][0]["met"] is True


@pytest.mark.unit
def test_ratios_are_of_rounds_side_by_side() -> None:
    """The median is taken of the ratios, so that a slow moment hits both sides of one."""
    assert ratio_of_rounds("a", "A", [100, 10, 100], [50, 5, 40]).value == 2


@pytest.mark.unit
def test_a_ratio_without_a_round_says_why_it_is_missing() -> None:
    """A round too short to do the second thing once is left out; without any, a note says so."""
    assert ratio_of_rounds("a", "A", [100, 10], [0, 5]).value == 2
    none = ratio_of_rounds("a", "A", [100, 10], [0, 0], at_least=2)
    assert (none.value, none.met) == (None, None)
    assert none.note == "not measured: no round was long enough"


@pytest.mark.unit
def test_a_campaign_is_stopped_from_both_ends() -> None:
    """In turn by somebody whose text still waits and somebody it just reaches; each once."""
    assert list(take_from_both_ends(["a", "b", "c", "d", "e"])) == ["e", "a", "d", "b", "c"]


@pytest.mark.unit
def test_stops_are_signed_as_twilio_signs() -> None:
    """Each is another person's, with another sid, and its signature is the account's."""
    numbers, sids = set(), set()
    for place in range(3):
        head, _, body = build_stop(8000, place).partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        form = parse_form(body)
        url = "http://127.0.0.1:8000/carriers/bench/inbound"
        signature = headers["X-Twilio-Signature"]
        assert twilio_signature_matches(AUTH_TOKEN, url, form.pairs, signature)
        message = parse_inbound_message(form)
        assert (message.body, message.account_sid) == ("STOP", ACCOUNT_SID)
        numbers.add(message.from_number)
        sids.add(message.message_sid)
    assert len(numbers) == len(sids) == 3


async def load(answer: bytes, seconds: float = 60) -> Round:
    """Load a server that gives everybody this answer."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            # In two pieces, as a network may deliver it.
            for piece in (answer[:25], answer[25:]):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if not answer:
                break
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        target = Target(port, iter([b"GET / HTTP/1.1\r\n\r\n"] * 20), 4, 200)
        (measured,) = await run_round(target, seconds=seconds)
        return measured


@pytest.mark.integration
async def test_a_round_counts_answers() -> None:
    """Every request is answered once and timed; where they run out, the round ends early."""
    measured = await load(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
    assert measured.total == len(measured.latencies) == 20
    assert measured.seconds < 60
    assert 0 < measured.percentile_milliseconds(0.5) <= measured.percentile_milliseconds(0.99)


@pytest.mark.integration
async def test_a_round_goes_on_to_its_first_answer() -> None:
    """Also one that is too short for a busy machine gives a figure, over the time it took."""
    measured = await load(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", seconds=0)
    assert 1 <= measured.answered <= measured.total < 20
    assert measured.seconds > 0


@pytest.mark.integration
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", "Expected the status 200"),
        (b"HTTP/1.1 200 OK\r\nconnection: none\r\n\r\n", "names no length"),
        (b"", "closed a connection"),
    ],
)
async def test_a_wrong_answer_ends_the_measurement(answer: bytes, told: str) -> None:
    """A server that answers anything but what is measured gives no figure."""
    with pytest.raises(WrongAnswer, match=told):
        await load(answer)
