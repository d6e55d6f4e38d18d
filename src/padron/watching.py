"""Joins what an operator sees of a server process: the log of requests, the metrics, and looks at the database."""

import logging
import platform
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from padron import __version__
from padron.config import Settings, Switch
from padron.http.watching.access_log import AccessLog
from padron.http.watching.tally import Tally
from padron.log_lines import give_families as give_log_families
from padron.meters import Family, FamilyKind
from padron.service.runtime import Runtime
from padron.traces import Tracer

_log = logging.getLogger("padron.serve")


def make_tally(settings: Settings) -> Tally | None:
    """Give what counts the answers; None where nobody asked for metrics or for a log of the requests."""
    if settings.metrics_listen:
        # Now, because what is loaded later is not left out of the garbage collector's looks.
        import padron.telemetry.endpoint  # noqa: F401, PLC0415
    if settings.access_log is Switch.ON:
        return Tally(AccessLog())
    return Tally() if settings.metrics_listen or settings.otel is Switch.ON else None


def open_tracer(settings: Settings) -> Tracer | None:
    """Give what records the traces; None where nobody asked, and then no library is loaded for it."""
    if settings.otel is Switch.OFF:
        return None
    from padron.telemetry import tracing  # noqa: PLC0415 - it needs packages that only the extra brings

    return tracing.open_tracer()


@asynccontextmanager
async def watch(settings: Settings, runtime: Runtime, worker: int) -> AsyncIterator[None]:
    """Serve this process's metrics during the block, if the operator asked for them.

    The processes of one server have ports that follow each other, in the order of their numbers.
    """
    address = settings.metrics_address
    if address is None:
        yield
        return
    from padron.telemetry.endpoint import PATH, serve_metrics  # noqa: PLC0415 - most servers need none of it
    from padron.workers.base import run_workers  # noqa: PLC0415
    from padron.workers.survey import SurveyWorker  # noqa: PLC0415

    host, port = address.host, address.port and address.port + max(worker - 1, 0)
    engine = "sqlite" if settings.is_sqlite else "postgres"

    def give_build() -> tuple[Family, ...]:
        return (
            Family(
                name="padron_build_info",
                meaning="1, with the version of the program, of Python, and the engine.",
                kind=FamilyKind.GAUGE,
                labels=("version", "python", "engine"),
                samples={(__version__, platform.python_version(), engine): 1},
            ),
        )

    def announce(port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        _log.info("Metrics of this process are on http://%s:%d%s", shown, port, PATH)

    runtime.meters.add(give_build)
    runtime.meters.add(give_log_families)
    async with AsyncExitStack() as stack:
        if worker <= 1:  # what is in the database is the same for all processes
            await stack.enter_async_context(run_workers([SurveyWorker(runtime)]))
        await stack.enter_async_context(serve_metrics(runtime.meters, host, port, announce))
        yield
