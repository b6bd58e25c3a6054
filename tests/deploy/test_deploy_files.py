"""The files in deploy/ are what their own tools take, and fit the program that they start."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from consentry.api.table import OPERATIONS
from consentry.setting_list import SETTINGS
from consentry.telemetry.metrics import METRICS
from needed import need

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
TOOLS = Path(sys.executable).parent
EXPOSURE_MAX = 15
"""Tenths of systemd's own scale of ten; below 20 it calls a unit fine."""


def run(*words: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a tool; give what it said and how it ended."""
    environment = dict(os.environ) if path is None else {**os.environ, "PATH": path}
    return subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=environment,
    )


def find(tool: str, package: str) -> str:
    """Find a tool of the system, or say loudly that what it checks was not checked."""
    found = shutil.which(tool)
    need(found, package)
    return str(found)


def documents(file: Path) -> list[dict[str, Any]]:
    """Read a file of YAML documents."""
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


# --- The image ------------------------------------------------------------------------------------


def test_the_dockerfile_passes_its_linter() -> None:
    """hadolint finds nothing in it, and would find something."""
    assert run(TOOLS / "hadolint", DEPLOY / "Dockerfile").stdout == ""


def test_the_linter_of_dockerfiles_does_find_things(tmp_path: Path) -> None:
    """What passes here is looked at: a file with faults is refused."""
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN sudo apt-get install curl\n")
    refused = run(TOOLS / "hadolint", bad)
    assert refused.returncode == 1
    assert "DL3004" in refused.stdout


def test_the_image_gets_only_what_is_locked_and_runs_as_nobody() -> None:
    """Every install is by hash or offline, every copied file is let in, the user is no root."""
    text = (DEPLOY / "Dockerfile").read_text()
    installs = re.findall(r"pip install ([^\\\n]+)", text)
    assert installs
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    assert "ADD " not in text
    assert not re.search(r"\b(curl|wget|apt-get|git clone)\b", text)
    final = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", final, re.MULTILINE)
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for name in line.split()[:-1]
    }
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().split("\n") if "!" in line}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_the_images_lock_agrees_with_what_is_tested() -> None:
    """The image has the versions that the tests ran with, each with hashes, no tool of ours."""
    tested, image = (_pins(ROOT / f"requirements{kind}.lock") for kind in ("", "-image"))
    assert {name: tested[name] for name in image} == image
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # An engine of many machines is there already where lists are held to consents by one.
    extras = [
        libraries for extra, libraries in project["optional-dependencies"].items() if extra != "ray"
    ]
    wanted = [project["dependencies"], *extras]
    names = {re.split(r"[\[>=<;]", one)[0].strip() for several in wanted for one in several}
    assert names <= set(image), "run: make lock"
    assert not {"pytest", "ruff", "mypy", "hatchling"} & set(image)


def _pins(lock: Path) -> dict[str, str]:
    text = lock.read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert [line[:60] for line in lines if "--hash=sha256:" not in line] == []
    return dict(re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", "\n".join(lines), re.MULTILINE))


# --- Compose --------------------------------------------------------------------------------------


def test_the_compose_file_fits_its_schema(tmp_path: Path) -> None:
    """The Compose specification's schema takes it, and refuses one with a fault."""
    check = (TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    done = run(*check, DEPLOY / "compose.yaml")
    assert done.returncode == 0, done.stdout
    bad = tmp_path / "compose.yaml"
    bad.write_text((DEPLOY / "compose.yaml").read_text().replace("read_only: true", "read_only: 7"))
    assert run(*check, bad).returncode == 1


def test_compose_starts_the_server_after_its_tables_and_for_this_machine_alone() -> None:
    """In order; read-only, without capabilities, published on loopback."""
    services = documents(DEPLOY / "compose.yaml")[0]["services"]
    server, migrate = services["consentry"], services["migrate"]
    assert server["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert migrate["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    for service in (server, migrate):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    assert (DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).exists()


# --- systemd --------------------------------------------------------------------------------------


def test_the_systemd_unit_passes_systemds_own_check(tmp_path: Path) -> None:
    """systemd-analyze verify says nothing of it, with this interpreter in the program's place."""
    analyze = find("systemd-analyze", "systemd")
    text = (DEPLOY / "consentry.service").read_text()
    unit = tmp_path / "consentry.service"
    unit.write_text(
        re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE)
    )
    done = run(analyze, "verify", "--recursive-errors=no", unit)
    told = [line for line in done.stderr.splitlines() if "consentry" in line]
    assert (done.returncode, told) == (0, [])
    unit.write_text(text.replace("Restart=on-failure", "Restart=on-friday"))
    assert "on-friday" in run(analyze, "verify", "--recursive-errors=no", unit).stderr


def test_the_systemd_unit_is_locked_down() -> None:
    """systemd's own measure of what a service could do if it were taken over stays low."""
    analyze = find("systemd-analyze", "systemd")
    words = (analyze, "security", "--offline=true", "--no-pager")
    threshold = f"--threshold={EXPOSURE_MAX}"
    done = run(*words, threshold, DEPLOY / "consentry.service")
    assert done.returncode == 0, done.stdout[-300:]
    assert run(*words, "--threshold=1", DEPLOY / "consentry.service").returncode != 0


# --- Kubernetes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", KUBERNETES, ids=lambda file: file.name)
def test_kubernetes_takes_the_manifests(file: Path) -> None:
    """Each document fits the schema of a current Kubernetes, and has no field of its own."""
    assert documents(file)
    for document in documents(file):
        kubernetes_validate.validate(document, "1.33", strict=True)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**document, "replicaz": 1}, "1.33", strict=True)


def _pod() -> dict[str, Any]:
    [deployment] = documents(DEPLOY / "kubernetes" / "deployment.yaml")
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def test_probes_ask_routes_that_are_there() -> None:
    """Readiness asks whether it can work, liveness and start whether it is alive; the port fits."""
    [container] = _pod()["containers"]
    paths = {o.path for o in OPERATIONS}
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("readiness", "liveness")}
    assert probes["readiness"]["path"] == "/readyz"
    assert probes["liveness"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert {probe["path"] for probe in probes.values()} <= paths
    [port] = container["ports"]
    assert f"CONSENTRY_PORT={port['containerPort']}" in (DEPLOY / "Dockerfile").read_text()
    [service] = documents(DEPLOY / "kubernetes" / "service.yaml")
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]


def test_a_pod_has_time_to_finish() -> None:
    """preStop's seconds, and then those of a shutdown, fit into the grace period."""
    pod = _pod()
    [container] = pod["containers"]
    command = container["lifecycle"]["preStop"]["exec"]["command"][-1]
    waits = int(re.findall(r"sleep\((\d+)\)", command)[0])
    probe = container["readinessProbe"]
    assert waits >= probe["periodSeconds"] * probe["failureThreshold"]
    assert pod["terminationGracePeriodSeconds"] >= waits + _shutdown_seconds()


def test_compose_and_systemd_give_a_server_time_to_finish() -> None:
    """Neither kills a server that still finishes what it has handed to carriers."""
    server = documents(DEPLOY / "compose.yaml")[0]["services"]["consentry"]
    [unit] = re.findall(r"^TimeoutStopSec=(\d+)$", _texts()["consentry.service"], re.MULTILINE)
    for seconds in (int(server["stop_grace_period"].removesuffix("s")), int(unit)):
        assert seconds >= _shutdown_seconds()


def _shutdown_seconds() -> int:
    """How long a shutdown takes at most: the grace that is set, and five seconds to close."""
    defaults = {setting.name: setting.default for setting in SETTINGS}
    return int(defaults.get("shutdown_grace_seconds", "5")) + 5


@pytest.mark.parametrize("file", ["deployment.yaml", "migrate.yaml"])
def test_pods_run_as_nobody_on_a_filesystem_they_cannot_write(file: str) -> None:
    """As the image's own user, without capabilities, escalation or a service account's token."""
    [document] = documents(DEPLOY / "kubernetes" / file)
    pod = document["spec"]["template"]["spec"]
    user = pod["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}" in (DEPLOY / "Dockerfile").read_text()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_labels_find_each_other() -> None:
    """Service and disruption budget select the Deployment's pods."""
    [deployment] = documents(DEPLOY / "kubernetes" / "deployment.yaml")
    [service] = documents(DEPLOY / "kubernetes" / "service.yaml")
    [budget] = documents(DEPLOY / "kubernetes" / "pod-disruption-budget.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert budget["spec"]["maxUnavailable"] == 1


def test_the_example_secret_holds_no_secret() -> None:
    """Whoever applies it as it is gets a server that refuses to start, not a known key."""
    [secret] = documents(DEPLOY / "kubernetes" / "secret.example.yaml")
    assert len(secret["stringData"]["CONSENTRY_SECRET_KEY"]) < 32
    assert "CHANGE-ME" in secret["stringData"]["CONSENTRY_DATABASE"]


# --- Prometheus -----------------------------------------------------------------------------------


def _rules() -> Iterator[dict[str, Any]]:
    for document in documents(DEPLOY / "prometheus" / "rules.yml"):
        for group in document["groups"]:
            yield from group["rules"]


def test_alarms_ask_for_metrics_and_labels_that_are_there() -> None:
    """No alarm is silent because a metric has another name."""
    labels = {metric.name: set(metric.labels) for metric in METRICS}
    known = {**labels, **{f"{m.name}_bucket": {*m.labels, "le"} for m in METRICS if m.buckets}}
    for rule in _rules():
        used = re.findall(r"(consentry_\w+)(?:\{([^}]*)\})?", rule["expr"])
        assert used or "up{" in rule["expr"]
        for name, matchers in used:
            assert name in known, rule["alert"]
            assert set(re.findall(r"(\w+)\s*(?:=~?|!=)", matchers)) <= known[name], rule["alert"]


def test_every_alarm_says_what_happened_and_what_to_do() -> None:
    """Each has a severity, a summary and a description, and its place in the page for operators."""
    page = (ROOT / "docs" / "howto" / "run-for-real.md").read_text()
    for rule in _rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert f"`{rule['alert']}`" in page


def test_promtool_takes_the_rules_and_their_cases_hold() -> None:
    """Prometheus's own tool: a healthy server raises none of them, a sick one each."""
    promtool = find("promtool", "prometheus")
    rules = DEPLOY / "prometheus"
    checked = run(promtool, "check", "rules", rules / "rules.yml")
    assert checked.returncode == 0, checked.stderr
    tested = run(promtool, "test", "rules", rules / "rules.test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    cases = yaml.safe_load((rules / "rules.test.yml").read_text())["tests"][1]
    told = str(cases["promql_expr_test"])
    assert [rule["alert"] for rule in _rules() if rule["alert"] not in told] == []


# --- All of them ----------------------------------------------------------------------------------


def _texts() -> dict[str, str]:
    files = [f for f in DEPLOY.rglob("*") if f.is_file() and f.parent.name != "__pycache__"]
    return {str(file.relative_to(DEPLOY)): file.read_text() for file in files}


def test_settings_in_the_files_exist() -> None:
    """Every CONSENTRY_ variable in any of them is a setting of the program."""
    known = {setting.variable for setting in SETTINGS}
    used = {
        (file, variable)
        for file, text in _texts().items()
        for variable in re.findall(r"\bCONSENTRY_[A-Z_]+", text)
    }
    assert len(used) > 10
    assert {one for one in used if one[1] not in known} == set()


def test_commands_in_the_files_exist() -> None:
    """What containers and units start are commands of the program."""
    reference = (ROOT / "docs/reference/commands.md").read_text()
    known = set(re.findall(r"^## `consentry ([^`]+)`", reference, re.MULTILINE))
    services = documents(DEPLOY / "compose.yaml")[0]["services"]
    started = [services["consentry"]["command"], services["migrate"]["command"]]
    for file in ("deployment.yaml", "migrate.yaml"):
        [document] = documents(DEPLOY / "kubernetes" / file)
        started += [c["args"] for c in document["spec"]["template"]["spec"]["containers"]]
    unit = re.findall(
        r"^ExecStart=\S+/consentry (.+)$", _texts()["consentry.service"], re.MULTILINE
    )
    started += [line.split() for line in unit]
    assert len(started) == 5
    assert {" ".join(words) for words in started} <= known


def test_no_file_names_a_registry_or_holds_a_password() -> None:
    """Images are named without a host, and every password is to be filled in."""
    for file, text in _texts().items():
        images = re.findall(r"(?:image:|FROM|PYTHON_IMAGE=)\s*(\S+)", text)
        assert not [image for image in images if re.match(r"[\w-]+\.[\w.-]+/", image)], file
        assert not re.search(r"PASSWORD[:=]\s*[\w-]+$", text, re.MULTILINE), file
