"""Streams that wait at one place share the read of a change, and nobody gets a page of another question."""

from dataclasses import replace

import pytest

from padron.domain.change import START, FeedEntry, Place
from padron.service.changes import recent_pages
from padron.service.changes.feed import list_changes
from padron.service.changes.pages import FeedFilter, FeedPage, FeedQuery
from padron.service.changes.recent_pages import RecentPages
from padron.service.runtime import Runtime
from tests.cast import Cast, make_vin, registered, save
from tests.tables import each_row

ACME, BETA = 1, 2
QUERY = FeedQuery(after=START, limit=10, wanted=FeedFilter())
PAGE = FeedPage(entries=list[FeedEntry](), position=Place(number=5, mark=7), more=False)


@pytest.mark.parametrize("at_least", [1, 5])
def test_the_same_question_gets_the_page_that_has_the_change(at_least: int) -> None:
    pages = RecentPages()
    pages.keep(ACME, QUERY, PAGE)
    assert pages.find(ACME, QUERY, at_least) is PAGE


@each_row(
    "query",
    [
        replace(QUERY, after=Place(number=1, mark=0)),
        replace(QUERY, after=Place(number=0, mark=1)),
        replace(QUERY, limit=11),
        replace(QUERY, wanted=FeedFilter(operational_changed=True)),
    ],
)
def test_another_question_gets_none(query: FeedQuery) -> None:
    pages = RecentPages()
    pages.keep(ACME, QUERY, PAGE)
    assert pages.find(ACME, query, 1) is None


def test_another_account_gets_none() -> None:
    pages = RecentPages()
    pages.keep(ACME, QUERY, PAGE)
    assert pages.find(BETA, QUERY, 1) is None


@pytest.mark.parametrize("at_least", [0, 6])
def test_a_page_without_the_change_is_none(at_least: int) -> None:
    pages = RecentPages()
    pages.keep(ACME, QUERY, PAGE)
    assert pages.find(ACME, QUERY, at_least) is None  # 0: nothing was seen, so the register must be asked


def test_the_pages_of_many_accounts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_pages, "ACCOUNTS_MAX", 3)
    pages = RecentPages()
    for account_id in range(10):
        pages.keep(account_id, QUERY, PAGE)
        assert pages.find(account_id, QUERY, 1) is PAGE
    assert len(pages._recent) <= 3


async def test_a_page_from_the_register_is_found_again(runtime: Runtime, cast: Cast) -> None:
    await save(runtime.store, cast.acme.account.account_id, registered(make_vin(1)))
    page = await list_changes(runtime, cast.acme.principal, QUERY)
    runtime.recent_pages.keep(cast.acme.account.account_id, QUERY, page)
    assert runtime.recent_pages.find(cast.acme.account.account_id, QUERY, page.position.number) is page
    assert [entry.vin for entry in page.entries] == [make_vin(1)]
