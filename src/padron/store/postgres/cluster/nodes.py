"""The nodes of a cluster as one server process uses them: connections of its own for each, each with its limits.

So a node that hangs takes no connection, and no turn, from the accounts on other nodes.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from padron.meters import Histogram
from padron.store.postgres.cluster.shards import NodeAddress
from padron.store.postgres.connections import HELD_MAX, HELD_SETTINGS, Connections
from padron.store.postgres.port import Sources
from padron.store.postgres.troubles import ServerTroubles
from padron.store.postgres.writes import WriteTasks
from padron.traces import Tracer

# Of one process and node, as with one database: batches of status calls, other writes, point reads, and pages. A batch
# of a single shard, such as one that came by a split, runs beside the one of the other shards.
TOGETHER_CONNECTIONS_MAX = 4
WRITE_CONNECTIONS_MAX = 10
POINT_CONNECTIONS_MAX = 4
PAGE_CONNECTIONS_MAX = 4

# A node's statements name the tables of shards, so they are planned once, as on one database. With this setting off,
# Citus does not look through the catalog's own queries for shards to hide. The driver asks such queries when it
# connects, and each would take 0.4 s of processor time.
# A shard begins small, and a plan that reads a small table as a whole would be kept while the table grows.
NODE_SETTINGS = {"citus.override_table_visibility": "off", "enable_seqscan": "off"}
KEPT_STATEMENTS_MAX = 300  # each shard has its own form of a statement, and a node has some tens of shards
_PLACES = ("host", "port", "hostaddr")


class Node:
    """One node's connections."""

    def __init__(self, url: str, address: NodeAddress, commit_s: Histogram, batch_s: Histogram) -> None:
        self.troubles = ServerTroubles()  # of this node only, so that the others count as ready
        self.place = f"{address.host}:{address.port}"
        url = give_url(url, address)
        connect = partial(
            Connections, url, troubles=self.troubles, settings=NODE_SETTINGS, kept_max=KEPT_STATEMENTS_MAX
        )
        self.writes, self.together = connect(WRITE_CONNECTIONS_MAX), connect(TOGETHER_CONNECTIONS_MAX)
        points, pages = connect(POINT_CONNECTIONS_MAX), connect(PAGE_CONNECTIONS_MAX)
        self.sets = connect(HELD_MAX, settings={**HELD_SETTINGS, **NODE_SETTINGS})
        self.sources = Sources(points=points, pages=pages, held=self.sets)
        self.tasks = WriteTasks(self.writes)
        self.together_tasks = WriteTasks(self.together)
        self.tasks.commit_s, self.together_tasks.statement_s = commit_s, batch_s
        self.pools: Mapping[str, Connections] = {
            "writes": self.writes, "batches": self.together, "points": points, "pages": pages, "sets": self.sets,
        }  # fmt: skip

    async def close(self) -> None:
        """Finish the work under way and close."""
        await asyncio.gather(self.tasks.close(), self.together_tasks.close())
        await asyncio.gather(*(connections.close() for connections in self.pools.values()))


class Nodes:
    """All nodes that this process has used."""

    def __init__(self, url: str, commit_s: Histogram, batch_s: Histogram) -> None:
        """Take the histograms of commits and of batches, which all nodes share."""
        self._url = url
        self._commit_s, self._batch_s = commit_s, batch_s
        self._nodes: dict[NodeAddress, Node] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.tracer: Tracer | None = None

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def find(self, address: NodeAddress) -> Node:
        """Give a node. It is connected to when it is needed."""
        node = self._nodes.get(address)
        if node is None:
            node = self._nodes[address] = Node(self._url, address, self._commit_s, self._batch_s)
            node.tasks.tracer = node.together_tasks.tracer = self.tracer
        return node

    def keep(self, addresses: Collection[NodeAddress]) -> None:
        """Close the connections to nodes that have no shard any more, once their work under way has ended."""
        for address in self._nodes.keys() - addresses:
            closing = asyncio.create_task(self._nodes.pop(address).close(), name="padron-cluster-node")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def trace(self, tracer: Tracer) -> None:
        """Let a tracer record the commits."""
        self.tracer = tracer
        for node in self:
            node.tasks.tracer = node.together_tasks.tracer = tracer

    async def close(self) -> None:
        """Close the connections to all nodes."""
        await asyncio.gather(*(node.close() for node in self), *self._closing)


def give_url(url: str, address: NodeAddress) -> str:
    """Give the URL of a node: the user, the database and the options are those of the register's URL."""
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    host = f"[{address.host}]" if ":" in address.host else address.host
    options = [(name, value) for name, value in parse_qsl(parts.query) if name not in _PLACES]
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}:{address.port}", query=urlencode(options)))
