"""The command ``padron``: operators use Padrón only through it."""

from padron.cli.app import main, run

__all__ = ["main", "run"]
