"""What the end-to-end tests ask for: the address of a register of their own."""

import pytest


@pytest.fixture
def url(engine: str, database: str) -> str:
    """The register's address, as an operator writes it."""
    return f"sqlite:///{database}" if engine == "sqlite" else database
