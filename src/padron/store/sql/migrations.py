"""Reads numbered migration files, and lists those that a database still needs."""

from dataclasses import dataclass
from importlib.resources import files

from padron.domain.errors import Code, PadronError


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One step of the schema: ``0001_initial.sql`` has the number 1 and the name ``initial``."""

    number: int
    name: str
    sql: str


def load_migrations(package: str) -> list[Migration]:
    """Give the migrations of an engine's package, in order. Raises ValueError unless they count up from 1."""
    folder = files(package).joinpath("migrations")
    migrations = []
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if not path.name.endswith(".sql"):
            continue
        number, _, name = path.name.removesuffix(".sql").partition("_")
        migrations.append(Migration(number=int(number), name=name, sql=path.read_text("utf-8")))
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        message = f"The migrations of {package} are not numbered 1 to {len(migrations)}."
        raise ValueError(message)
    return migrations


def list_pending(migrations: list[Migration], applied: int) -> list[Migration]:
    """Give the migrations that are not applied yet. Raises ``schema_mismatch`` when the database is newer."""
    if applied > len(migrations):
        raise PadronError(
            Code.SCHEMA_MISMATCH,
            f"The database's schema is number {applied}, and this program knows only {len(migrations)}. "
            "Run the version of padron that made the schema, or a newer one.",
        )
    return migrations[applied:]
