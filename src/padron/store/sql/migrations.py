"""Reads numbered migration files, and lists those that a database still needs.

The first line of a file says whether the program before it may continue beside it: ``-- expand`` or
``-- contract``. A file without this line is a contraction. ``tools/check_migrations.py`` reads the SQL.
"""

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from padron.domain.errors import Code, PadronError


class MigrationKind(StrEnum):
    """What a migration means for the programs that do not know it."""

    EXPAND = "expand"
    """It only adds. A program that does not know it works as before."""

    CONTRACT = "contract"
    """It takes something away, or changes what there is. A program that does not know it must be stopped first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One step of the schema: ``0001_initial.sql`` has the number 1 and the name ``initial``."""

    number: int
    name: str
    kind: MigrationKind
    sql: str


class PlacedKind(StrEnum):
    """What a migration put on the nodes of a cluster."""

    REFERENCE_TABLE = "referenceTable"
    """A table, as a copy on every node."""

    DISTRIBUTED_TABLE = "distributedTable"
    """A table whose rows are each on the node of their account."""

    FUNCTION = "function"
    """A function, on every node."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A table or a function that a migration put on the nodes of a cluster."""

    name: str
    kind: PlacedKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Migrated:
    """What a migration of a database did, or would do."""

    migrations: list[Migration]
    placed: list[Placed]


def load_migrations(package: str) -> list[Migration]:
    """Give the migrations of an engine's package, in order. Raises ValueError unless they count up from 1."""
    folder = files(package).joinpath("migrations")
    migrations = []
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if not path.name.endswith(".sql"):
            continue
        number, _, name = path.name.removesuffix(".sql").partition("_")
        sql = path.read_text("utf-8")
        migrations.append(Migration(number=int(number), name=name, kind=find_kind(sql), sql=sql))
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        message = f"The migrations of {package} are not numbered 1 to {len(migrations)}."
        raise ValueError(message)
    return migrations


def find_kind(sql: str) -> MigrationKind:
    """Give the kind that the first line of a migration names."""
    first = sql.partition("\n")[0].strip()
    return MigrationKind.EXPAND if first == f"-- {MigrationKind.EXPAND}" else MigrationKind.CONTRACT


def list_pending(migrations: list[Migration], applied: int) -> list[Migration]:
    """Give the migrations that are not applied yet: none when the database is newer."""
    return migrations[applied:]


def check_newer(migrations: list[Migration], applied: int, newer_kinds: list[str]) -> None:
    """Raise ``schema_mismatch`` unless this program may use a database with migrations that it does not know.

    ``newer_kinds`` are the kinds of all applied migrations after this program's last one, as the database has them.
    """
    count = applied - len(migrations)
    if count <= 0 or newer_kinds == [MigrationKind.EXPAND.value] * count:
        return
    raise PadronError(
        Code.SCHEMA_MISMATCH,
        f"The database's schema is number {applied}, and this program knows only {len(migrations)}. "
        "Run the version of padron that made the schema, or a newer one.",
    )
