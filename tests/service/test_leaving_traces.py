"""Work that a request happens to start, and that goes on for others, is not shown as a part of its trace."""

import asyncio
import logging
from collections.abc import Coroutine

from padron.domain.trace_context import TraceContext
from padron.loop import Loop
from padron.service.authentication import _try
from padron.service.runtime import Runtime
from padron.traces import CURRENT

TRACE = TraceContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7", flags=1)


async def run_in_trace(work: Coroutine[None, None, None]) -> TraceContext | None:
    """Run work in a task of a traced request, and give the trace to which the task belongs afterwards."""

    async def run() -> TraceContext | None:
        CURRENT.set(TRACE)
        await work
        return CURRENT.get()

    return await asyncio.create_task(run())


async def test_the_steps_of_a_loop_belong_to_no_trace() -> None:
    seen: list[TraceContext | None] = []
    has_stepped = asyncio.Event()

    async def step() -> None:
        seen.append(CURRENT.get())
        has_stepped.set()

    loop = Loop(step, name="x", log=logging.getLogger("x"), failure="x", first_s=None)

    async def wake() -> None:
        loop.wake()

    assert await run_in_trace(wake()) is TRACE
    await has_stepped.wait()
    await loop.stop()
    assert seen == [None]


async def test_the_renewal_of_a_key_belongs_to_no_trace() -> None:
    async def renew() -> None:
        assert CURRENT.get() is None

    assert await run_in_trace(_try(renew())) is None


async def test_the_rest_of_a_run_is_queued_in_no_trace(runtime: Runtime) -> None:
    assert await run_in_trace(runtime.queueing._work()) is None
