"""The files in ``deploy/`` for Prometheus and Grafana name only what a real server gives."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from padron.console import pages as console
from padron.http.answers.problems import ALL_PROBLEMS
from padron.http.routes import ROUTES
from tests.cast import wait_until
from tests.e2e.client import connect
from tests.e2e.metrics import Scrape, scrape
from tests.e2e.program import make_fleets, run_server
from tests.replica import ReplicaServer

DEPLOY = Path(__file__).parents[2] / "deploy"
OBSERVING = DEPLOY.parent / "docs" / "observing.md"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "padron.json"
FROM_PROMETHEUS = {"job", "instance"}  # labels that a scrape adds
REPLICA = "padron_replica_"
OPTIONAL = (REPLICA, "padron_backup_")  # test_backup_measures.py has those of a backup

_find_metrics = re.compile(r"\b(?:padron_|process_|http_server_)[a-z_]+").findall
_find_selectors = re.compile(r'\b((?:padron_|process_|http_server_)[a-z_]+)\{((?:[^"}]|"[^"]*")*)\}').findall
_find_matchers = re.compile(r'([a-z_]+)\s*(?:=|!=|=~|!~)\s*"([^"]*)"').findall
_find_groups = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)").findall
_find_tabled = re.compile(r"^\| `((?:padron_|process_|http_server_)[a-z_]+)`", re.MULTILINE).findall


class Matcher(NamedTuple):
    """A label of a metric that an expression asks for; the value is empty where the label only groups."""

    metric: str
    label: str
    value: str


def list_alert_expressions() -> Iterator[str]:
    for block in re.split(r"\n\s+- alert: ", ALERTS.read_text("utf-8"))[1:]:
        found = re.search(r"expr:(.*?)\n\s+(?:for|labels):", block, re.DOTALL)
        assert found is not None, block
        yield " ".join(found[1].replace(">-", "").split())


def list_panel_expressions() -> Iterator[str]:
    document: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    for panel in document["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]


def list_expressions() -> list[str]:
    found = [*list_alert_expressions(), *list_panel_expressions()]
    assert len(found) > 60
    return found


def list_matchers(expression: str) -> Iterator[Matcher]:
    for metric, inside in _find_selectors(expression):
        for label, value in _find_matchers(inside):
            yield Matcher(metric, label, value)
    for group in _find_groups(expression):
        for label in group.split(","):
            yield Matcher("", label.strip(), "")


async def gather(url: str, tmp_path: Path, *, read_url: str = "") -> Scrape:
    """Give what a server gives that has answered a little."""
    fleet, *_ = await make_fleets(url, accounts=1)
    options = ("--metrics-listen", "127.0.0.1:0")
    async with run_server(url, tmp_path, options=options, read_url=read_url) as server:
        (port,) = server.list_metrics_ports()
        async with connect(server.port) as connection:
            vehicle = f"/api/v2/vehicles/{fleet.vins[0]}/status"
            for body in ({"vehicleStatusId": 3}, {"vehicleStatusId": "3"}):
                await connection.request("PATCH", vehicle, token=fleet.token, body=body)

        async def is_surveyed() -> bool:
            return bool((await scrape(port)).find("padron_plans_pending"))

        await wait_until(is_surveyed)
        return await scrape(port)


def collect_labels(*scrapes: Scrape) -> dict[str, set[str]]:
    """Give the labels of each metric."""
    found: dict[str, set[str]] = {}
    for one in scrapes:
        for sample in one.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def check(expressions: list[str], given: dict[str, set[str]]) -> None:
    templates = {route.path for route in ROUTES} | {route.path for route in console.ROUTES}
    slugs = {problem.slug for problem in ALL_PROBLEMS}
    for expression in expressions:
        metrics = set(_find_metrics(expression))
        assert metrics <= given.keys(), (metrics - given.keys(), expression)
        for matcher in list_matchers(expression):
            owners = [matcher.metric] if matcher.metric else metrics
            known = set().union(FROM_PROMETHEUS, *(given[metric] for metric in owners))
            assert matcher.label in known, (matcher, expression)
            if matcher.label == "http_route":
                assert matcher.value in {"", *templates}, expression
            if matcher.label == "problem":
                assert set(filter(None, matcher.value.split("|"))) <= slugs, expression


def list_common() -> list[str]:
    """Give the expressions about what every server has."""
    return [one for one in list_expressions() if not any(begin in one for begin in OPTIONAL)]


async def test_dashboard_alerts_and_guide_name_what_a_server_gives(url: str, tmp_path: Path, engine: str) -> None:
    given = collect_labels(await gather(url, tmp_path))
    own = [one for one in list_common() if engine == "sqlite" or "padron_sqlite_" not in one]
    check(own, given)
    # The guide has each of them, and nothing else.
    tabled = set(_find_tabled(OBSERVING.read_text("utf-8")))
    names = {re.sub(r"_(?:bucket|count|sum)$", "", name) if name not in tabled else name for name in given}
    names -= {"python_info"}
    other = {
        "sqlite": ("padron_pool_connects_",),
        "postgres": ("padron_sqlite_", "padron_commit_group_", "padron_store_"),
    }
    assert names == {name for name in tabled if not name.startswith((*OPTIONAL, *other[engine]))}


@pytest.mark.long
class TestReplica:
    @pytest.fixture
    def engine(self) -> str:
        return "postgres"

    async def test_a_server_with_a_replica_gives_its_state(
        self, url: str, tmp_path: Path, replica: ReplicaServer
    ) -> None:
        seen = await gather(url, tmp_path, read_url=replica.give_url(url))
        assert seen.find("padron_replica_fresh") in ([0], [1])
        check([one for one in list_expressions() if REPLICA in one], collect_labels(seen))


def test_the_tests_find_what_an_expression_asks_for() -> None:
    asked = 'sum by (le, kind) (rate(padron_x_bucket{job="$job", http_route="/a/{vin}/b", p=~"a|b"}[5m])) > 0'
    assert list(list_matchers(asked)) == [
        Matcher("padron_x_bucket", "job", "$job"),
        Matcher("padron_x_bucket", "http_route", "/a/{vin}/b"),
        Matcher("padron_x_bucket", "p", "a|b"),
        Matcher("", "le", ""),
        Matcher("", "kind", ""),
    ]
    with pytest.raises(AssertionError):
        check([asked], {"padron_x_bucket": {"le", "kind"}})


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus, which is not installed")
async def test_promtool_accepts_alerts_and_metrics(url: str, tmp_path: Path) -> None:
    subprocess.run(["promtool", "check", "rules", ALERTS], check=True, capture_output=True)  # noqa: S607
    seen = await gather(url, tmp_path)
    checked = subprocess.run(
        ["promtool", "check", "metrics"],  # noqa: S607
        input=seen.text,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr, checked.stdout) == (0, "", "")
