"""Makes a worker of a function: it claims vehicles of an operation, works on each, and answers.

A lease cannot be renewed. So the worker claims no more vehicles than it can begin at once, and sends results as soon as
they are there, several together. Give the operation a lease that is longer than the work on one vehicle.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import random
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from padron_client._async.client import AsyncClient
from padron_client.errors import (
    ApiError,
    ConnectionFailed,
    DeadlinePassed,
    Overloaded,
    PadronClientError,
    ServerFailed,
    UnexpectedAnswer,
)
from padron_client.models import (
    Change,
    ClaimBody,
    ClaimShape,
    GivenResultBody,
    Outcome,
    ResultAnswerShape,
    ResultsBody,
    UnknownChange,
)
from padron_client.problems import ClaimWithdrawn
from padron_client.records import to_json

RESULTS_MAX = 500  # of one request
RESULTS_BYTES_MAX = 900_000  # the server takes 1 MB with what is around them
RESULT_BYTES_MAX = 65_536
REASON_CHARACTERS = 1_000
SERVER_ERROR = 500
_log = logging.getLogger("padron_client.worker")


@dataclass
class Job:
    """The work on one vehicle."""

    vin: str
    claim_id: str
    run_id: str
    attempt: int  # 1 is the first
    lease_until: datetime
    _is_withdrawn: bool = field(default=False, repr=False)

    @property
    def is_withdrawn(self) -> bool:
        """Whether the vehicle was deactivated in the meantime. Nobody wants its result any more."""
        return self._is_withdrawn

    def check(self) -> None:
        """Raise ClaimWithdrawn if the vehicle was deactivated: for long work without ``async``, between its steps."""
        if self._is_withdrawn:
            raise make_withdrawn(self)


@dataclass(frozen=True)
class Settings:
    """How a worker works."""

    concurrency: int = 8
    wait_s: int = 20  # how long a claim waits for work, at most 30
    batch_s: float = 0.05  # how long a result waits for others
    stop_s: float = 30.0  # how long work may go on after the signal to stop
    pause_s: float = 1.0  # after a failure of the server or the network, up to 30 times as long


class Worker:
    """Works for one operation until ``stop()`` is called.

    ``work`` gets a Job and gives any JSON. It may be ``async``; another function runs in a thread. If it raises, the
    outcome is ``failed``, and the vehicle can be claimed again while attempts are left.

    When a vehicle is deactivated, its work is cancelled: a function with ``async`` gets ``CancelledError``, as a task
    that is cancelled does, and for another one ``job.check()`` raises. The worker learns it from the feed, for which
    its key needs the scope ``changes:read``. Without it, the worker learns it from the answer to the result.
    """

    def __init__(
        self,
        client: AsyncClient,
        operation: str,
        work: Callable[[Job], object],
        *,
        settings: Settings | None = None,
        on_answer: Callable[[Job, ResultAnswerShape], None] | None = None,
    ) -> None:
        self._client = client
        self._operation = operation
        self._work = work
        self._settings = settings or Settings()
        self._on_answer = on_answer
        self._is_stopping = asyncio.Event()
        self._running: dict[asyncio.Task[None], Job] = {}
        self._results: asyncio.Queue[tuple[Job, GivenResultBody] | None] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix=f"padron-{operation}")

    def stop(self) -> None:
        """Claim nothing more, finish what was begun, and end. The second call cancels what was begun."""
        if self._is_stopping.is_set():
            for task in self._running:
                task.cancel()
        self._is_stopping.set()

    async def run(self) -> None:
        """Work until ``stop()``. Raises an ApiError that no waiting can cure, such as OperationNotFound."""
        sender = asyncio.create_task(self._send_results())
        watcher = asyncio.create_task(self._watch())
        claimer = asyncio.create_task(self._claim())
        stopping = asyncio.create_task(self._is_stopping.wait())
        try:
            await asyncio.wait([claimer, sender, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (claimer, stopping):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await self._finish(sender)
            watcher.cancel()
            self._threads.shutdown(wait=False, cancel_futures=True)
            ended = await asyncio.gather(claimer, sender, watcher, stopping, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _finish(self, sender: asyncio.Task[None]) -> None:
        if self._running:
            await asyncio.wait([*self._running], timeout=self._settings.stop_s)
        left = [*self._running]
        for task in left:
            task.cancel()
        if left:
            _log.warning("%d vehicles were not finished. They can be claimed again when their leases end.", len(left))
            await asyncio.gather(*left, return_exceptions=True)
        self._results.put_nowait(None)
        await asyncio.wait([sender], timeout=self._settings.stop_s)
        sender.cancel()

    async def _claim(self) -> None:
        failures = 0
        while not self._is_stopping.is_set():
            free = self._settings.concurrency - len(self._running)
            if free == 0:
                await asyncio.wait([*self._running], return_when=asyncio.FIRST_COMPLETED)
                continue
            # While there is work, others that become free must not wait until this claim has waited.
            wait = self._settings.wait_s if not self._running else 1
            try:
                answer = await self._client.claim_work(
                    self._operation, ClaimBody(limit=min(free, RESULTS_MAX), wait=wait)
                )
            except PadronClientError as error:
                failures += 1
                await self._pause("claim", error, failures)
                continue
            failures = 0
            for claim in answer.claims:
                self._begin(claim)

    def _begin(self, claim: ClaimShape) -> None:
        job = Job(
            vin=claim.vin,
            claim_id=claim.id,
            run_id=claim.run_id,
            attempt=claim.attempt,
            lease_until=claim.lease_until,
        )
        task = asyncio.create_task(self._do(job))
        self._running[task] = job
        task.add_done_callback(lambda done: self._running.pop(done, None))

    async def _do(self, job: Job) -> None:
        try:
            result = await self._call(job)
        except asyncio.CancelledError:
            if not job.is_withdrawn:
                raise
            _log.info("%s was deactivated, so its work was cancelled.", job.vin)
            return
        except ClaimWithdrawn:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, others can claim the vehicle
            _log.exception("The work on %s failed.", job.vin)
            self._answer(job, Outcome.FAILED, f"{type(error).__name__}: {error}"[:REASON_CHARACTERS])
            return
        self._answer(job, Outcome.SUCCEEDED, result)

    async def _call(self, job: Job) -> object:
        if inspect.iscoroutinefunction(self._work):
            return await self._work(job)
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._threads, functools.partial(self._work, job))
        return await result if inspect.isawaitable(result) else result

    def _answer(self, job: Job, outcome: Outcome, result: Any) -> None:  # noqa: ANN401 - any JSON
        try:
            is_small = len(to_json(result)) <= RESULT_BYTES_MAX
            reason = f"The result is larger than {RESULT_BYTES_MAX} bytes."
        except (TypeError, ValueError) as error:
            is_small, reason = False, f"The result is no JSON: {error}"[:REASON_CHARACTERS]
        if not is_small:
            _log.error("%s: %s", job.vin, reason)
            outcome, result = Outcome.FAILED, reason
        body = GivenResultBody(claim_id=job.claim_id, outcome=outcome, result=result)
        self._results.put_nowait((job, body))

    async def _send_results(self) -> None:
        left: list[tuple[Job, GivenResultBody]] = []
        is_last = False
        while not is_last or left:
            if not left:
                first = await self._results.get()
                if first is None:
                    return
                left.append(first)
                if not self._is_stopping.is_set():
                    await asyncio.sleep(self._settings.batch_s)
            while not self._results.empty():
                further = self._results.get_nowait()
                if further is None:
                    is_last = True
                else:
                    left.append(further)
            batch = cut_batch(left)
            del left[: len(batch)]
            await self._send_batch(batch)

    async def _send_batch(self, batch: list[tuple[Job, GivenResultBody]]) -> None:
        failures = 0
        while True:
            try:
                answers = await self._give([body for _, body in batch])
                break
            except PadronClientError as error:  # a result is stored once, however often it is sent
                failures += 1
                await self._pause("results", error, failures)
        for (job, _), answer in zip(batch, answers):  # noqa: B905 - the server gives one for each
            if answer.error_detail:
                _log.info("The result for %s was not taken: %s", job.vin, answer.error_detail)
            self._tell(job, answer)

    def _tell(self, job: Job, answer: ResultAnswerShape) -> None:
        if self._on_answer is not None:
            try:
                self._on_answer(job, answer)
            except Exception:  # noqa: BLE001 - whatever it is, further results must be sent
                _log.exception("The function for answers failed.")

    async def _give(self, results: list[GivenResultBody]) -> list[ResultAnswerShape]:
        """Send results, and give the answer of each. When none is stored, the answers are in the problem."""
        try:
            return (await self._client.give_results(self._operation, ResultsBody(results=results))).results
        except ApiError as error:
            from padron_client.decoding import convert  # noqa: PLC0415 - seldom

            if "results" not in error.members:
                raise
            return convert(error.members["results"], list[ResultAnswerShape])

    async def _watch(self) -> None:
        """Follow the feed, and cancel the work on vehicles that are deactivated."""
        failures = 0
        try:
            cursor = await self._find_end()
            while True:
                try:
                    page = await self._client.list_changes(
                        after=cursor, wait=self._settings.wait_s, operational_changed=True
                    )
                except PadronClientError as error:
                    failures += 1
                    await self._pause("changes", error, failures)
                    continue
                failures, cursor = 0, page.next_cursor
                self._withdraw({vin for change in page.changes if (vin := find_deactivated(change))})
        except PadronClientError as error:
            _log.warning("Work on vehicles that are deactivated will not be cancelled: %s", error)

    async def _find_end(self) -> str | None:
        """Give the cursor of the present end of the feed."""
        page = await self._client.list_vehicles(limit=1)
        return page.cursor

    def _withdraw(self, vins: set[str]) -> None:
        # A vehicle that was reactivated and claimed while its page was under way is cancelled for nothing. That does
        # no harm: it is claimed again when its lease ends.
        for task, job in [*self._running.items()]:
            if job.vin in vins:
                job._is_withdrawn = True  # noqa: SLF001 - the job is ours
                if inspect.iscoroutinefunction(self._work):
                    task.cancel()

    async def _pause(self, what: str, error: PadronClientError, failures: int) -> None:
        """Wait before the next trial, or raise an error that no waiting can cure."""
        if not is_temporary(error):
            raise error
        longest_s = self._settings.pause_s * min(2.0 ** (failures - 1), 30.0)
        _log.warning("%s: %s. It is tried again.", what, error)
        await asyncio.sleep(random.uniform(longest_s / 2, longest_s))  # noqa: S311 - a pause is no secret


def is_temporary(error: PadronClientError) -> bool:
    """Say whether the same request may succeed later. A proxy whose server restarts answers 502 with its own page."""
    if isinstance(error, UnexpectedAnswer):
        return error.status >= SERVER_ERROR
    return isinstance(error, (ConnectionFailed, DeadlinePassed, Overloaded, ServerFailed))


def find_deactivated(change: Change) -> str | None:
    """Give the VIN of a vehicle that a change of the feed took out of every operation."""
    if isinstance(change, UnknownChange):
        return str(change.members.get("vin")) if change.members["operational"] is False else None
    return None if change.operational else change.vin


def make_withdrawn(job: Job) -> ClaimWithdrawn:
    """Give the error that the server will give for the job's result."""
    members = {"errorDetail": "ClaimWithdrawn", "detail": f"The vehicle {job.vin} was deactivated."}
    return ClaimWithdrawn(members, status=409)


def cut_batch(left: list[tuple[Job, GivenResultBody]]) -> list[tuple[Job, GivenResultBody]]:
    """Give the first results that fit into one request: at least one."""
    size = 0
    batch: list[tuple[Job, GivenResultBody]] = []
    for each in left[:RESULTS_MAX]:
        size += len(to_json(each[1])) + 1
        if batch and size > RESULTS_BYTES_MAX:
            break
        batch.append(each)
    return batch


def run_worker(
    url: str,
    key: str | Callable[[], str],
    operation: str,
    work: Callable[[Job], object],
    *,
    settings: Settings | None = None,
    on_answer: Callable[[Job, ResultAnswerShape], None] | None = None,
) -> None:
    """Work until SIGTERM or Ctrl-C: finish what was begun, send the results, and return. Call it in the main thread."""

    async def main() -> None:
        async with AsyncClient(url, key) as client:
            worker = Worker(client, operation, work, settings=settings, on_answer=on_answer)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                if sys.platform == "win32":
                    signal.signal(number, lambda *_: loop.call_soon_threadsafe(worker.stop))
                else:
                    loop.add_signal_handler(number, worker.stop)
            await worker.run()

    asyncio.run(main())
