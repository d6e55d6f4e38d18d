"""The console's pages, one after the other, as a browser asks for them: the processor time that each costs."""

import http.client
import statistics
from typing import Any
from urllib.parse import urlencode

import psutil

from bench.servers import Contestant, find_free_port, read_cpu_s, serve

_WARM = 40
_BATCH = 100
_PLACE = "/console/vehicles"


def measure(contestant: Contestant, rounds: int) -> dict[str, Any]:
    """Ask for each kind of page in turns, and give the milliseconds of processor time for each."""
    account = contestant.fleets["bench"][0]
    token, vins = account["token"], account["vins"]
    pages = {
        "list of 25": _PLACE,
        "list of 100": f"{_PLACE}?limit=100",
        "search": f"{_PLACE}?{urlencode({'q': vins[7][-6:]})}",
        "vehicle": f"{_PLACE}/{vins[3]}",
    }
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    port = find_free_port()
    with serve(contestant, port) as process:
        cookie = _sign_in(port, token)
        for target in pages.values():
            _ask(port, cookie, target, _WARM)
        for _ in range(rounds):
            for name, target in pages.items():
                costs[name].append(_measure(contestant, process, port, cookie, target))
    found = {
        name: {
            "serverMs": round(statistics.median(own for own, _ in seen), 2),
            "databaseMs": round(statistics.median(other for _, other in seen), 2),
        }
        for name, seen in costs.items()
    }
    for name, cost in found.items():
        print(f"{contestant.name:9} page       {name:12} {cost['serverMs']} ms + database {cost['databaseMs']} ms")
    return found


def _measure(
    contestant: Contestant, process: psutil.Process, port: int, cookie: str, target: str
) -> tuple[float, float]:
    before, other = read_cpu_s(process), read_cpu_s(contestant.database)
    _ask(port, cookie, target, _BATCH)
    own_ms = (read_cpu_s(process) - before) / _BATCH * 1_000
    return own_ms, (read_cpu_s(contestant.database) - other) / _BATCH * 1_000


def _sign_in(port: int, token: str) -> str:
    """Give the cookie of a session."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    connection.request("POST", "/console/sign-in/key", urlencode({"token": token}), headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303, answer.status
    cookies = [one.partition(";")[0] for one in answer.headers.get_all("set-cookie", [])]
    connection.close()
    return "; ".join(cookies)


def _ask(port: int, cookie: str, target: str, count: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for _ in range(count):
        connection.request("GET", target, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (target, answer.status)
        assert body
    connection.close()
