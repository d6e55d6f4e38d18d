"""A load generator of workers: each repeatedly claims vehicles and answers them at once. It prints JSON.

All workers work on one account until it has no more work, then on the next one. So they compete like the workers of
one fleet. The generator ends when the time is up, or when no work is left. Standard input has the accounts, as JSON.
"""

import argparse
import asyncio
import json
import sys
import time
from functools import partial
from typing import Any

import msgspec
import uvloop

from bench.load import Account, Client, count_statuses, give_percentiles
from bench.runs import OPERATION

_PATH = f"POST /api/v2/operations/{OPERATION}/claims".encode()
_RESULT = b'{"claimId":"%s","outcome":"succeeded","result":{"fines":[],"askedFor":"%s"}}'


class _Claim(msgspec.Struct, rename="camel"):
    claim_id: str
    vin: str


class _Claims(msgspec.Struct):
    claims: list[_Claim]


class _Answer(msgspec.Struct):
    status: int


class _Answers(msgspec.Struct):
    results: list[_Answer]


_claims = msgspec.json.Decoder(_Claims)
_answers = msgspec.json.Decoder(_Answers)


class Worker(Client):
    """One worker. Those of one fleet share the list of accounts that still have work."""

    def __init__(self, accounts: list[Account], limit: int, deadline: float) -> None:
        super().__init__(lambda: self.request, deadline)
        self.request = b""
        self.account = accounts[0]
        self.accounts = accounts
        self.limit = limit
        self.is_answering = False
        self.claimed = 0
        self.stored = 0
        self.received = b""
        self.claim_latencies: list[float] = []
        self.answer_latencies: list[float] = []

    def send(self) -> None:
        """Claim; when vehicles were handed out, answer them; when none were, go on to the next account."""
        body = self.received.partition(b"\r\n\r\n")[2]
        if body:
            (self.answer_latencies if self.is_answering else self.claim_latencies).append(self.latencies[-1])
        if self.is_answering:
            self.stored += sum(answer.status == 200 for answer in _answers.decode(body).results)
            self.is_answering = False
        elif body and (claims := _claims.decode(body).claims):
            self.claimed += len(claims)
            self.is_answering = True
            results = b",".join(_RESULT % (claim.claim_id.encode(), claim.vin.encode()) for claim in claims)
            self.request = self.account.build(_PATH + b"/results", b'{"results":[%s]}' % results)
        elif body and self.accounts and self.accounts[0] is self.account:
            self.accounts.pop(0)
        if not self.is_answering:
            if not self.accounts:
                self.transport.close()
                return
            self.account = self.accounts[0]
            self.request = self.account.build(_PATH, b'{"limit":%d}' % self.limit)
        super().send()


async def run(
    port: int, limit: int, connections: int, seconds: float, accounts: list[dict[str, Any]]
) -> dict[str, object]:
    """Work and give what was seen. Latencies are in milliseconds."""
    loop = asyncio.get_running_loop()
    left = [Account(port, listed) for listed in accounts]
    started, used_before = time.perf_counter(), time.process_time()
    make_worker = partial(Worker, left, limit, started + seconds)
    workers = [(await loop.create_connection(make_worker, "127.0.0.1", port))[1] for _ in range(connections)]
    await asyncio.wait_for(asyncio.gather(*(worker.done for worker in workers)), seconds + 30)
    took, used = time.perf_counter() - started, time.process_time() - used_before
    claimed, stored = sum(worker.claimed for worker in workers), sum(worker.stored for worker in workers)
    return {
        "seconds": round(took, 3),
        "requests": sum(len(worker.latencies) for worker in workers),
        "claimed": claimed,
        "stored": stored,
        "claimedPerSecond": round(claimed / took),
        "storedPerSecond": round(stored / took),
        "statuses": count_statuses(workers),
        "generatorCpu": round(used / took, 2),
        "claim": give_percentiles([latency for worker in workers for latency in worker.claim_latencies]),
        "answer": give_percentiles([latency for worker in workers for latency in worker.answer_latencies]),
    }


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=8)
    given = parser.parse_args()
    accounts = json.load(sys.stdin)
    print(json.dumps(uvloop.run(run(given.port, given.limit, given.connections, given.seconds, accounts))))


if __name__ == "__main__":
    main()
