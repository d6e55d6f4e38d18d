"""Measures the local gate: how fast it checks, how long it loads, what memory it takes, how late a refusal is.

Each gate runs in a process of its own, which this file is too (``python -m bench.local_gates``). One alone is measured,
and then as many start at once as an application may have workers.
"""

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.servers import ROOT, Contestant, find_free_port, serve

SAMPLES = 200  # delays
CHECKED = 10_000  # VINs, of all; so most of the set is not in the processor's caches
ROUNDS = 50
READY_S_MAX = 120.0
TOGETHER = 16  # gates that start at once; a server gives the set to ten of an account at a time


def measure(contestant: Contestant) -> dict[str, Any]:
    """Give the figures of a gate beside a server."""
    port = find_free_port()
    with serve(contestant, port):
        given = {"port": port, **contestant.fleets["bench"][0]}
        alone = start_child([])
        found: dict[str, Any] = json.loads(alone.communicate(json.dumps(given))[0])
        found["togetherS"] = start_together(given)
    print(
        f"{contestant.name:9} local      {found['vehicles']:,} vehicles loaded in {found['loadS']} s, "
        f"+{found['addedMb']} MB, {TOGETHER} at once in {found['togetherS']} s; a check takes {found['allowedNs']} ns; "
        f"refused {found['delayP50Ms']} ms after the 204"
    )
    return found


def start_child(options: Sequence[str]) -> subprocess.Popen[str]:
    """Start this file as a program."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench.local_gates", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'client' / 'src'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def start_together(given: dict[str, Any]) -> float:
    """Start gates at once, and give the seconds until the last one is ready."""
    children = [start_child(["boot"]) for _ in range(TOGETHER)]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "imported\n"
        began_at = time.perf_counter()
        told = json.dumps({**given, "vins": len(given["vins"])})
        for child in children:
            assert child.stdin is not None
            child.stdin.write(told + "\n")
            child.stdin.flush()
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        return round(time.perf_counter() - began_at, 1)
    finally:
        for child in children:
            child.communicate()  # the end of its input tells it to close its gate


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """Print the figures of both engines."""
    heads = {
        "loadS": "load s",
        "loadCpuS": "CPU s",
        "togetherS": f"{TOGETHER} load s",
        "addedMb": "MB",
        "peakMb": "peak MB",
        "allowedNs": "allowed ns",
        "refusedNs": "refused ns",
        "manyNs": "of many ns",
        "delayP50Ms": "p50 ms",
        "delayP99Ms": "p99 ms",
    }
    print(f"\n{'':9} " + " ".join(f"{head:>10}" for head in heads.values()))
    for name, found in results.items():
        print(f"{name:9} " + " ".join(f"{found[member]:>10}" for member in heads))


def measure_gate(given: dict[str, Any]) -> dict[str, Any]:
    """Give the figures of a gate in this process."""
    from padron_client.local_gate import LocalGate  # noqa: PLC0415 - the path has it only in the child

    url, vins = f"http://127.0.0.1:{given['port']}", given["vins"]
    process = psutil.Process()
    before = process.memory_info().rss
    began_at, used_s = time.perf_counter(), time.process_time()
    gate = LocalGate(url, given["token"], max_age=60.0, probe_every=2.0)
    assert gate.wait_ready(READY_S_MAX), gate.state()
    load_s = time.perf_counter() - began_at
    load_cpu_s = time.process_time() - used_s
    state = gate.state()
    assert state.size == len(vins), state
    added, peak = process.memory_info().rss - before, read_peak() - before
    some = random.Random(1).sample(vins, min(CHECKED, len(vins)))
    unknown = [f"4{vin[1:]}" for vin in some]
    found = {
        "vehicles": len(vins),
        "loadS": round(load_s, 2),
        "loadCpuS": round(load_cpu_s, 2),
        "addedMb": round(added / 1e6),
        "peakMb": round(peak / 1e6),
        "allowedNs": time_checks(gate.check, some, is_allowed=True),
        "refusedNs": time_checks(gate.check, unknown, is_allowed=False),
        "manyNs": time_many(gate.check_many, some),
    }
    delays = measure_delays(gate.check, given, vins[0])
    gate.close()
    return found | {
        "delayP50Ms": round(statistics.median(delays) * 1_000, 1),
        "delayP99Ms": round(delays[int(len(delays) * 0.99)] * 1_000, 1),
    }


def read_peak() -> int:
    """Give the most bytes of memory that this program has had. ``getrusage`` counts those of the parent, too."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) * 1_024


def boot_gate() -> None:
    """Start a gate when told to, say when it is ready, and keep it until the input ends."""
    from padron_client.local_gate import LocalGate  # noqa: PLC0415 - the path has it only in the child

    print("imported", flush=True)
    given = json.loads(sys.stdin.readline())
    with LocalGate(f"http://127.0.0.1:{given['port']}", given["token"], max_age=60.0) as gate:
        assert gate.wait_ready(READY_S_MAX), gate.state()
        assert gate.state().size == given["vins"], gate.state()
        print("ready", flush=True)
        sys.stdin.read()


def time_checks(check: Any, vins: Sequence[str], *, is_allowed: bool) -> int:  # noqa: ANN401 - a gate's method
    """Give the nanoseconds of a check, the loop around it left out. The best of some rounds counts.

    It is the processor time of this thread, so that other work of the machine does not count. The texts of the VINs are
    new in each round, as they are in a program that has just read them.
    """
    best = float("inf")
    for _ in range(ROUNDS):
        read = [vin[:1] + vin[1:] for vin in vins]
        began_at = time.thread_time()
        for vin in read:
            check(vin)
        took_s = time.thread_time() - began_at
        began_at = time.thread_time()
        for _vin in read:
            pass
        best = min(best, took_s - (time.thread_time() - began_at))
    assert all(check(vin).allowed is is_allowed for vin in vins)
    return round(best / len(vins) * 1e9)


def time_many(check_many: Any, vins: Sequence[str]) -> int:  # noqa: ANN401 - a gate's method
    """Give the nanoseconds that one of a thousand VINs takes in a call for all of them, of processor time."""
    some = vins[:1_000]
    times = []
    for _ in range(ROUNDS * 2):
        began_at = time.thread_time()
        check_many(some)
        times.append(time.thread_time() - began_at)
    return round(min(times) / len(some) * 1e9)


def measure_delays(check: Any, given: dict[str, Any], vin: str) -> list[float]:  # noqa: ANN401 - a gate's method
    """Give how many seconds after each 204 the gate refused the vehicle."""
    connection = http.client.HTTPConnection("127.0.0.1", given["port"])
    headers = {"Authorization": f"Bearer {given['token']}", "Content-Type": "application/json"}
    delays = []
    for number in range(SAMPLES):
        for status in (4 + number % 2, 1):
            body = json.dumps({"vehicleStatusId": status})
            connection.request("PATCH", f"/api/v2/vehicles/{vin}/status", body, headers)
            answer = connection.getresponse()
            answer.read()
            answered_at = time.perf_counter()
            assert answer.status == http.client.NO_CONTENT
            while check(vin).allowed is not (status == 1):
                time.sleep(0.0002)  # the gate's own thread must come to its turn
            if status != 1:
                delays.append(time.perf_counter() - answered_at)
        time.sleep(0.005)
    connection.close()
    return sorted(delays)


if __name__ == "__main__":
    if sys.argv[1:] == ["boot"]:
        boot_gate()
    else:
        print(json.dumps(measure_gate(json.load(sys.stdin))))
