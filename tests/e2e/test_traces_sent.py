"""Traces of a real server as a real collector gets them, on loopback; and without a collector."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from real_processes import Running, running
from real_world import Carrier, Product, eventually, fictional_phones

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-traces")]


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP and keeps every span with its service's name."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, str]] = []
        super().__init__(("127.0.0.1", 0), _Taking)

    def names(self) -> set[str]:
        """List the names of all spans so far."""
        return {name for _, name, _ in self.spans}


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        """Take one export."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            self._keep(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _keep(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    trace = span.trace_id.hex()
                    self.server.spans.append((attributes["service.name"], span.name, trace))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector until the block ends."""
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever, daemon=True)
    thread.start()
    yield collector
    collector.shutdown()
    thread.join()
    collector.server_close()


def play(process: Running, phone: str) -> None:
    """Let somebody text us, and see their initial reply arrive."""
    told = process.told
    carrier = Carrier(told["simulator_url"])
    product = Product(told["url"], told["api_key"])
    sender = next(str(s["number"]) for s in told["senders"] if s["kind"] == "long_code")
    carrier.type_heard(phone, sender, "Hello")
    eventually(
        lambda: any(m["status"] == "delivered" for m in product.messages(phone)), "it was answered"
    )


def test_a_collector_gets_the_whole_way_of_a_text(tmp_path: Path) -> None:
    """Webhook, batch and the reply's way to the carrier reach the collector as one trace."""
    with collecting() as collector:
        settings = {"CONSENTRY_TRACES_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
        words = ("demo", "--json", "--port", "0", "--data", str(tmp_path / "data"))
        with running(*words, folder=tmp_path, settings=settings) as process:
            play(process, next(fictional_phones()))
            # What is left is sent before the server ends.
            assert process.stop() < process.stop_seconds_promised
        wanted = {
            "POST /carriers/{carrier}/inbound",
            "store.submit ReceiveMessage",
            "store.batch",
            "carrier.submit",
            "store.submit RecordSubmission",
        }
        assert {service for service, _, _ in collector.spans} == {"consentry"}
        [trace] = {t for _, name, t in collector.spans if name == "store.submit ReceiveMessage"}
        assert wanted <= {name for _, name, t in collector.spans if t == trace}


def test_a_collector_that_is_away_holds_nothing_up(tmp_path: Path) -> None:
    """Texts go on, and the server stops in time."""
    settings = {"CONSENTRY_TRACES_ENDPOINT": "http://127.0.0.1:9"}
    words = ("demo", "--json", "--port", "0", "--data", str(tmp_path / "data"))
    with running(*words, folder=tmp_path, settings=settings) as process:
        play(process, next(fictional_phones()))
        process.stop()
