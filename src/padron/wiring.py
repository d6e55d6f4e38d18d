"""Joins the rooms. It is the only module that names an engine, and it imports only the engine in use."""

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from starlette.types import ASGIApp

from padron.config import Settings, SettingsError, Switch, read_settings
from padron.domain.errors import PadronError
from padron.mounting import Mount
from padron.pulse import PULSE
from padron.secret_files import read_keys
from padron.service.administration.secrets import check_secrets
from padron.service.clock import open_clock
from padron.service.register import make_epoch
from padron.service.runtime import Runtime, open_timed_runtime
from padron.service.webhooks.sealing import SecretBox
from padron.service.webhooks.sending import Sender
from padron.store.backups import BackupNote, BackupPlan, RestoredRegister, ShowProgress, describe_backup, show_nothing
from padron.store.base import Store
from padron.store.examination import Examination
from padron.store.sql.migrations import Migrated, Placed
from padron.traces import Tracer

SWITCH_INTERVAL_S = 0.0005


def read_clock() -> datetime:
    """Give the current instant of this machine's clock, in UTC. The register's time is the runtime's clock."""
    return datetime.now(UTC)


async def open_runtime(
    settings: Settings,
    clock: Callable[[], datetime] = read_clock,
    sender: Sender | None = None,
    *,
    is_alone: bool = False,
    may_create: bool = True,
    is_server: bool = False,
    tracer: Tracer | None = None,
) -> Runtime:
    """Open the database and give a runtime. Raises ``store_unavailable`` and ``schema_mismatch``.

    - ``clock`` is this machine's clock. The register's clock is built on it.
    - Without a ``sender`` the runtime sends no webhooks.
    - ``is_server`` is for the program that uses the replica, and keeps the continuous backup.
    - Without a ``tracer`` nothing is traced.
    - ``is_alone`` is for a command that loads much data while no server uses the SQLite file.

    A SQLite file is brought up to date. If it is missing, it is created where ``may_create``
    allows. On PostgreSQL only ``migrate_database`` changes the schema.
    """
    if settings.is_sqlite:
        store = await _open_file(settings, is_alone=is_alone, may_create=may_create, with_backup=is_server)
    else:
        store = await _open_database(settings, with_replica=is_server)
    try:
        box = make_secret_box(settings.secret_file)
        timed = await open_clock(store, clock)
        return await open_timed_runtime(store, timed, sender, settings.limits, box, tracer, settings.keep)
    except BaseException:
        await store.close()
        raise


def make_secret_box(path: str) -> SecretBox:
    """Give the keys of a secret file. Without a path, nothing is encrypted."""
    return SecretBox(partial(read_keys, Path(path)) if path else None)


@asynccontextmanager
async def use_runtime(settings: Settings, *, is_alone: bool = False, may_create: bool = True) -> AsyncIterator[Runtime]:
    """Give an open runtime and close it at the end. It is for an operator, who learns what is wrong with which server.

    Raises the errors of the block.
    """
    runtime = await open_runtime(settings, is_alone=is_alone, may_create=may_create)
    try:
        yield runtime
    except Exception as error:
        explained = None if settings.is_sqlite else await _explain_use(settings, runtime.store, error)
        if explained is None:
            raise
        raise explained from error
    finally:
        await runtime.close()


def prepare_file(settings: Settings, *, is_checked: bool = True) -> None:
    """Make sure that the SQLite file is a register, or create it. Raises ``store_unavailable`` otherwise."""
    from padron.store import sqlite  # noqa: PLC0415 - only the engine that is used is loaded

    if is_checked:
        sqlite.check_file(settings.sqlite_path, may_create=True)
    sqlite.create_file(settings.sqlite_path)


async def migrate_database(settings: Settings, *, dry_run: bool = False) -> Migrated:
    """Apply the pending migrations, and spread the tables of a cluster. ``dry_run`` only says what is to be done.

    Raises ``schema_mismatch`` and ``store_unavailable``.
    """
    if settings.is_sqlite:
        from padron.store import sqlite  # noqa: PLC0415 - only the engine that is used is loaded

        return Migrated(migrations=sqlite.migrate(settings.sqlite_path, dry_run=dry_run), placed=[])
    from padron.store import postgres  # noqa: PLC0415

    placed: list[Placed] = []
    migrations = await postgres.migrate(settings.database_url, dry_run=dry_run, note=placed.append)
    return Migrated(migrations=migrations, placed=placed)


async def check_read_database(settings: Settings) -> None:
    """Raise ``store_unavailable`` for a replica that the database cannot have. The replica is not asked."""
    if settings.read_database_url:
        from padron.store import postgres  # noqa: PLC0415 - only the engine that is used is loaded

        await postgres.check_replica(settings.database_url)


def open_examination(settings: Settings) -> Examination:
    """Give an examination of the register. It opens the database when it begins, and changes nothing."""
    if settings.is_sqlite:
        from padron.store import sqlite  # noqa: PLC0415 - only the engine that is used is loaded

        return sqlite.SqliteExamination(settings.sqlite_path, sqlite.MIGRATIONS)
    from padron.store import postgres  # noqa: PLC0415

    return postgres.PostgresExamination(settings.database_url, postgres.MIGRATIONS)


def write_checksums(settings: Settings, *, renew: bool) -> bool:
    """Write the SQLite file again with a checksum in each page, and say whether that was necessary.

    No server may use the file. Raises ``store_unavailable`` for a damaged file.
    """
    from padron.store import sqlite  # noqa: PLC0415

    return sqlite.write_checksums(settings.sqlite_path, renew=renew)


def back_up(settings: Settings, target: Path, show: ShowProgress = show_nothing) -> BackupNote:
    """Copy the register into an empty file, check the copy, and say what it holds. Raises ``store_unavailable``."""
    if settings.is_sqlite:
        from padron.store.sqlite import check_file  # noqa: PLC0415 - only the engine that is used is loaded
        from padron.store.sqlite.backup import copying  # noqa: PLC0415

        check_file(settings.sqlite_path, may_create=False)
        summary = copying.copy_checked(settings.sqlite_path, target, show)
    else:
        from padron.store.postgres import backup as dumps  # noqa: PLC0415

        summary = asyncio.run(dumps.dump_database(settings.database_url, target, show))
    return describe_backup(target, "sqlite" if settings.is_sqlite else "postgresql", summary, read_clock())


def check_place(settings: Settings, *, replace: bool) -> None:
    """Raise ``store_unavailable`` unless a backup may be restored into the database."""
    if settings.is_sqlite:
        from padron.store.sqlite.backup import restoring  # noqa: PLC0415

        restoring.check_target(Path(settings.sqlite_path), replace=replace)
        return
    from padron.store.postgres import backup as dumps  # noqa: PLC0415

    asyncio.run(dumps.check_target(settings.database_url, replace=replace))


def restore_backup(
    settings: Settings, source: Path, at: datetime | None, show: ShowProgress = show_nothing
) -> RestoredRegister:
    """Restore a checked backup as a new life of the register. Raises ``store_unavailable`` for a damaged one.

    ``at`` is for a folder of a continuous backup: the instant, or None for the newest state.
    """
    if settings.is_sqlite:
        from padron.store.sqlite.backup import replaying, restoring  # noqa: PLC0415

        target = Path(settings.sqlite_path)
        if source.is_dir():
            return replaying.restore_folder(source, target, make_epoch(), at, show)
        return restoring.restore_file(source, target, make_epoch(), show)
    from padron.store.postgres import backup as dumps  # noqa: PLC0415

    return asyncio.run(dumps.load_dump(source, settings.database_url, make_epoch()))


def check_backup_folder(settings: Settings) -> None:
    """Raise ``store_unavailable`` when a server cannot keep its continuous backup in the folder of the settings."""
    if settings.backup_to:
        from padron.store.sqlite.backup.places import BackupPlace  # noqa: PLC0415

        BackupPlace(Path(settings.backup_to)).close()


def try_backup(source: Path, at: datetime | None, show: ShowProgress = show_nothing) -> RestoredRegister:
    """Restore a continuous backup into a temporary file, check it, and delete it. Raises ``store_unavailable``."""
    from padron.store.sqlite.backup import replaying  # noqa: PLC0415

    return replaying.try_folder(source, make_epoch(), at, show)


def check_extras(settings: Settings) -> None:
    """Raise ``SettingsError`` when a setting needs packages that are not installed."""
    if settings.otel is Switch.OFF:
        return
    try:
        is_there = find_spec("opentelemetry.sdk.trace") and find_spec("opentelemetry.exporter.otlp.proto.http")
    except ModuleNotFoundError:  # not even the package above it
        is_there = None
    if is_there is None:
        raise SettingsError(
            "--otel on needs OpenTelemetry. Install Padrón with its extra otel: pip install 'padron[otel]'"
        )


def make_app(worker: int = 0) -> ASGIApp:
    """Give the server's application with the settings of the environment. uvicorn calls it in each process.

    ``worker`` is the number of this process: from 1 where there are several, and 0 for the only one.
    """
    from padron.delivery.sender import HttpSender  # noqa: PLC0415 - commands do without the server's modules
    from padron.http.app import build_app  # noqa: PLC0415
    from padron.http.reach import Reach  # noqa: PLC0415
    from padron.trusting import trust  # noqa: PLC0415
    from padron.watching import make_tally, open_tracer, watch  # noqa: PLC0415
    from padron.workers.archiving import ArchivingWorker  # noqa: PLC0415
    from padron.workers.backups import BackupCheckWorker  # noqa: PLC0415
    from padron.workers.base import Worker, run_workers  # noqa: PLC0415
    from padron.workers.clearing import ClearingWorker  # noqa: PLC0415
    from padron.workers.imports import ImportWorker  # noqa: PLC0415
    from padron.workers.open_files import OpenFilesWorker  # noqa: PLC0415
    from padron.workers.orders import OrdersWorker  # noqa: PLC0415
    from padron.workers.plans import PlanWorker  # noqa: PLC0415
    from padron.workers.pulse import PulseWorker  # noqa: PLC0415
    from padron.workers.selections import SelectionWorker  # noqa: PLC0415
    from padron.workers.soundness import SoundnessWorker  # noqa: PLC0415
    from padron.workers.webhooks import WebhookWorker  # noqa: PLC0415

    settings = read_settings(os.environ)
    sender = HttpSender(settings.webhook_networks, read_clock)
    tracer = open_tracer(settings)
    # A lock makes sure that a SQLite file has only one server. So the next server inherits the
    # leases of a killed one at once.
    holder = "the only server" if settings.is_sqlite else None

    async def open_database() -> Runtime:
        runtime = await open_runtime(settings, sender=sender, is_server=True, tracer=tracer)
        await check_secrets(runtime)
        # What is loaded by now stays for ever. Looking through it for garbage held up all calls for up to 100 ms.
        gc.freeze()
        return runtime

    @asynccontextmanager
    async def work(runtime: Runtime) -> AsyncIterator[None]:
        soundness = SoundnessWorker(runtime)
        workers: list[Worker] = [
            WebhookWorker(runtime, holder=holder), ImportWorker(runtime, holder=holder), ClearingWorker(runtime),
            PlanWorker(runtime), SelectionWorker(runtime, holder=holder), OpenFilesWorker(), soundness,
            PulseWorker(runtime, PULSE.beat), OrdersWorker(runtime),
        ]  # fmt: skip
        if settings.backup_to:
            workers.append(BackupCheckWorker(runtime, settings.backup_to))
        if settings.keep.changes is not None:
            workers.append(ArchivingWorker(runtime, settings.archive_to, settings.keep.changes))
        async with AsyncExitStack() as stack:
            for part in (sender, trust(settings, runtime), run_workers(workers), watch(settings, runtime, worker)):
                await stack.enter_async_context(part)
            await soundness.wait_for_first()
            yield

    reach = Reach(root_path=settings.root_path, proxies=settings.proxy_networks, origins=settings.origins)
    return build_app(open_database, [work], reach, tally=make_tally(settings), mounts=_build_mounts(settings))


def _build_mounts(settings: Settings) -> list[Mount]:
    from padron.console.app import build_console  # noqa: PLC0415 - commands do without it

    return [build_console(settings.root_path)]


def give_api_document(webhooks: str = "inline", root_path: str = "") -> bytes:
    """Give the OpenAPI document as readable JSON. ``webhooks`` is ``inline``, ``extension`` or ``none``."""
    from padron.http.docs.events import EVENTS  # noqa: PLC0415
    from padron.http.docs.openapi import WebhookPlace, encode_document  # noqa: PLC0415
    from padron.http.reach import set_root_path  # noqa: PLC0415
    from padron.http.routes import ROUTES  # noqa: PLC0415

    set_root_path(root_path)
    return encode_document(ROUTES, EVENTS, WebhookPlace(webhooks))


async def _open_file(settings: Settings, *, is_alone: bool, may_create: bool, with_backup: bool) -> Store:
    from padron.store import sqlite  # noqa: PLC0415

    # The thread that commits needs the interpreter's lock when the disk is done. With the default
    # of 5 ms it would wait that long behind a busy event loop, and all callers with it
    # (docs/decisions/0003-sqlite-binding.md).
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    plan = None
    if with_backup and settings.backup_to:
        plan = BackupPlan(
            folder=settings.backup_to,
            keep=timedelta(days=settings.backup_keep_days),
            base_bytes=settings.backup_base_mb * 1_000_000,
        )
    return await sqlite.open_store(settings.sqlite_path, is_alone=is_alone, may_create=may_create, plan=plan)


async def _open_database(settings: Settings, *, with_replica: bool) -> Store:
    from padron.store import postgres  # noqa: PLC0415

    read_url = settings.read_database_url if with_replica else ""
    return await postgres.open_store(settings.database_url, read_url or None, settings.read_staleness_s)


async def _explain_use(settings: Settings, store: Store, error: Exception) -> PadronError | None:
    from padron.store import postgres  # noqa: PLC0415

    return await postgres.explain_use(store, settings.database_url, error)
