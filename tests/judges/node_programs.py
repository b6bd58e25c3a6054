"""Node's programs among the judges: Twilio's client, and a proxy that validates."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from real_site import find_free_port

FOLDER: Final = Path(__file__).parent / "node"
IS_THERE: Final = shutil.which("node") is not None and (FOLDER / "node_modules").is_dir()
NEEDED: Final = "nodejs npm, and then: npm ci --prefix tests/judges/node"
_SECONDS_MAX: Final = 300
_READY: Final = "Prism is listening"


def run_script(name: str, told: dict[str, str]) -> Any:
    """Run a script that is told what to do as JSON and answers with a line of JSON."""
    ran = subprocess.run(
        ["node", name, json.dumps(told)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    return json.loads(ran.stdout)


@contextmanager
def running_proxy(description: Path, upstream: str) -> Iterator[str]:
    """Run prism before a server until the block ends; gives its address.

    It passes everything on, and says in the header `sl-violations` of an answer what in the
    request or in the answer is not as the OpenAPI description has it.
    """
    port = find_free_port()
    program = FOLDER / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
    words = ("proxy", str(description), upstream, "--host", "127.0.0.1", "--port", str(port))
    with subprocess.Popen(
        ["node", str(program), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if _READY in line:
                    break
            else:
                raise AssertionError("".join(said))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.communicate()
