"""What every test may ask for: a register of its own, on each engine in turn."""

import asyncio
import gc
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import apsw
import asyncpg
import pytest
from hypothesis import settings

from padron.domain.limits import DEFAULT_LIMITS, Limits
from padron.service.runtime import Runtime, build_runtime
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests import effort
from tests.cast import NOON, Cast, make_cast
from tests.citus_nodes import run_cluster
from tests.forms import ENGINES, SPREAD, can_be_spread, is_form_long, is_long, is_slow
from tests.kept_connections import KEPT
from tests.loop_watch import LoopWatch
from tests.memory import find_memory_folder
from tests.postgres import Postgres, run_postgres
from tests.readers import forked_readers
from tests.replica import ReplicaServer, run_replica
from tests.shared_registers import SharedRegisters, check_file, shares_register

settings.load_profile(effort.PROFILE)

# Here pytest makes its temporary folders, unless somebody has said where.
if (_memory_folder := find_memory_folder()) is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _memory_folder)

OpenStore = Callable[[], Awaitable[Store]]

Row = tuple[Any, ...]


class Select(Protocol):
    """Gives the rows of a statement, whose parameters are written $1, $2 on both engines."""

    async def __call__(self, statement: str, *parameters: object) -> list[Row]: ...


# Event loops that serve nobody else: a command's, and those of tests whose servers are processes of their own.
UNWATCHED = tuple(Path(__file__).parent / name for name in ("browser", "cli", "deploy", "docs", "e2e"))


def pytest_configure() -> None:
    """Hear Ctrl-C, as in a terminal: a shell's background job ignores it, and so would each server that it starts."""
    # Not Python's own handler itself: asyncio would put another one in its place for each step of each test.
    signal.signal(signal.SIGINT, partial(signal.default_int_handler))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out PostgreSQL, campaigns and many processes")
    parser.addoption("--short", action="store_true", help="leave out the tests that are marked as long")
    parser.addoption("--long", action="store_true", help="run the tests that are marked as long, and no others")
    parser.addoption("--spread", action="store_true", help="run all suites also on what looks like a cluster")


def pytest_sessionstart() -> None:
    """Leave the garbage alone while the tests are collected: nearly all that is made stays until the end."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Let the garbage collector begin, and pass over the thousands of tests each time."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if effort.IS_TORTURE:
        for item in items:  # each has time enough for its long form
            item.add_marker(pytest.mark.timeout(effort.TORTURE_TIMEOUT_S), append=False)
    is_out: dict[str, Callable[[pytest.Item], bool]] = {
        "fast": is_slow,
        "short": is_long,
        "long": lambda item: not is_long(item),
    }
    for option, leaves_out in is_out.items():
        if config.getoption(option):
            out = {item for item in items if leaves_out(item)}
            config.hook.pytest_deselected(items=[*out])
            items[:] = [item for item in items if item not in out]


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> list[pytest.Item] | None:
    """Build nothing of a test that the short run leaves out altogether."""
    if not name.startswith("test") or not collector.config.getoption("short"):
        return None
    marks = [*collector.iter_markers("long"), *getattr(obj, "pytestmark", ())]
    return [] if is_form_long(marks, {}) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each engine, if it asks for one and names none: on those that the run does not leave out."""
    tables = [*metafunc.definition.iter_markers("parametrize")]
    if "engine" in metafunc.fixturenames and any(re.findall(r"\bkind\b", str(table.args[0])) for table in tables):
        message = f"{metafunc.definition.nodeid}: a parameter named kind hides the fixture that chooses the database."
        raise pytest.UsageError(message)
    is_named = any(hasattr(owner, "engine") for owner in (metafunc.module, metafunc.cls))
    is_named |= any("engine" in table.args[0] for table in tables)
    if "engine" in metafunc.fixturenames and not is_named:
        engines = [*ENGINES, SPREAD] if can_be_spread(metafunc.definition.path) else ENGINES
        marks = [*metafunc.definition.iter_markers()]
        left_out = engines if metafunc.config.getoption("short") else [SPREAD]
        if not metafunc.config.getoption("spread"):
            engines = [one for one in engines if one not in left_out or not is_form_long(marks, {"engine": one})]
        metafunc.parametrize("engine", engines, indirect=True)


@pytest.fixture(scope="session")
def loop_watch() -> Iterator[LoopWatch]:
    """The watch over the event loops of this process."""
    from padron.delivery.sender import trust_system  # noqa: PLC0415 - the tests of many folders do without it

    trust_system()  # a server does this before it serves, so it holds nobody up
    watch = LoopWatch()
    watch.install()
    yield watch
    watch.uninstall()


@pytest.fixture(scope="session", autouse=True)
async def event_loop_of_all() -> AsyncIterator[asyncio.AbstractEventLoop]:
    """The event loop that all tests share, on which each test leaves its connections to the next."""
    loop = asyncio.get_running_loop()
    with KEPT.installed(loop):
        yield loop
        KEPT.forget_all()
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _watched_loop(
    request: pytest.FixtureRequest, loop_watch: LoopWatch, event_loop_of_all: asyncio.AbstractEventLoop
) -> Iterator[None]:
    """Cancel what a test left running, as if its event loop had ended.

    What the test's server did about SIGHUP ends with it, because processes that are started later would inherit it.

    Fail a test in which a callback of an event loop took over 250 ms of processor time. All are one fixture, because
    each costs every test a fifth of a millisecond.
    """
    loop_watch.take_slow()
    hang_up = signal.getsignal(signal.SIGHUP)
    before = asyncio.all_tasks(event_loop_of_all)  # of what the module's tests share, which goes on
    yield
    if signal.getsignal(signal.SIGHUP) != hang_up:
        signal.signal(signal.SIGHUP, hang_up)
    left = asyncio.all_tasks(event_loop_of_all) - before
    if left and "shared_registers" not in request.fixturenames:
        for task in left:
            task.cancel()
        event_loop_of_all.run_until_complete(asyncio.wait(left))
    slow = loop_watch.take_slow()
    if slow and request.node.get_closest_marker("slow_callback") is None:
        is_unwatched = any(request.path.is_relative_to(folder) for folder in UNWATCHED)
        assert is_unwatched, "\n".join(["The event loop was held up:", *slow])


@pytest.fixture(scope="session", autouse=True)
def _forked_readers() -> Iterator[None]:
    """Fork the processes that read files. It takes a tenth of the time of a start."""
    with forked_readers():
        yield


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """One PostgreSQL, or one cluster, for each worker process."""
    if pytestconfig.getoption("fast"):
        pytest.skip("PostgreSQL is left out.")
    pg_config = pytestconfig.getoption("citus", None)
    with run_postgres() if pg_config is None else run_cluster(pg_config) as server:
        yield server


@pytest.fixture(scope="session")
def replicated_server() -> Iterator[Postgres]:
    """A PostgreSQL for the tests with a replica alone: it has nothing to replay from the thousands of others."""
    with run_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def replica_server(replicated_server: Postgres) -> Iterator[ReplicaServer]:
    """A replica of it."""
    with run_replica(replicated_server) as replica:
        yield replica


@pytest.fixture
async def replica(replica_server: ReplicaServer) -> AsyncIterator[ReplicaServer]:
    """The replica, which replays again and runs at the end, whatever the test did."""
    yield replica_server
    if not replica_server.is_running:
        replica_server.start()
    await replica_server.let_go()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine that the test runs on (``pytest_generate_tests``). A spread database is PostgreSQL's."""
    return "postgres" if request.param == SPREAD else str(request.param)


@pytest.fixture
def kind(engine: str, request: pytest.FixtureRequest) -> str:
    """The kind of the test's database: that of an engine, or a spread one."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    return SPREAD if parameters.get("engine") == SPREAD else engine


@pytest.fixture
def primary(request: pytest.FixtureRequest) -> Postgres:
    """The PostgreSQL on which the test's register is: the one with a replica where the test has it."""
    is_replicated = "replica" in request.fixturenames
    server: Postgres = request.getfixturevalue("replicated_server" if is_replicated else "postgres_server")
    return server


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite register: a copy is made faster than a new one."""
    path = tmp_path_factory.mktemp("template") / "padron.db"
    sqlite.migrate(str(path))
    return path


@pytest.fixture
def disk_folder() -> Iterator[Path]:
    """A folder on the disk, for the SQLite file of a test that asks for it.

    In memory a commit is over so soon that hardly a kill falls into it.
    """
    with TemporaryDirectory(prefix="padron-disk-") as folder:
        yield Path(folder)


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The path or the URL of an empty register."""
    if kind == "sqlite":
        folder = request.getfixturevalue("disk_folder") if "disk_folder" in request.fixturenames else tmp_path
        return str(shutil.copy(request.getfixturevalue("template"), folder / "padron.db"))
    return str(request.getfixturevalue("spread_database" if kind == SPREAD else "postgres_database"))


@pytest.fixture
async def postgres_database(primary: Postgres) -> AsyncIterator[str]:
    url = await primary.create_database()
    yield url
    await primary.drop_database(url)


@pytest.fixture
async def spread_database(postgres_server: Postgres) -> AsyncIterator[str]:
    """The URL of an empty register that looks like a cluster's."""
    url = await postgres_server.create_database(is_spread=True)
    yield url
    await postgres_server.drop_database(url)


@pytest.fixture
async def open_store(engine: str, database: str) -> AsyncIterator[OpenStore]:
    """Opens the register, once or several times, as several server processes would."""
    stores: list[Store] = []

    async def open_one() -> Store:
        store: Store
        if engine == "sqlite":
            # A fresh copy of the template has no migration to look for.
            store = await sqlite.open_store(database) if stores else sqlite.SqliteStore(database)
        else:
            store = await postgres.open_store(database)
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        await store.close()
    if engine == "sqlite" and stores:
        check_file(database)


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store()


@pytest.fixture(scope="module")
async def shared_registers(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SharedRegisters]:
    """The registers that a module's tests share."""

    def give_server() -> Postgres:
        server: Postgres = request.getfixturevalue("postgres_server")
        return server

    registers = SharedRegisters(tmp_path_factory.mktemp("shared"), template, give_server)
    yield registers
    await registers.close()


@pytest.fixture
def select(engine: str, database: str) -> Select:
    """Reads the database beside the store, to see what is really in it."""

    async def select_rows(statement: str, *parameters: object) -> list[Row]:
        if engine == "sqlite":
            file = apsw.Connection(database, flags=apsw.SQLITE_OPEN_READONLY)
            try:
                named = {str(place): value for place, value in enumerate(parameters, start=1)}
                return list(file.execute(statement, named))
            finally:
                file.close()
        connection = await asyncpg.connect(database)
        try:
            return [tuple(row) for row in await connection.fetch(statement, *parameters)]
        finally:
            await connection.close()

    return select_rows


class SteppedClock:
    """A clock that goes on by one second each time it is looked at."""

    def __init__(self, start: datetime = NOON) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture(scope="module")
def shared_clock() -> SteppedClock:
    """The clock of the registers that a module's tests share."""
    return SteppedClock()


@pytest.fixture
def clock(limits: Limits, request: pytest.FixtureRequest) -> SteppedClock:
    """The clock of the test's register. One that is shared is set back to noon for each test."""
    if not shares_register(request.node, limits):
        return SteppedClock()
    shared: SteppedClock = request.getfixturevalue("shared_clock")
    shared.now = NOON
    return shared


@pytest.fixture
def limits() -> Limits:
    """The limits of ``runtime`` and ``api``. A test that wants others names them as a parameter ``limits``."""
    return DEFAULT_LIMITS


@pytest.fixture
async def runtime(open_store: OpenStore, clock: SteppedClock, limits: Limits) -> AsyncIterator[Runtime]:
    """The register as the use cases see it."""
    runtime = build_runtime(await open_store(), clock, limits=limits)
    yield runtime
    await runtime.watch.close()
    await runtime.work_watch.close()
    await runtime.queueing.close()
    await runtime.lanes.close()
    await runtime.refusals.close()
    await runtime.authenticator.close()
    await runtime.passwords.close()


@pytest.fixture
async def cast(runtime: Runtime) -> Cast:
    return await make_cast(runtime)
