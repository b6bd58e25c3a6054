"""An authority for timestamps: `openssl ts` with its own certificate, behind loopback HTTP."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

_CONFIG = """
[ tsa ]
default_tsa = here
[ here ]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
"""


class Authority:
    """Answers requests as `openssl ts -reply` does; `openssl ts -verify` checks its answers."""

    def __init__(self, folder: Path) -> None:
        """Make a key and a certificate that may stamp."""
        self.folder = folder
        self.url = ""
        self.is_down = False
        (folder / "serial").write_text("01\n")
        (folder / "ts.cnf").write_text(_CONFIG.format(folder=folder))
        self._openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/tsa.key",
            "-out", f"{folder}/tsa.pem", "-days", "2", "-subj", "/CN=Test authority",
            "-addext", "extendedKeyUsage=critical,timeStamping",
        )  # fmt: skip

    def answer(self, request: bytes) -> bytes:
        """Stamp a request."""
        (self.folder / "request.tsq").write_bytes(request)
        self._openssl(
            "ts", "-reply", "-config", f"{self.folder}/ts.cnf", "-queryfile",
            f"{self.folder}/request.tsq", "-out", f"{self.folder}/answer.tsr",
        )  # fmt: skip
        return (self.folder / "answer.tsr").read_bytes()

    def verify(self, answer: bytes, content: bytes) -> None:
        """Fail unless an answer is a good timestamp of this content."""
        (self.folder / "kept.tsr").write_bytes(answer)
        (self.folder / "content").write_bytes(content)
        self._openssl(
            "ts", "-verify", "-in", f"{self.folder}/kept.tsr", "-data", f"{self.folder}/content",
            "-CAfile", f"{self.folder}/tsa.pem",
        )  # fmt: skip

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=240)


@contextmanager
def running_authority(folder: Path) -> Iterator[Authority]:
    """Run an authority while the block runs."""
    authority = Authority(folder)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer one request."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = b"" if authority.is_down else authority.answer(body)
            self.send_response(503 if authority.is_down else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        authority.url = f"http://127.0.0.1:{server.server_port}/tsr"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()
