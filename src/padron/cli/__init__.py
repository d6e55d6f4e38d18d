"""The command ``padron``: the only way in for operators."""

from padron.cli.app import main, run

__all__ = ["main", "run"]
