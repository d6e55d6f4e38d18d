"""The figures of the HTTP room: answers, connections, and places."""

from collections.abc import Sequence
from typing import Protocol

from padron.http.edge.connections import OpenConnections
from padron.http.places import Places
from padron.http.watching.tally import Tally
from padron.meters import Family, give_counter, give_gauge, give_gauges


class Watched(Protocol):
    """What the requests of one process share."""

    places: Places
    tally: Tally | None


def give_families(server: Watched, connections: OpenConnections) -> Sequence[Family]:
    """Give the figures of the requests and connections of this process."""
    places = server.places
    return (
        *(() if server.tally is None else server.tally.give_families()),
        give_gauges(
            "padron_requests_under_way",
            "Requests with a known key: working, waiting for the body, or waiting longer (long polls, streams).",
            "state",
            {"working": places.call_count, "arriving": places.arriving_count, "waiting": places.waiting_count},
        ),
        give_gauge("padron_requests_under_way_max", "The limit of working requests.", places.limits.total_calls),
        give_gauges(
            "padron_large_reads_under_way",
            "Requests that read much and are under way.",
            "kind",
            {kind.name.lower(): sum(places.running[kind].values()) for kind in places.running},
        ),
        give_gauge("padron_body_bytes_held", "Bytes of request bodies in memory.", places.body_byte_count),
        give_gauge("padron_connections_open", "Open connections of clients.", connections.open_count),
        give_gauge("padron_connections_max", "The limit of open connections.", connections.limits.total_connections),
        give_gauge("padron_connections_stalled", "Connections whose clients do not read.", connections.stalled_count),
        give_counter(
            "padron_connections_refused_total",
            "Connections closed at once: too many, in total or from one address.",
            connections.refused_count,
        ),
    )
