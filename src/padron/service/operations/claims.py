"""What workers do: they claim vehicles under a lease, and send results."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.operation import (
    CLAIM_LIMIT_MAX,
    RESULT_BYTES_MAX,
    RESULTS_MAX,
    STALLED_AFTER,
    WAIT_S_MAX,
    Operation,
    Outcome,
    Result,
    Work,
    WorkState,
    check_range,
    decide_result,
    hand_out,
    parse_claim_id,
)
from padron.domain.quoting import quote
from padron.service.changes.watch import Gone
from padron.service.operations.declaring import get_operation
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from padron.store.operations import OperationTransaction


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenResult:
    """A result as a worker sends it: ``text`` is any JSON."""

    claim_id: str
    outcome: Outcome
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultAnswer:
    """The outcome of one result: the state of its work, or why it is refused."""

    claim_id: str
    state: WorkState | None = None
    refusal: PadronError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taken:
    """Work that was handed out, and whether work of cancelled runs was met."""

    claimed: list[Work]
    has_cancelled: bool


async def claim_work(
    runtime: Runtime,
    principal: Principal,
    name: str,
    *,
    limit: int,
    wait_s: int,
    gone: Gone,
    confirm: Callable[[], Awaitable[None]],
) -> list[Work]:
    """Hand out up to ``limit`` vehicles, each under a lease. Waits for the first of them.

    ``gone`` is done when the worker has hung up, which ends the wait without work. ``confirm`` is
    called after each wait, and raises when the worker has lost its right. Raises ``forbidden``,
    ``bad_parameters``, ``operation_not_found``.
    """
    principal.check_scope(Scope.OPERATIONS_RUN)
    check_range("limit", limit, 1, CLAIM_LIMIT_MAX)
    check_range("wait", wait_s, 0, WAIT_S_MAX)
    operation = await get_operation(runtime, principal.account_id, name)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    reader = runtime.store.read(principal.account_id).operations
    has_work = await reader.has_work(name, runtime.clock())
    if not has_work:
        for run in await reader.list_stalled_runs(name, runtime.clock() - STALLED_AFTER):
            runtime.queueing.go_on(principal.account_id, run)
    while True:
        if has_work:
            taken = await _claim(runtime, principal, operation, limit)
            while not taken.claimed and taken.has_cancelled:  # there may be more behind what was cancelled
                taken = await _claim(runtime, principal, operation, limit)
            if taken.claimed:
                return taken.claimed
        rest_s = deadline - loop.time()
        if rest_s <= 0 or gone.done():
            return []
        has_work = await runtime.work_watch.wait(principal.account_id, name, rest_s, gone)
        await confirm()
        if not has_work:
            return []


async def _claim(runtime: Runtime, principal: Principal, operation: Operation, limit: int) -> _Taken:
    at = runtime.clock()

    async def work(transaction: WriteTransaction) -> _Taken:
        operations = transaction.operations
        expired = await operations.lock_expired(operation.name, at, limit)
        handed = [hand_out(one, operation, at=at, by=principal.actor) for one in expired]
        room = limit - sum(one.state is WorkState.CLAIMED for one in handed)
        queued = await operations.lock_queued(operation.name, room) if room else []
        handed += [hand_out(one, operation, at=at, by=principal.actor) for one in queued]
        cancelled = await operations.find_cancelled_runs([one.run_id for one in handed]) if handed else set()
        if cancelled:  # whoever cancels these runs has not come to this work yet
            handed = [
                replace(before, state=WorkState.CANCELLED, ended_at=at) if before.run_id in cancelled else after
                for before, after in zip([*expired, *queued], handed, strict=True)
            ]
        await operations.save_work(handed)
        claimed = [one for one in handed if one.state is WorkState.CLAIMED]
        return _Taken(claimed=claimed, has_cancelled=bool(cancelled))

    return await runtime.store.write(principal.account_id, work)


async def give_results(
    runtime: Runtime, principal: Principal, name: str, given: Sequence[GivenResult]
) -> list[ResultAnswer]:
    """Store results and give an answer to each, in order. A refused result affects no other.

    Raises ``forbidden``, ``operation_not_found``, and ``bad_parameters`` for too many or too large
    results.
    """
    principal.check_scope(Scope.OPERATIONS_RUN)
    check_range("the number of results", len(given), 1, RESULTS_MAX)
    for one in given:
        size_bytes = len(one.text.encode())
        if size_bytes > RESULT_BYTES_MAX:
            raise PadronError(
                Code.BAD_PARAMETERS,
                f"The result of the claim {quote(one.claim_id)} has {size_bytes} bytes. "
                f"The maximum is {RESULT_BYTES_MAX}.",
            )
    operation = await get_operation(runtime, principal.account_id, name)
    at = runtime.clock()
    results = [
        None
        if (key := parse_claim_id(one.claim_id)) is None
        else Result(key=key, outcome=one.outcome, text=one.text, given_at=at, given_by=principal.actor)
        for one in given
    ]

    async def work(transaction: WriteTransaction) -> list[ResultAnswer]:
        operations = transaction.operations
        answers = _Answers(operation)
        await answers.load(operations, [result for result in results if result is not None])
        decided = [answers.decide(one.claim_id, result) for one, result in zip(given, results, strict=True)]
        await answers.save(operations)
        return decided

    return await runtime.store.write(principal.account_id, work)


class _Answers:
    """The results of one transaction. Each decision sees the effect of the ones before it."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._work: dict[tuple[int, int], Work] = {}
        self._stored: dict[tuple[int, int, int], Result] = {}
        self._changed: dict[tuple[int, int], Work] = {}
        self._new: list[Result] = []

    async def load(self, transaction: OperationTransaction, results: Sequence[Result]) -> None:
        keys = [result.key for result in results]
        for work in await transaction.lock_work(keys):
            if work.operation == self._operation.name:
                self._work[work.run_id, work.vehicle_id] = work
        for stored in await transaction.load_results(keys):
            self._stored[stored.key] = stored

    def decide(self, claim_id: str, result: Result | None) -> ResultAnswer:
        if result is None:
            refusal = PadronError(Code.CLAIM_NOT_FOUND, f"{quote(claim_id)} is not the id of a claim.")
            return ResultAnswer(claim_id=claim_id, refusal=refusal)
        place = (result.key.run_id, result.key.vehicle_id)
        before, stored = self._work.get(place), self._stored.get(result.key)
        try:
            after = decide_result(before, stored, result, self._operation.attempts_max)
        except PadronError as refusal:
            return ResultAnswer(claim_id=claim_id, refusal=refusal)
        if after is not None:
            self._work[place] = self._changed[place] = after
            self._stored[result.key] = result
            self._new.append(result)
        return ResultAnswer(claim_id=claim_id, state=self._work[place].state)

    async def save(self, transaction: OperationTransaction) -> None:
        await transaction.save_work(list(self._changed.values()))
        await transaction.add_results(self._new)
