"""A process of its own with a local gate, which checks vehicles at random and writes down each answer.

The test starts it as a script. One line of JSON on standard input says what to do, and the end of the input ends it.
All instants are of the one clock that counts a machine's sleep, so they can be compared between processes.
"""

import json
import random
import struct
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from padron_client.local_gate import Clocks, LocalGate
from padron_client.local_gate.clocks import read_clocks

# begin, end, right as of when by its own word, the VIN's place, allowed, refused because it is too old
RECORD = struct.Struct("<dddHBB")
_CHECKS_AT_ONCE = 20
_BETWEEN_S = 0.004
_JUMP_S = 100_000.0
_READY_S_MAX = 30.0


def jump() -> float:
    """Give the time of day of a clock that somebody sets all the time."""
    return time.time() + random.uniform(-_JUMP_S, _JUMP_S)


def ask(gate: LocalGate, vins: Sequence[str], path: Path, ended: threading.Event, seed: int) -> None:
    """Check vehicles until the end."""
    rng, read_clock = random.Random(seed), read_clocks().steady
    with path.open("wb") as file:
        while not ended.is_set():
            for _ in range(_CHECKS_AT_ONCE):
                place = rng.randrange(len(vins))
                begin = read_clock()
                answer = gate.check(vins[place])
                end = read_clock()
                right_at = answer.checked_at - answer.age if answer.allowed else 0.0
                is_late = answer.reason is not None and answer.reason.value != "notOperable"
                file.write(RECORD.pack(begin, end, right_at, place, answer.allowed, is_late))
            time.sleep(_BETWEEN_S)


def wait_for_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def main() -> None:
    given = json.loads(sys.stdin.readline())
    steady = read_clocks()
    gate = LocalGate(
        given["url"],
        given["key"],
        max_age=given["maxAge"],
        strict=given["strict"],
        lease_seconds=given["leaseSeconds"],
        snapshot=given["snapshot"],
        snapshot_every=1.0,
        clocks=Clocks(steady=steady.steady, wall=jump, boot=steady.boot),
    )
    is_ready = gate.wait_ready(_READY_S_MAX)
    print(json.dumps({"ready": is_ready, "error": gate.state().last_error}), flush=True)  # noqa: T201 - the test reads it
    ended = threading.Event()
    threading.Thread(target=wait_for_end, args=[ended], daemon=True).start()
    ask(gate, given["vins"], Path(given["path"]), ended, given["seed"])
    gate.close()


if __name__ == "__main__":
    main()
