"""The set of VINs behaves as Python's own set, and takes no text for a VIN that is none."""

from hypothesis import given
from hypothesis import strategies as st

from padron_client.local_gate.vin_set import BUCKETS, VinSet
from tests.cast import make_vin

STEPS = st.lists(st.tuples(st.sampled_from(["add", "discard"]), st.integers(0, 30).map(make_vin)), max_size=80)


@given(loaded=st.sets(st.integers(0, 30).map(make_vin)), steps=STEPS)
def test_it_holds_what_a_set_holds(loaded: set[str], steps: list[tuple[str, str]]) -> None:
    vins, model = VinSet(), set(loaded)
    vins.load(loaded)
    vins.finish_loading()
    for name, vin in steps:
        getattr(vins, name)(vin)
        getattr(model, name)(vin)
        assert (vin in vins) is (vin in model)
    assert len(vins) == len(model)
    assert {vin for bucket in vins.buckets for vin in bucket.split()} == model
    assert all((make_vin(number) in vins) is (make_vin(number) in model) for number in range(31))


def test_a_large_set_is_spread_over_the_buckets() -> None:
    vins = VinSet()
    for start in range(0, 300_000, 1_000):
        vins.load([make_vin(number) for number in range(start, start + 1_000)])
    vins.finish_loading()
    assert len(vins) == 300_000
    assert all(make_vin(number) in vins for number in range(0, 300_000, 997))
    assert make_vin(300_000) not in vins
    assert max(bucket.count("\n") for bucket in vins.buckets) < 100
    assert len(vins.buckets) == BUCKETS
