"""Examines what makes a Citus cluster: its nodes, and where the tables are. It only reads."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from padron.domain.finding import CheckName, Finding, advise, approve, blame
from padron.store.postgres.cluster.setup import (
    VERSIONS_TRIED,
    NodeState,
    ask_nodes,
    find_node_faults,
    find_setup_faults,
    is_tried,
    read_setup,
)
from padron.store.postgres.cluster.stale_functions import find_function_faults, list_stale_common
from padron.store.postgres.cluster.tables import Ask, Placement, find_table_faults, read_tables

CLOCKS_APART_MAX = timedelta(seconds=30)


async def examine_nodes(ask: Ask, wanted: Mapping[str, str]) -> Finding:
    """Ask each node for its version, its clock and its settings. ``wanted`` is what the settings must be.

    The coordinator's own settings are examined as those of any server.
    """
    setup = await read_setup(ask)
    states = await ask_nodes(ask, setup.nodes, list(wanted))
    faults = find_setup_faults(setup) + find_node_faults(states)
    answered = [one for one in states if not one.failure]
    for one in answered:
        if not one.node.is_coordinator and (wrong := list(_find_state_faults(one, wanted))):
            faults.append(f"On the node {one.node.place}: {'; '.join(wrong)}.")
    if faults:
        return blame(CheckName.NODES, " ".join(faults))
    notices = []
    if not is_tried(setup.version):
        notices.append(
            f"The extension citus has version {setup.version}. Padrón was tried with {', '.join(VERSIONS_TRIED)}."
        )
    if clocks := _find_late_clocks(answered):
        notices.append(f"The clocks of these nodes and the one here differ: {', '.join(clocks)}.")
    if notices:
        return advise(CheckName.NODES, " ".join(notices))
    return approve(CheckName.NODES, f"All {len(states)} nodes answer, with the extension citus {setup.version}.")


async def examine_tables(ask: Ask) -> Finding:
    """Look where each table is, and whether the nodes have this program's functions."""
    tables = await read_tables(ask, is_cluster=True)
    faults = find_table_faults(tables) + find_function_faults(await list_stale_common(ask))
    if faults:
        return blame(CheckName.TABLES, " ".join(faults))
    copied = sum(table.found is Placement.REFERENCE for table in tables)
    return approve(
        CheckName.TABLES, f"{len(tables) - copied} tables are spread by account, and {copied} are on every node."
    )


def _find_state_faults(one: NodeState, wanted: Mapping[str, str]) -> Iterator[str]:
    for name, value in wanted.items():
        if one.state["settings"].get(name, value) != value:
            yield f"{name} is {one.state['settings'][name]}, and must be {value}"
    if one.state["checksums"] != "on":
        yield "there are no data_checksums, so damage is not noticed"
    if one.state["damaged"]:
        yield f"PostgreSQL met {one.state['damaged']:,} damaged pages"


def _find_late_clocks(states: Sequence[NodeState]) -> list[str]:
    now = datetime.now(UTC)
    found = []
    for one in states:
        apart = abs(now - datetime.fromtimestamp(one.state["at"], UTC))
        if apart > CLOCKS_APART_MAX:
            found.append(f"{one.node.place} by {apart.total_seconds():,.0f} s")
    return found
