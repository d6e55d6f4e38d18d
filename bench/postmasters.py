"""Finds the PostgreSQL servers that hold a database, on this machine, so that their processor time can be read.

On a Citus cluster these are all nodes. Each of them says where its data are, and the folder says which process it is.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from bench.servers import read_cpu_s
from padron.store.postgres.cluster.nodes import give_url
from padron.store.postgres.cluster.shards import NodeAddress

_IS_CLUSTER = "SELECT to_regclass('pg_dist_node') IS NOT NULL"
_LIST_NODES = "SELECT nodename, nodeport FROM pg_dist_node WHERE isactive"
_READ_FOLDER = "SELECT current_setting('data_directory')"  # for superusers and members of pg_read_all_settings

Postmasters = Sequence[psutil.Process] | None  # None if one of them is not on this machine, or not ours to see


def find_postmasters(url: str) -> Postmasters:
    """Give the first process of each server that holds the database, or None when one cannot be found here."""
    try:
        folders = asyncio.run(_list_folders(url))
        numbers = [(folder / "postmaster.pid").read_text("utf-8").splitlines()[0] for folder in sorted(folders)]
        return [psutil.Process(int(number)) for number in numbers]
    except (asyncpg.InsufficientPrivilegeError, OSError, psutil.NoSuchProcess):
        return None


def read_database_cpu_s(postmasters: Postmasters) -> float | None:
    """Give the processor time that these servers have taken, for whatever database: None if it is not known."""
    return None if postmasters is None else sum(map(read_cpu_s, postmasters))


async def _list_folders(url: str) -> set[Path]:
    """Give the data folders of the database's server and, on a cluster, of all nodes."""
    connection: Any = await asyncpg.connect(url)
    try:
        is_cluster = await connection.fetchval(_IS_CLUSTER)
        nodes = await connection.fetch(_LIST_NODES) if is_cluster else []
        folders = {Path(await connection.fetchval(_READ_FOLDER))}
    finally:
        await connection.close()
    for host, port in nodes:
        folders.add(await _read_folder(give_url(url, NodeAddress(host, port))))
    return folders


async def _read_folder(url: str) -> Path:
    connection: Any = await asyncpg.connect(url)
    try:
        return Path(await connection.fetchval(_READ_FOLDER))
    finally:
        await connection.close()
