"""Declares an operation over HTTP, and queues it for all vehicles of accounts."""

import json
import time
import urllib.request
from typing import Any

from bench.fleet import Listed

OPERATION = "bench"
_PATH = f"/api/v2/operations/{OPERATION}"


def ask(port: int, account: Listed, method: str, path: str, body: object = None) -> dict[str, Any]:
    """Send a request and give the answer's body: an empty one for 204."""
    headers = {"Authorization": f"Bearer {account['token']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - our own loopback address
        answer: dict[str, Any] = json.loads(reply.read() or b"{}")
        return answer


def queue(port: int, accounts: list[Listed]) -> tuple[list[str], float]:
    """Start a run for all vehicles of each account; give the runs' paths, and how many seconds queueing took."""
    declared = {"description": "Measured.", "leaseSeconds": 3_600, "attempts": 1}
    for account in accounts:
        ask(port, account, "PUT", _PATH, declared)
    started = time.perf_counter()
    paths = [
        f"{_PATH}/runs/{ask(port, account, 'POST', f'{_PATH}/runs', {'all': True})['runId']}" for account in accounts
    ]
    for path, account in zip(paths, accounts, strict=True):
        while (run := ask(port, account, "GET", path))["state"] == "queueing":
            time.sleep(0.1)
        assert run["vehicleCount"] == len(account["vins"]), f"Not every vehicle was queued: {run['vehicleCount']}"
    return paths, time.perf_counter() - started


def cancel(port: int, accounts: list[Listed], paths: list[str]) -> None:
    """Cancel what is left of each account's run, so that the next one finds every vehicle free."""
    for path, account in zip(paths, accounts, strict=True):
        if ask(port, account, "GET", path)["state"] != "finished":
            ask(port, account, "DELETE", path)


def count(port: int, accounts: list[Listed], paths: list[str], state: str) -> int:
    """Give how many vehicles of these runs are in a state."""
    asked = zip(accounts, paths, strict=True)
    return sum(ask(port, account, "GET", path)["counts"][state] for account, path in asked)
