"""Words the collected families in the text format of Prometheus, by its official client library.

The library sees only copies, at the moment of a scrape. No call of the API uses it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import assert_never

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from padron.meters import Distribution, Family, FamilyKind, Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposition:
    """The text of all metrics, and its media type."""

    media_type: str
    body: bytes


class _Copies(Collector):
    """Gives the library the families of one scrape."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Give each family as the library has it."""
        return map(_translate, self._families)


def expose(families: Sequence[Family], accept: str) -> Exposition:
    """Word the families and the figures of this process, in the format that the ``Accept`` header asks for."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Copies(families))
    encode, media_type = choose_encoder(accept)
    return Exposition(media_type=media_type, body=encode(registry))


def _translate(family: Family) -> Metric:
    match family.kind:
        case FamilyKind.COUNTER:
            counter = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
            for labels, value in family.samples.items():
                counter.add_metric(labels, _give_number(value))
            return counter
        case FamilyKind.GAUGE:
            gauge = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
            for labels, value in family.samples.items():
                gauge.add_metric(labels, _give_number(value))
            return gauge
        case FamilyKind.HISTOGRAM:
            histogram = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
            for labels, copied in family.samples.items():
                if not isinstance(copied, Distribution):
                    raise TypeError(family.name)
                bounds = (*map(str, copied.bounds), "+Inf")
                # Prometheus counts in each bucket what is in the smaller ones, too.
                histogram.add_metric(labels, [*zip(bounds, accumulate(copied.counts), strict=True)], copied.total)
            return histogram
        case _:
            assert_never(family.kind)


def _give_number(value: Value) -> float:
    if isinstance(value, Distribution):
        raise TypeError(value)
    return value
