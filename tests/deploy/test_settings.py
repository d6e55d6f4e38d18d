"""What the files of deploy/ name is really there: settings, commands, options, ports and paths."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from padron.cli.app import app
from padron.cli.serve import GRACE_S
from padron.config import VARIABLES, Settings
from padron.http.routes import ROUTES
from tests.deploy.files import DEPLOY, TEXTS, YAML, Document, list_pods, read_compose, read_manifests
from tests.starting import run_program
from tests.tables import each_row

PATHS = {route.path for route in ROUTES}
PORT = Settings().port
BIN = Path(sys.executable).parent
_find_variables = re.compile(r"\bPADRON_[A-Z_]+").findall
_find_commands = re.compile(r"(?:\bpadron|bin/padron) +((?:serve|migrate|accounts|keys)\b[^\n`]*)").findall
_find_option = re.compile(r"--[a-z][a-z-]+").findall
OF_COMPOSE = {"PADRON_PASSWORD"}  # the file .env has it, and the program never sees it


def find_help(command: str) -> str:
    return run_program(command, "--help").stdout


@each_row("path", TEXTS)
def test_every_variable_exists(path: Path) -> None:
    assert {*_find_variables(path.read_text("utf-8"))} - OF_COMPOSE <= {*VARIABLES}


def test_every_command_and_option_exists() -> None:
    seen: dict[str, set[str]] = {}
    for path in TEXTS:
        for line in _find_commands(path.read_text("utf-8")):
            words = line.split()
            assert words[0] in {*app}, line
            seen.setdefault(words[0], set()).update(_find_option(line))
    assert {*seen} >= {"serve", "migrate"}
    for command, options in seen.items():
        help_text = find_help(command)
        assert {option for option in options if option not in help_text} == set(), command


def test_the_arguments_of_all_containers_are_commands_that_exist() -> None:
    arguments = [container["args"] for pod in list_pods() for container in pod["containers"]]
    services = read_compose()["services"]
    arguments += [services[name]["command"] for name in ("migrate", "padron")]
    assert sorted(words[0] for words in arguments) == ["migrate", "migrate", "serve", "serve", "serve"]
    for words in arguments:
        assert all(word in find_help(words[0]) for word in words[1:] if word.startswith("--"))


def test_yaml_is_well_written() -> None:
    rules = "{extends: default, rules: {document-start: disable, line-length: {max: 120}}}"
    subprocess.run([BIN / "yamllint", "--strict", "-d", rules, *YAML], check=True)
    for path in YAML:
        assert [*yaml.safe_load_all(path.read_text("utf-8"))], path


def test_kubernetes_knows_every_member_of_the_manifests() -> None:
    manifests = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    done = subprocess.run(
        [BIN / "kubernetes-validate", "--strict", "-k", "1.31", *manifests], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_knows_every_member_of_its_file() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    subprocess.run([BIN / "check-jsonschema", *schema, DEPLOY / "container" / "compose.yaml"], check=True)


@pytest.mark.skipif(not (BIN / "hadolint").exists(), reason="The linter has no package for this machine.")
def test_the_containerfile_passes_its_linter() -> None:
    subprocess.run([BIN / "hadolint", DEPLOY / "container" / "Containerfile"], check=True)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_probes_ask_what_the_server_answers_and_liveness_never_asks_the_database(kind: str) -> None:
    (pod,) = list_pods(kind)
    (container,) = pod["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [PORT]
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {probe["path"] for probe in probes.values()} <= PATHS
    assert {probe["port"] for probe in probes.values()} == {container["ports"][0]["name"]}
    assert probes["livenessProbe"]["path"] == "/livez"
    assert probes["readinessProbe"]["path"] == "/readyz"
    # The server itself gives up a database after a second, and the probe must see that answer.
    assert container["readinessProbe"]["timeoutSeconds"] > 2


def test_pods_have_the_time_to_end() -> None:
    for kind in ("Deployment", "StatefulSet"):
        (pod,) = list_pods(kind)
        pause = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
        assert pod["terminationGracePeriodSeconds"] >= pause + GRACE_S + 5
    assert int(read_compose()["services"]["padron"]["stop_grace_period"].removesuffix("s")) >= GRACE_S + 5


def test_a_sqlite_file_has_one_server_and_a_migration_is_done_once() -> None:
    by_kind: dict[str, list[Document]] = {}
    for document in read_manifests():
        by_kind.setdefault(document["kind"], []).append(document)
    (stateful,) = by_kind["StatefulSet"]
    assert stateful["spec"]["replicas"] == 1
    (claim,) = stateful["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    (job,) = by_kind["Job"]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]
    (deployment,) = by_kind["Deployment"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    for service in by_kind["Service"]:
        (port,) = service["spec"]["ports"]
        assert port["targetPort"] == "http"


def test_no_container_runs_as_root_or_may_become_root() -> None:
    for pod in list_pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10_001
        for container in pod["containers"]:
            secured = container["securityContext"]
            assert secured["allowPrivilegeEscalation"] is False
            assert secured["readOnlyRootFilesystem"] is True
            assert secured["capabilities"] == {"drop": ["ALL"]}
    text = (DEPLOY / "container" / "Containerfile").read_text("utf-8")
    assert "\nUSER 10001:10001\n" in text
