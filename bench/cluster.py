"""Measures a server on databases that are already there, in turns: such as one PostgreSQL and a Citus cluster.

Usage: python -m bench.cluster --database plain=postgresql://… --database cluster=postgresql://… [--only status,gate]

Each turn starts a server on one database and does one kind of work. All databases have their turn in each round, in an
order that changes. The figures are medians of the rounds, and ratios to the first database. The database's processor
time is that of all its nodes, if they run on this machine.

The first run brings the schema up to date and makes accounts whose names begin with ``bench-``, ``claims-`` and
``import-``. They stay. Use databases that serve nothing else.
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import kinds, registers, trips
from bench.fleet import Listed
from bench.kinds import Kind, Measured, Turn
from bench.parts import describe_machine
from bench.postmasters import Postmasters, find_postmasters
from bench.registers import FleetSize
from bench.servers import QUIET, Contestant, find_free_port, serve
from bench.trips import Trips

TRIPS = "trips"
CLAIM_ACCOUNTS_MAX = 10

Rounds = dict[str, list[Measured]]  # by database


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A database with the name that the tables give it."""

    name: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A filled database, ready to be measured."""

    url: str
    contestant: Contestant
    postmasters: Postmasters


def prepare(database: Named, sizes: Sequence[FleetSize]) -> Target:
    """Fill the database, if it is not filled, and find its servers."""
    print(f"Preparing {database.name} ...", flush=True)
    fleets = asyncio.run(registers.prepare(database.url, list(sizes)))
    postmasters = find_postmasters(database.url)
    if postmasters is None:
        print(f"  The servers of {database.name} are not all seen here: their processor time is unknown.", flush=True)
    named = {_give_key(size): fleet for size, fleet in zip(sizes, fleets, strict=True)}
    return Target(url=database.url, contestant=make_contestant(database, named), postmasters=postmasters)


def make_contestant(database: Named, fleets: Mapping[str, list[Listed]]) -> Contestant:
    """Give the server on a database."""
    command = [sys.executable, "-m", "padron", "serve", "--port", "{port}", "--database-url", database.url, *QUIET]
    return Contestant(name=database.name, command=command, probe="/livez", fleets=fleets)


def list_sizes(account_counts: Sequence[int], vehicles: int) -> list[FleetSize]:
    """Give the fleets: one for each number of accounts, and one whose vehicles stay active for operations."""
    sizes = [FleetSize(name="bench", accounts=count, each=vehicles // count) for count in account_counts]
    count = min(max(account_counts), CLAIM_ACCOUNTS_MAX)
    return [*sizes, FleetSize(name=kinds.CLAIM_FLEET, accounts=count, each=vehicles // count)]


def _give_key(size: FleetSize) -> str:
    return kinds.CLAIM_FLEET if size.name == kinds.CLAIM_FLEET else str(size.accounts)


def measure_rounds(kind: Kind, targets: Sequence[Target], given: argparse.Namespace) -> Rounds:
    """Let the databases take turns with one kind of work."""
    rounds: Rounds = {target.contestant.name: [] for target in targets}
    for number in range(given.rounds):
        for target in targets if number % 2 == 0 else reversed(targets):
            port = find_free_port()
            with serve(target.contestant, port) as process:
                turn = Turn(
                    contestant=target.contestant,
                    url=target.url,
                    port=port,
                    process=process,
                    postmasters=target.postmasters,
                    seconds=given.seconds,
                    rows=given.rows,
                )
                rounds[target.contestant.name].append(kind.measure(turn, kind.fleet))
    return rounds


def write_table(kind: Kind, rounds: Rounds) -> Iterator[str]:
    """Give the lines of a kind's table."""
    yield f"\n### {kind.title}\n"
    first = next(iter(rounds.values()))
    if not kind.counts:
        yield "| | server CPU, ms a second | database CPU, ms a second |"
        yield "|---|---|---|"
        for name, seen in rounds.items():
            yield f"| {name} | {_show(seen, 'server_us', 1e-3, 1)} | {_show(seen, 'database_us', 1e-3, 1)} |"
        return
    yield f"| | {kind.counts}/s (range) | ratio | server CPU, µs each | database CPU, µs each | p50, ms | p99, ms |"
    yield "|---|---|---|---|---|---|---|"
    for name, seen in rounds.items():
        rates = [one.per_second for one in seen]
        ratio = statistics.median(rates) / statistics.median(one.per_second for one in first)
        digits = 0 if min(rates) >= 100 else 1
        yield (
            f"| {name} | {statistics.median(rates):,.{digits}f} ({min(rates):,.{digits}f} to {max(rates):,.{digits}f}) "
            f"| {ratio:.2f} | {_show(seen, 'server_us')} | {_show(seen, 'database_us')} "
            f"| {_show(seen, 'p50_ms', 1, 2)} | {_show(seen, 'p99_ms', 1, 2)} |"
        )


def _show(seen: Sequence[Measured], name: str, factor: float = 1, digits: int = 0) -> str:
    """Give the median of a figure, or nothing where it is not known."""
    known = [value * factor for one in seen if (value := getattr(one, name)) is not None]
    return f"{statistics.median(known):,.{digits}f}" if known else ""


def write_trips(found: Mapping[str, Mapping[str, Trips]]) -> Iterator[str]:
    """Give the lines of the table of round trips."""
    yield "\n### Round trips of one request, to how many servers\n"
    yield f"| | {' | '.join(found)} |"
    yield f"|---|{'---|' * len(found)}"
    for request in next(iter(found.values())):
        yield f"| {request} | {' | '.join(str(one[request]) for one in found.values())} |"


def run(given: argparse.Namespace) -> None:
    """Measure everything that was asked for, and print each table as soon as it is complete."""
    chosen = [kind for kind in kinds.list_kinds(given.accounts) if kind.part in given.only]
    sizes = list_sizes(given.accounts, given.vehicles)
    targets = [prepare(database, sizes) for database in given.database]
    document: dict[str, object] = {"machine": describe_machine(), "rounds": given.rounds, "seconds": given.seconds}
    for kind in chosen:
        rounds = measure_rounds(kind, targets, given)
        print("\n".join(write_table(kind, rounds)), flush=True)
        document[kind.title] = {name: [asdict(one) for one in seen] for name, seen in rounds.items()}
    if TRIPS in given.only:
        fleet = str(sorted(given.accounts)[len(given.accounts) // 2])
        found = {
            target.contestant.name: trips.measure(target.contestant, target.contestant.fleets[fleet][0])
            for target in targets
        }
        print("\n".join(write_trips(found)), flush=True)
        document[TRIPS] = {name: {what: asdict(one) for what, one in each.items()} for name, each in found.items()}
    if given.output:
        given.output.write_text(json.dumps(document, indent=2), "utf-8")


def parse_database(text: str) -> Named:
    """Give the database of NAME=URL."""
    name, is_named, url = text.partition("=")
    if not is_named or not url.startswith(("postgresql://", "postgres://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=postgresql://…")
    return Named(name=name, url=url)


def parse_counts(text: str) -> list[int]:
    """Give the numbers of a list with commas."""
    counts = [int(part) for part in text.split(",")]
    if min(counts) < 1 or len(set(counts)) < len(counts):
        raise argparse.ArgumentTypeError(f"{text!r} must be different numbers from 1")
    return counts


def list_parts() -> list[str]:
    """Give what --only may name, in the order in which it is measured."""
    return [*dict.fromkeys(kind.part for kind in kinds.list_kinds([1])), TRIPS]


def parse_only(text: str) -> list[str]:
    """Give the parts of a list with commas."""
    parts = text.split(",")
    if unknown := set(parts) - set(list_parts()):
        raise argparse.ArgumentTypeError(f"no part {', '.join(unknown)}: there are {', '.join(list_parts())}")
    return parts


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", type=parse_database, action="append", required=True, metavar="NAME=URL")
    parser.add_argument("--accounts", type=parse_counts, default=[1, 10, 100], help="of status calls (1,10,100)")
    parser.add_argument("--vehicles", type=int, default=10_000, help="of each fleet (10,000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of one turn (4)")
    parser.add_argument("--rows", type=int, default=20_000, help="of a file to import (20,000)")
    parser.add_argument("--only", type=parse_only, default=list_parts(), help=f"some of {','.join(list_parts())}")
    parser.add_argument("--output", type=Path, help="a JSON file for what each turn saw")
    given = parser.parse_args(arguments)
    if len({database.name for database in given.database}) < len(given.database):
        parser.error("each database needs a name of its own")
    run(given)


if __name__ == "__main__":
    main()
