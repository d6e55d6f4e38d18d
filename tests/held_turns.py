"""Takes the turns of an account away from it for a while."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from padron.service.runtime import Runtime
from padron.service.turns import TURNS_BESIDE_DATABASE


@asynccontextmanager
async def hold_turns(runtime: Runtime, account_id: int) -> AsyncIterator[int]:
    """Take all turns that an account may have at once, and give their number."""
    width = 1 if runtime.answers_at_once else TURNS_BESIDE_DATABASE
    async with AsyncExitStack() as held:
        for _ in range(width):
            await held.enter_async_context(runtime.turns.take(account_id))
        yield width
