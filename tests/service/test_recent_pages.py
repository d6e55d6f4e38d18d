"""Streams that wait at one place share the read of a change and its bytes. Another question gets neither."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from padron.domain.change import START, FeedEntry, Place
from padron.service.changes import feed, recent_pages
from padron.service.changes.feed import Wait, follow_changes
from padron.service.changes.pages import FeedFilter, FeedPage, FeedQuery
from padron.service.changes.recent_pages import Question, RecentPages, SharedPage
from padron.service.runtime import Runtime
from padron.service.turns import TURNS_BESIDE_DATABASE, Turns
from tests.cast import Cast, Member, make_vin, registered, save, wait_until
from tests.tables import each_row

ACME, BETA = 1, 2
QUERY = FeedQuery(after=START, limit=10, wanted=FeedFilter())
QUESTION = Question(ACME, QUERY)
PAGE = FeedPage(entries=list[FeedEntry](), position=Place(number=5, mark=7), more=False)
SHARED = SharedPage(PAGE)
STREAMS = 30


def read_time() -> float:
    return asyncio.get_running_loop().time()


def keep() -> RecentPages:
    pages = RecentPages()
    pages.keep(QUESTION, SHARED, read_time())
    return pages


@pytest.mark.parametrize("at_least", [0, 5])
async def test_the_same_question_gets_the_page_that_has_the_change(at_least: int) -> None:
    assert keep().find(QUESTION, at_least) is SHARED


@each_row(
    "question",
    [
        replace(QUESTION, query=replace(QUERY, after=Place(number=1, mark=0))),
        replace(QUESTION, query=replace(QUERY, after=Place(number=0, mark=1))),
        replace(QUESTION, query=replace(QUERY, limit=11)),
        replace(QUESTION, query=replace(QUERY, wanted=FeedFilter(operational_changed=True))),
        replace(QUESTION, account_id=BETA),
        replace(QUESTION, encode=keep),
    ],
)
async def test_another_question_gets_none(question: Question) -> None:
    assert keep().find(question, 1) is None


async def test_a_page_without_the_change_is_none_unless_it_is_full() -> None:
    pages = keep()
    assert pages.find(QUESTION, 6) is None
    full = SharedPage(replace(PAGE, more=True))
    pages.keep(QUESTION, full, read_time())
    assert pages.find(QUESTION, 6) is full


async def test_a_page_is_shared_for_a_moment_only() -> None:
    pages = RecentPages()
    pages.keep(QUESTION, SHARED, read_time() - recent_pages.SHARED_S - 0.1)
    assert pages.find(QUESTION, 1) is None


async def test_few_pages_are_kept() -> None:
    pages = RecentPages()
    for account_id in range(1_000):
        question = replace(QUESTION, account_id=account_id)
        pages.keep(question, SHARED, read_time())
        assert pages.find(question, 1) is SHARED
    assert len(pages._recent) <= 2 * recent_pages.PAGES_KEPT


class Followers:
    """Streams of one account that ask the same, and what each of them was told."""

    def __init__(self, runtime: Runtime, member: Member) -> None:
        self.runtime = runtime
        self.member = member
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.encoded: list[int] = []  # the number of entries of each page whose bytes were made
        self.told: list[list[str]] = []
        self.at_once = 1 if runtime.answers_at_once else TURNS_BESIDE_DATABASE  # may read the same, before one is done
        self._tasks: list[asyncio.Task[None]] = []

    async def encode(self, _: Runtime, account_id: int, page: FeedPage) -> bytes:
        assert account_id == self.member.account.account_id
        self.encoded.append(len(page.entries))
        return b"".join(f"{entry.vin} ".encode() for entry in page.entries)

    def start(self, count: int) -> None:
        for _ in range(count):
            self.told.append([])
            self._tasks.append(asyncio.create_task(self._follow(self.told[-1])))

    async def _follow(self, told: list[str]) -> None:
        wait = Wait(seconds=30, gone=self.gone)
        async for one in follow_changes(self.runtime, self.member.principal, QUERY, wait, self.encode):
            told += one.encoded.decode().split()

    async def wait_for(self, vins: list[str]) -> None:
        """Wait until every stream was told these and waits again."""

        async def is_so() -> bool:
            watch = self.runtime.watch
            return all(told == vins for told in self.told) and watch.waiting_count == len(self.told)

        await wait_until(is_so)

    async def end(self) -> None:
        self.gone.set_result(None)
        await asyncio.gather(*self._tasks)


@pytest.fixture
async def followers(runtime: Runtime, cast: Cast) -> AsyncIterator[Followers]:
    followers = Followers(runtime, cast.acme)
    yield followers
    await followers.end()
    assert runtime.watch.waiting_count == 0


async def test_a_change_is_read_and_worded_once_for_all_streams(
    runtime: Runtime, cast: Cast, followers: Followers, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Place] = []
    original = feed.list_changes

    async def note(runtime: Runtime, member: object, query: FeedQuery, **rest: int) -> FeedPage:
        reads.append(query.after)
        return await original(runtime, member, query, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(feed, "list_changes", note)
    monkeypatch.setattr(recent_pages, "SHARED_S", 60)  # a page without the change would keep it from them for ever
    followers.start(STREAMS)
    await followers.wait_for([])
    assert len(reads) <= followers.at_once
    for number in range(1, 4):
        await save(runtime.store, cast.acme.account.account_id, registered(make_vin(number)))
        await followers.wait_for([str(make_vin(each)) for each in range(1, number + 1)])
    assert len(reads) <= 4 * followers.at_once  # and none only to learn that there is nothing more
    assert len(followers.encoded) == len(reads)
    assert {place.number for place in reads} == {0, 1, 2}


async def test_streams_that_fall_behind_are_told_all_at_once_and_in_order(
    runtime: Runtime, cast: Cast, followers: Followers
) -> None:
    followers.start(STREAMS)
    await followers.wait_for([])
    vins = [make_vin(number) for number in range(25)]  # more than two pages
    await save(runtime.store, cast.acme.account.account_id, *(registered(vin) for vin in vins))
    await followers.wait_for([str(vin) for vin in vins])
    pages = {0: 1, 10: 2, 5: 1}  # how many of each size there are
    assert all(followers.encoded.count(size) <= count * followers.at_once for size, count in pages.items())
    followers.start(STREAMS)  # others begin at the start
    await followers.wait_for([str(vin) for vin in vins])


async def test_streams_that_were_woken_take_no_turn_for_a_page_that_is_there(
    runtime: Runtime, cast: Cast, followers: Followers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_pages, "SHARED_S", 60)
    followers.start(STREAMS)
    await followers.wait_for([])
    question = Question(cast.acme.account.account_id, QUERY, followers.encode)
    was_there: list[bool] = []  # for each turn that is asked for, whether there was no need to
    original = Turns.take

    def note(turns: Turns, owner: int | str) -> AbstractAsyncContextManager[None]:
        was_there.append(runtime.recent_pages.find(question, 1) is not None)
        return original(turns, owner)

    monkeypatch.setattr(Turns, "take", note)
    await save(runtime.store, cast.acme.account.account_id, registered(make_vin(1)))
    await followers.wait_for([str(make_vin(1))])
    assert was_there  # those that were woken first
    assert not any(was_there)


async def test_another_accounts_streams_are_told_nothing(runtime: Runtime, cast: Cast, followers: Followers) -> None:
    stranger = Followers(runtime, cast.beta)
    stranger.encode = followers.encode  # type: ignore[method-assign]
    followers.start(2)
    await followers.wait_for([])
    await save(runtime.store, cast.beta.account.account_id, registered(make_vin(1)))
    await save(runtime.store, cast.acme.account.account_id, registered(make_vin(2)))
    await followers.wait_for([str(make_vin(2))])
    await stranger.end()
