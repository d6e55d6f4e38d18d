"""The files of ``deploy/``, read as their programs read them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TEXTS = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
YAML = sorted(path for path in TEXTS if path.suffix in {".yaml", ".yml"})

Document = dict[str, Any]


def give_name(path: Path) -> str:
    return str(path.relative_to(DEPLOY))


def read_manifests() -> list[Document]:
    """Give all objects of all manifests of Kubernetes."""
    return [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text("utf-8"))]


def list_pods(kind: str | None = None) -> Iterator[Document]:
    """Give the pods that the manifests describe, or those of one kind of object."""
    for document in read_manifests():
        if "template" in document.get("spec", {}) and kind in {None, document["kind"]}:
            yield document["spec"]["template"]["spec"]


def read_compose() -> Document:
    compose: Document = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text("utf-8"))
    return compose


def read_unit(name: str) -> dict[str, list[str]]:
    """Give the directives of a unit of systemd. One that is written several times has several values."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / name).read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            directive, _, value = line.partition("=")
            found.setdefault(directive, []).append(value)
    return found
