"""What the package is before anything is called."""

import tomllib
from pathlib import Path

import padron_client

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def test_the_package_knows_its_version() -> None:
    assert padron_client.__version__ == tomllib.loads(PROJECT.read_text("utf-8"))["project"]["version"]
