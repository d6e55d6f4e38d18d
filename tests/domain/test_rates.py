"""The token bucket: never more than it holds at once, never faster than it fills, and never one token too few."""

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.addresses import find_network
from padron.domain.rates import Rate
from tests.tables import each_row

RATE = Rate(name="key", burst=5, token_s=0.5)
NOW = 1_000.0


def take_all(rate: Rate, full_at_s: float, now_s: float) -> tuple[int, float]:
    """Give the number of tokens that can be taken now, and the bucket afterwards."""
    count = 0
    while (after_s := rate.take(full_at_s, now_s)) is not None:
        full_at_s = after_s
        count += 1
    return count, full_at_s


def test_a_full_bucket_gives_what_it_holds_and_then_nothing() -> None:
    count, full_at_s = take_all(RATE, 0.0, NOW)
    assert count == 5
    assert RATE.take(full_at_s, NOW) is None
    assert RATE.take(full_at_s, NOW + 0.2) is None


def test_an_empty_bucket_gives_a_token_as_soon_as_it_says() -> None:
    _, full_at_s = take_all(RATE, 0.0, NOW)
    assert RATE.count_wait(full_at_s, NOW) == 0.5
    assert take_all(RATE, full_at_s, NOW + 0.5)[0] == 1
    assert take_all(RATE, full_at_s, NOW + 1.5)[0] == 3
    assert take_all(RATE, full_at_s, NOW + 100)[0] == 5
    assert RATE.count_wait(0.0, NOW) == 0


@each_row("burst", [1, 7, 1_000, 100_000])
@each_row("per_s", [0.1, 3, 50_000])
@each_row("now_s", [1.0, 123_456.789, 3e7])
def test_many_small_sums_lose_no_token_that_somebody_would_miss(burst: int, per_s: float, now_s: float) -> None:
    count, _ = take_all(Rate(name="key", burst=burst, token_s=1 / per_s), 0.0, now_s)
    assert burst * 0.9999 <= count <= burst * 1.0001


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=60))
def test_no_span_of_time_gives_more_than_a_bucket_and_what_came_since(gaps: list[float]) -> None:
    now_s, full_at_s = NOW, 0.0
    taken: list[float] = []
    for gap in gaps:
        now_s += gap
        after_s = RATE.take(full_at_s, now_s)
        if after_s is None:
            assert RATE.count_wait(full_at_s, now_s) > 0
        else:
            full_at_s = after_s
            taken.append(now_s)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            allowed = RATE.burst + (taken[last] - taken[first]) / RATE.token_s
            assert last - first + 1 <= allowed + 0.51


def test_a_rate_says_how_fast_it_is() -> None:
    assert (RATE.per_s, RATE.window_s) == (2.0, 3)
    assert Rate(name="key", burst=100, token_s=1 / 50_000).window_s == 1


@each_row(
    "address, network",
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_address_counts_as_the_network_of_one_customer(address: str, network: str) -> None:
    assert find_network(address) == network
