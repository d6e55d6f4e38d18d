"""The lines in which an account's writes wait for each other on PostgreSQL."""

import asyncio

import pytest

from padron.domain.errors import Code, PadronError
from padron.store.postgres import lines
from padron.store.postgres.lines import TURNS_MAX, AccountLines

ACME, BETA = 1, 2


async def take(all_lines: AccountLines, account_id: int, until: asyncio.Event, error: Exception | None = None) -> None:
    async with all_lines.turn(account_id):
        await until.wait()
        if error is not None:
            raise error


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_account_takes_so_many_turns_and_no_more_and_the_others_have_their_own() -> None:
    all_lines, until = AccountLines(), asyncio.Event()
    flood = [asyncio.create_task(take(all_lines, ACME, until)) for _ in range(20)]
    await settle()
    assert len(all_lines._lines[ACME].waiting) == 20 - TURNS_MAX
    until.set()
    await asyncio.wait_for(take(all_lines, BETA, until), 1)
    await asyncio.gather(*flood)
    assert all_lines._lines == {}


async def test_whoever_came_first_has_the_next_turn() -> None:
    all_lines, order = AccountLines(), list[int]()

    async def note(place: int) -> None:
        async with all_lines.turn(ACME):
            order.append(place)
            await asyncio.sleep(0)

    await asyncio.gather(*(note(place) for place in range(20)))
    assert order == list(range(20))


async def test_an_outage_in_a_turn_is_told_to_those_who_wait_and_no_other_error_is() -> None:
    all_lines, until = AccountLines(), asyncio.Event()
    away = PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached.")
    first = [asyncio.create_task(take(all_lines, ACME, until, away)) for _ in range(TURNS_MAX)]
    waiting = [asyncio.create_task(take(all_lines, ACME, until)) for _ in range(5)]
    stranger = asyncio.create_task(take(all_lines, BETA, until))
    await settle()
    until.set()
    told = await asyncio.gather(*first, *waiting, return_exceptions=True)
    assert [isinstance(one, PadronError) and one.code for one in told] == [Code.STORE_UNAVAILABLE] * len(told)
    await stranger
    unknown = PadronError(Code.VEHICLE_NOT_FOUND, "None.")
    refused = [asyncio.create_task(take(all_lines, ACME, until, unknown)) for _ in range(TURNS_MAX)]
    after = [asyncio.create_task(take(all_lines, ACME, until)) for _ in range(5)]
    await asyncio.gather(*refused, return_exceptions=True)
    await asyncio.gather(*after)
    assert all_lines._lines == {}


async def test_a_wait_that_is_too_long_and_a_line_that_is_too_long_are_overload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "WAIT_S_MAX", 0.02)
    monkeypatch.setattr(lines, "WAITING_MAX", 1)
    all_lines, until = AccountLines(), asyncio.Event()
    held = [asyncio.create_task(take(all_lines, ACME, until)) for _ in range(TURNS_MAX)]
    late = asyncio.create_task(take(all_lines, ACME, until))
    await settle()
    for one in (take(all_lines, ACME, until), late):
        with pytest.raises(PadronError) as refusal:
            await one
        assert refusal.value.code is Code.OVERLOADED
    until.set()
    await asyncio.gather(*held)
    assert all_lines._lines == {}


@pytest.mark.parametrize("turns", range(6))
async def test_a_turn_that_is_given_up_in_the_moment_in_which_it_comes_goes_to_the_next(turns: int) -> None:
    all_lines, until = AccountLines(), asyncio.Event()
    held = [asyncio.create_task(take(all_lines, ACME, until)) for _ in range(TURNS_MAX)]
    given_up = [asyncio.create_task(take(all_lines, ACME, until)) for _ in range(TURNS_MAX)]
    last = asyncio.create_task(take(all_lines, ACME, until))
    await settle()
    until.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    for one in given_up:
        one.cancel()
    await asyncio.wait_for(last, 1)
    await asyncio.gather(*held, *given_up, return_exceptions=True)
    assert all_lines._lines == {}
