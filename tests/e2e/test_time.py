"""The past, asked for while the present goes on: against the feed, over HTTP, with clients that hang up."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import effort
from tests.e2e.client import Connection, build_request, connect
from tests.e2e.load import Load
from tests.e2e.program import Fleet, make_fleets, run_command, run_server

CHANGES_MIN = 50 * effort.PAST_INSTANTS
VEHICLES = 40

Status = tuple[int, str, str | None]  # status id, since, reason


async def read_all(connection: Connection, fleet: Fleet, target: str, member: str, more: str) -> list[dict[str, Any]]:
    """Give all pages of a list; ``more`` is the parameter that its cursor goes into."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await connection.request("GET", f"{target}{cursor}", token=fleet.token)
        assert answer.status == 200, answer.body
        found += answer.document[member]
        if not answer.document["nextCursor"] or answer.document.get("more") is False:
            return found
        cursor = f"&{more}={answer.document['nextCursor']}"


def fold(changes: list[dict[str, Any]], at: str) -> dict[str, tuple[int, str]]:
    """Give each vehicle's status and since when, after the changes up to an instant."""
    seen: dict[str, tuple[int, str]] = {}
    for change in changes:
        if datetime.fromisoformat(change["at"]) <= datetime.fromisoformat(at):
            seen[change["vin"]] = (change["toStatusId"], change["at"])
    return seen


@pytest.mark.campaign
@pytest.mark.long
async def test_the_past_is_what_the_feed_says_while_changes_go_on(url: str, tmp_path: Path) -> None:
    fleets = await make_fleets(url, accounts=2, vehicles=VEHICLES)
    load, fleet = Load(fleets), fleets[0]
    asked: list[tuple[str, list[dict[str, Any]]]] = []
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        async with load.under_way(server.port, connections=8):
            for _ in range(effort.PAST_INSTANTS):
                await load.wait_for_answers(50)
                at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                await load.wait_for_answers(20)  # what was under way at that instant is recorded
                target = f"/api/v2/vehicles?limit=7&asOf={at}"
                asked.append((at, await read_all(connection, fleet, target, "vehicles", "cursor")))
        target = "/api/v2/changes?limit=500"
        changes = await read_all(connection, fleet, target, "changes", "after")
        assert await server.stop() == 0
        assert "Traceback" not in server.read_log()
    assert load.give_statuses() == {204}
    assert len(changes) > CHANGES_MIN // 4
    for at, vehicles in asked:
        listed = {one["vin"]: (one["vehicleStatusId"], one["statusSince"]) for one in vehicles}
        assert len(vehicles) == VEHICLES
        assert listed == fold(changes, at)


@pytest.mark.campaign
@pytest.mark.long
async def test_a_report_while_changes_go_on_adds_up_and_may_be_left(url: str, tmp_path: Path) -> None:
    begun = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    fleets = await make_fleets(url, accounts=1, vehicles=effort.REPORT_VEHICLES)
    load, fleet = Load(fleets), fleets[0]
    async with run_server(url, tmp_path) as server:
        async with load.under_way(server.port, connections=8):
            await load.wait_for_answers(200)
            ended = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            target = f"/api/v2/reports/time-in-status?from={begun}&to={ended}"
            for _ in range(3):
                async with connect(server.port) as leaving:
                    await leaving.send(build_request("GET", f"{target}&format=csv", token=fleet.token))
                    leaving.reset()
            async with connect(server.port) as connection:
                answer = await connection.request("GET", f"{target}&limit=500", token=fleet.token)
            assert answer.status == 200
        assert load.give_statuses() == {204}
        assert await server.stop() == 0
        assert "Traceback" not in server.read_log()
        assert "ERROR" not in server.read_log()
    total = answer.document["total"]
    assert total["vehicleCount"] == effort.REPORT_VEHICLES
    assert sum(one["seconds"] for one in total["statuses"]) == total["seconds"]
    words = ("report", "time-in-status", "--account", fleet.name, "--from", begun, "--to", ended)
    printed = await run_command(url, *words, "--csv")
    rows = list(csv.DictReader(io.StringIO(printed.stdout, newline="")))
    sums = {kind: Counter[str]() for kind in ("vehicle", "total")}
    for row in rows:
        sums[row["kind"]][row["vehicleStatusId"]] += int(row["seconds"])
    assert sums["vehicle"] == sums["total"]
    assert dict(sums["total"]) == {str(one["vehicleStatusId"]): one["seconds"] for one in total["statuses"]}
    assert {row["vin"] for row in rows} == {*fleet.vins, ""}
    document = (await run_command(url, *words, "--json")).document
    assert json.loads(json.dumps(document["total"])) == total
