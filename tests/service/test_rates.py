"""The buckets of a process: each key and each address has its own, and their number is bounded."""

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import DEFAULT_LIMITS, Limits
from padron.domain.rates import RateExceededError
from padron.service import rates as module
from padron.service.rates import Rates
from padron.service.recent import Recent

NOW = 1_000.0
SMALL = Limits(key_requests_per_s=2, key_burst=3, failed_keys_per_minute=60, failed_keys_burst=2)


def test_a_key_over_its_rate_is_refused_and_no_other_one() -> None:
    rates = Rates(SMALL)
    for _ in range(3):
        rates.take_request("1k1", NOW)
    with pytest.raises(RateExceededError) as caught:
        rates.take_request("1k1", NOW)
    assert (caught.value.code, caught.value.wait_s) == (Code.RATE_EXCEEDED, 1)
    assert (caught.value.rate.name, caught.value.rate.burst) == ("key", 3)
    rates.take_request("1k2", NOW)
    rates.take_request("1k1", NOW + 0.5)
    with pytest.raises(RateExceededError):
        rates.take_request("1k1", NOW + 0.5)


def test_an_address_over_its_rate_is_refused_with_all_of_its_network_and_nobody_else() -> None:
    rates = Rates(SMALL)
    rates.take_try("2001:db8::1", NOW)
    rates.take_try("2001:db8::2", NOW)
    with pytest.raises(RateExceededError, match="Your address"):
        rates.take_try("2001:db8::3", NOW)
    rates.take_try("2001:db8:0:1::1", NOW)
    rates.take_request("1k1", NOW)


def test_a_returned_token_can_be_taken_again() -> None:
    rates = Rates(SMALL)
    for _ in range(50):
        rates.take_try("192.0.2.7", NOW)
        rates.give_back("192.0.2.7")
    rates.give_back("192.0.2.8")  # of an address that was forgotten meanwhile
    rates.take_try("192.0.2.7", NOW)
    rates.take_try("192.0.2.7", NOW)
    with pytest.raises(PadronError):
        rates.take_try("192.0.2.7", NOW)


def test_the_default_rates_let_a_busy_key_pass() -> None:
    rates = Rates(DEFAULT_LIMITS)
    for number in range(90_000):  # as fast as they can come
        rates.take_request("1k1", NOW + number / 1_000_000)


def test_an_attacker_with_many_addresses_takes_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ADDRESSES_KEPT", 100)
    monkeypatch.setattr(module, "KEYS_KEPT", 100)
    rates = Rates(SMALL)
    for number in range(1_000):
        rates.take_try(f"192.0.{number // 250}.{number % 250}", NOW)
        rates.take_request(f"1k{number}", NOW)
    assert len(rates._addresses) <= 200
    assert len(rates._keys) <= 200


def test_who_was_refused_recently_stays_refused_while_others_come_and_go() -> None:
    recent: Recent[str, int] = Recent(10)
    for number in range(1_000):
        recent.set("mine", number)
        recent.set(f"other {number}", 0)
        assert recent.get("mine") == number
    assert recent.get("other 998") == 0
    assert recent.get("other 5") is None
    recent.drop("mine")
    assert recent.get("mine") is None


def test_a_name_that_is_set_again_and_again_drops_nothing_else() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.set("a", 1)
    recent.set("b", 2)
    for number in range(10):
        recent.set("a", number)
    assert (recent.get("a"), recent.get("b"), len(recent)) == (9, 2, 2)


def test_a_keys_own_rate_replaces_the_servers_only_if_it_is_lower() -> None:
    rates = Rates(Limits(key_requests_per_s=10, key_burst=10))
    for number in range(3):
        rates.take_request("1kslow", NOW + number * 0.001, 3)
    with pytest.raises(RateExceededError, match="more than 3 requests a second, and 3 at once"):
        rates.take_request("1kslow", NOW + 0.01, 3)
    rates.return_request("1kslow", 3)
    rates.take_request("1kslow", NOW + 0.01, 3)
    for _ in range(10):
        rates.take_request("1kfast", NOW, 1_000)
    with pytest.raises(RateExceededError, match="more than 10 requests a second, and 10 at once"):
        rates.take_request("1kfast", NOW, 1_000)
