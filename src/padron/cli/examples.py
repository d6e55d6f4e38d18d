"""Examples of each command, for the end of its ``--help``. A test checks that every command has valid examples."""

from collections.abc import Sequence
from typing import NamedTuple

from cyclopts import App

HELP_FLAGS = frozenset({"--help", "-h"})
EXIT_STATUS = "Exit status: 0 done, 1 refused, 2 wrong usage, 130 interrupted."

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": ("padron serve --demo", "padron accounts add Acme", "padron vehicles import --account Acme fleet.csv"),
    "serve": (
        "padron serve",
        "padron serve --host 0.0.0.0 --port 8080 --log json",
        "padron serve --database-url postgresql://padron@db-1/padron --workers 4",
    ),
    "migrate": ("padron migrate --dry-run", "padron migrate --database-url postgresql://padron@localhost/padron"),
    "openapi": ("padron openapi > openapi.json",),
    "accounts": ("padron accounts add Acme", "padron accounts list"),
    "accounts add": ("padron accounts add Acme", "padron accounts add 'Flota Norte' --json"),
    "accounts list": ("padron accounts list",),
    "accounts rename": ("padron accounts rename Acme 'Acme Norte'",),
    "accounts disable": ("padron accounts disable Acme",),
    "accounts delete": (
        "padron accounts delete Acme --export-to acme-2026",
        "padron accounts delete Acme --yes Acme --no-export",
    ),
    "accounts events": ("padron accounts events Acme", "padron accounts events Acme --limit 500 --json"),
    "accounts enable": ("padron accounts enable Acme",),
    "accounts strict-gates": ("padron accounts strict-gates Acme on", "padron accounts strict-gates Acme off --json"),
    "archive": ("padron archive list archives", "padron archive verify archives"),
    "archive list": ("padron archive list archives --account Acme",),
    "archive verify": ("padron archive verify archives", "padron archive verify archives --account-id 1 --json"),
    "archive read": ("padron archive read archives --account Acme > changes.jsonl",),
    "archive history": ("padron archive history archives 3LNHL2GC1BR262548 --account Acme",),
    "archive erase": (
        "padron archive erase archives 3LNHL2GC1BR262548 --account Acme --fields ownerName taxIdentifier",
        "padron archive erase archives --account Acme --value 'Flota Norte' --fields ownerName,legalName",
    ),
    "archive as-of": (
        "padron archive as-of archives 2021-06-30 --account Acme",
        "padron archive as-of archives 2021-06-30T08:00:00-06:00 --account Acme --vin 3LNHL2GC1BR262548",
    ),
    "keys": ("padron keys list --account Acme",),
    "keys add": (
        "padron keys add --account Acme --name app --scope vehicles:status --expires-in 90d",
        "padron keys add --account Acme --name gate --scope gate:check,changes:read --networks 192.0.2.0/24",
    ),
    "keys list": ("padron keys list --account Acme",),
    "keys show": ("padron keys show 1k3fTqZ8",),
    "keys change": (
        "padron keys change 1k3fTqZ8 --networks 192.0.2.0/24 2001:db8::/32",
        "padron keys change 1k3fTqZ8 --networks any --name gate",
        "padron keys change 1k3fTqZ8 --requests-per-second 20",
    ),
    "keys rotate": (
        "padron keys rotate 1k3fTqZ8 --account Acme",
        "padron keys rotate 1k3fTqZ8 --account Acme --overlap 1h --expires-in 90d",
    ),
    "keys revoke": ("padron keys revoke 1k3fTqZ8",),
    "vehicles": (
        "padron vehicles import --account Acme fleet.csv",
        "padron vehicles status --account Acme Sold 3LNHL2GC1BR262548",
    ),
    "vehicles import": (
        "padron vehicles import --account Acme fleet.xlsx --dry-run",
        "padron vehicles import --account Acme fleet.csv --mapping names.json --report refused.csv",
    ),
    "vehicles export": (
        "padron vehicles export --account Acme fleet.xlsx",
        "padron vehicles export --account Acme --status 'En taller' > shop.csv",
    ),
    "vehicles list": (
        "padron vehicles list --account Acme --status 'In the Shop'",
        "padron vehicles list --account Acme --filter brandName=Hummer --sort=-statusSince --limit 20 --csv",
    ),
    "vehicles show": ("padron vehicles show --account Acme 3LNHL2GC1BR262548",),
    "vehicles status": (
        "padron vehicles status --account Acme 'En taller' 3LNHL2GC1BR262548 --reason Brakes",
        "padron vehicles status --account Acme Sold --file list.txt --dry-run",
        "padron vehicles status --account Acme 4 --file - --until 2026-12-04T18:00-06:00",
    ),
    "vehicles delete": (
        "padron vehicles delete --account Acme 3LNHL2GC1BR262548 --dry-run",
        "padron vehicles delete --account Acme 3LNHL2GC1BR262548 --reason 'Typed twice'",
    ),
    "vehicles erase": (
        "padron vehicles erase --account Acme 3LNHL2GC1BR262548 --fields ownerName taxIdentifier --dry-run",
        "padron vehicles erase --account Acme --value 'Flota Norte' --fields ownerName --reason 'Case 12'",
    ),
    "vehicles history": ("padron vehicles history --account Acme 3LNHL2GC1BR262548",),
    "vehicles sample": ("padron vehicles sample > fleet.csv",),
    "report": ("padron report time-in-status --account Acme --from 2026-11-01 --to today",),
    "report time-in-status": (
        "padron report time-in-status --account Acme --from 2026-11-01 --to 2026-12-01",
        "padron report time-in-status --account Acme --from yesterday --to today --csv > yesterday.csv",
        "padron report time-in-status --account Acme --from 2026-11-01T00:00:00-06:00 --to now",
    ),
    "backup": ("padron backup padron-2026-11-01.db", "padron backup /mnt/backups/padron.dump --replace"),
    "restore": (
        "padron restore padron-2026-11-01.db --database-url sqlite:///restored.db",
        "padron restore /mnt/backups/padron.dump --replace",
        "padron restore /mnt/padron-backup --at 2026-11-01T08:00:00Z --database-url sqlite:///restored.db",
    ),
    "doctor": ("padron doctor", "padron doctor --json --database-url sqlite:////srv/padron.db"),
    "register": ("padron register renew", "padron register checksums"),
    "register checksums": ("padron register checksums", "padron register checksums --renew"),
    "secrets": ("padron secrets rotate --secret-file padron.keys",),
    "secrets new-key": ("padron secrets new-key > padron.keys",),
    "secrets list": ("padron secrets list --secret-file padron.keys",),
    "secrets rotate": (
        "padron secrets rotate --secret-file padron.keys",
        "padron secrets rotate --secret-file padron.keys --plain",
    ),
    "register renew": ("padron register renew",),
    "duplicates": ("padron duplicates list --account Acme",),
    "duplicates list": ("padron duplicates list --account Acme",),
    "duplicates resolve": (
        "padron duplicates resolve --account Acme 3LNHL2GC1BR262548 --keep 17 --reason 'Typed twice'",
    ),
    "duplicates merge": (
        "padron duplicates merge --account Acme 3LNHL2GC1BR262548 --keep 17 --take plate=42 --set ownerName=Norte",
    ),
    "planned": ("padron planned list --account Acme --state pending",),
    "planned list": ("padron planned list --account Acme --state pending",),
    "planned cancel": ("padron planned cancel --account Acme 000654321abcde0000a1b2c3d4e5f6",),
    "undo": (
        "padron undo --account Acme e0676a397aca606e000000000002 --dry-run",
        "padron undo --account Acme import-6f1d2c3b4a596877 --reason 'Wrong file'",
    ),
    "users": ("padron users add ana@acme.example --name 'Ana Ruiz' --account Acme --role owner", "padron users list"),
    "users add": (
        "padron users add ana@acme.example --name 'Ana Ruiz' --account Acme --role owner --url https://padron.example",
        "padron users add ana@acme.example --account 'Flota Norte' --role viewer",
        "padron users add it@acme.example --name IT --account Acme --role owner --break-glass --password-stdin",
    ),
    "users list": ("padron users list", "padron users list --account Acme --json"),
    "users show": ("padron users show ana@acme.example",),
    "users change": ("padron users change ana@acme.example --email ana.ruiz@acme.example --name 'Ana Ruiz'",),
    "users role": ("padron users role ana@acme.example manager --account Acme",),
    "users remove": ("padron users remove ana@acme.example --account Acme",),
    "users reset": ("padron users reset ana@acme.example --url https://padron.example",),
    "users link": ("padron users link ana@acme.example --url https://padron.example",),
    "users sessions": ("padron users sessions ana@acme.example", "padron users sessions ana@acme.example --end"),
    "users disable": ("padron users disable ana@acme.example", "padron users disable ana@acme.example --force"),
    "users enable": ("padron users enable ana@acme.example",),
    "users erase": ("padron users erase ana@acme.example --yes ana@acme.example",),
    "vins": ("padron vins check 3LNHL2GC1BR262548",),
    "vins scan": ("padron vins scan label.jpg",),
    "vins check": ("padron vins check 3LNHL2GC1BR262548 1C4RJEAG2EC476429 --json",),
}


class Command(NamedTuple):
    """A command, by its whole name, and what runs it."""

    name: str
    app: App


def find_command(app: App, words: Sequence[str]) -> Command:
    """Give the command at the beginning of the words, as far as the words name one."""
    chain, apps, _ = app.parse_commands([word for word in words if word not in HELP_FLAGS])
    return Command(" ".join(chain), apps[-1])


def add_examples(app: App, words: Sequence[str]) -> None:
    """Add the examples to the help of the command that the words name."""
    name, command = find_command(app, words)
    shown = EXAMPLES.get(name, ())
    lines = [f"{'Example' if len(shown) == 1 else 'Examples'}:", *(f"  $ {one}" for one in shown), "", EXIT_STATUS]
    command.help_epilogue = "\n".join(lines if shown else [EXIT_STATUS])
