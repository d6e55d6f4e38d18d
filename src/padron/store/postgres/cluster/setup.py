"""Looks at the nodes of a Citus cluster, and says in words what is wrong with them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from padron.domain.errors import Code, PadronError
from padron.store.postgres.cluster.stale_functions import find_function_faults, list_stale_common
from padron.store.postgres.cluster.tables import Ask, find_table_faults, read_tables

VERSION_MIN = 13
VERSIONS_TRIED = ("13.2", "14.0")

_READ_VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
_READ_COORDINATOR = """
    SELECT (SELECT groupid FROM pg_dist_local_group), current_setting('citus.shard_replication_factor')::integer
"""
_READ_NODES = """
    SELECT nodeid, nodename, nodeport, groupid, isactive AND hasmetadata AND metadatasynced, shouldhaveshards
    FROM pg_dist_node
    WHERE noderole = 'primary' AND nodecluster = current_setting('citus.cluster_name') ORDER BY groupid, nodeid
"""
# Every node answers with one text.
_ASK_NODES = "SELECT nodeid, success, result FROM run_command_on_all_nodes($1)"
_STATE = f"""
    SELECT json_build_object(
        'version', ({_READ_VERSION}),
        'settings', (SELECT json_object_agg(name, setting) FROM pg_settings WHERE name = ANY ('{{%s}}')),
        'checksums', current_setting('data_checksums'),
        'damaged', (SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database
            WHERE datname = current_database()),
        'at', extract(epoch FROM clock_timestamp()))::text
"""  # noqa: S608 - names of settings, from this program


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterNode:
    """A server of the cluster, as the coordinator's catalog has it."""

    node_id: int
    host: str
    port: int
    is_coordinator: bool
    is_synced: bool  # it knows all tables, as every node must that is asked directly
    takes_shards: bool

    @property
    def place(self) -> str:
        """Name the node."""
        return f"{self.host} port {self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """How the cluster is set up, as the coordinator's catalogs have it."""

    version: str
    is_coordinator: bool
    replication_factor: int
    nodes: list[ClusterNode]  # the coordinator first


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeState:
    """What a node said about itself, or what came back instead."""

    node: ClusterNode
    state: dict[str, Any]
    failure: str = ""


async def read_setup(ask: Ask) -> Setup:
    """Read the catalogs of the server that is asked. The nodes are not asked."""
    nodes = [
        ClusterNode(
            node_id=node_id, host=host, port=port, is_coordinator=group == 0, is_synced=synced, takes_shards=takes
        )
        for node_id, host, port, group, synced, takes in await ask(_READ_NODES)
    ]
    ((group, factor),) = await ask(_READ_COORDINATOR)
    ((version,),) = await ask(_READ_VERSION)
    return Setup(version=version, is_coordinator=group == 0, replication_factor=factor, nodes=nodes)


async def ask_nodes(ask: Ask, nodes: Sequence[ClusterNode], settings: Sequence[str] = ()) -> list[NodeState]:
    """Ask every node for its version, these settings, its checksums and its clock, by way of the coordinator."""
    answers = {
        node_id: (success, result) for node_id, success, result in await ask(_ASK_NODES, _STATE % ",".join(settings))
    }
    states = []
    for node in nodes:
        success, result = answers.get(node.node_id, (False, "it is switched off (isactive)"))
        if success:
            states.append(NodeState(node=node, state=json.loads(result)))
        else:
            states.append(NodeState(node=node, state={}, failure=str(result).partition("\n")[0]))
    return states


def find_version_faults(version: str) -> list[str]:
    """Say whether the extension is too old."""
    major, _, _ = version.partition(".")
    if major.isdecimal() and int(major) >= VERSION_MIN:
        return []
    return [f"The extension citus has version {version}. Padrón needs {VERSION_MIN} or newer."]


def is_tried(version: str) -> bool:
    """Say whether Padrón was tried with this version: its names and locks of shards are no documented interface."""
    return version.partition("-")[0] in VERSIONS_TRIED


def find_setup_faults(setup: Setup) -> list[str]:
    """Say what keeps tables from being spread, each with what to do."""
    nodes = setup.nodes
    faults = find_version_faults(setup.version)
    if not setup.is_coordinator:
        faults.append("This server is a worker of the cluster. Name the coordinator in the database URL.")
    if setup.replication_factor != 1:
        faults.append(
            f"citus.shard_replication_factor is {setup.replication_factor}, and must be 1. "
            "For a second copy of the data, give each node a standby."
        )
    if not any(node.is_coordinator for node in nodes):
        faults.append(
            "The coordinator is not among the nodes of the cluster. As a superuser, run "
            "SELECT citus_set_coordinator_host('the name by which servers and nodes reach it', its port)."
        )
    elif not any(node.takes_shards for node in nodes):
        node = nodes[0]
        faults.append(
            "No node of the cluster takes shards. As a superuser, add workers with citus_add_node(), or run "
            f"SELECT citus_set_node_property('{node.host}', {node.port}, 'shouldhaveshards', true)."
        )
    faults += [
        f"The node {node.place} does not know the cluster's tables. As a superuser, run "
        f"SELECT citus_activate_node('{node.host}', {node.port})."
        for node in nodes
        if not node.is_synced
    ]
    return faults


def find_node_faults(states: Sequence[NodeState]) -> list[str]:
    """Say which nodes do not answer, and whether their versions differ."""
    faults = [
        f"The coordinator cannot ask the node {one.node.place}: {one.failure}." for one in states if one.failure
    ]  # fmt: skip
    versions = {one.state["version"] for one in states if not one.failure}
    if len(versions) > 1 or None in versions:
        each = ", ".join(f"{one.node.place} has {one.state['version'] or 'none'}" for one in states if not one.failure)
        faults.append(f"The nodes have different versions of the extension citus: {each}. Run ALTER EXTENSION.")
    return faults


async def check_register(ask: Ask) -> None:
    """Raise ``schema_mismatch`` unless the register is spread over the cluster as a server needs it.

    The nodes are not asked: while one is away, a server must start for the accounts of the others.
    """
    ((version,),) = await ask(_READ_VERSION)
    faults = find_version_faults(version) or find_table_faults(await read_tables(ask, is_cluster=True))
    faults += find_function_faults(await list_stale_common(ask))
    if faults:
        raise PadronError(Code.SCHEMA_MISMATCH, faults[0])
