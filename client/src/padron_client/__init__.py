"""The typed client of Padrón, a self-hosted register of vehicles.

Everything here is loaded when it is used, so that importing this package takes no time.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as typing has it, which takes longer to import than all of this
if TYPE_CHECKING:
    from padron_client import errors, models, problems, webhooks
    from padron_client._async.client import AsyncClient
    from padron_client._sync.client import Client
    from padron_client.calls import Attempt, CallOptions, Ending, Hooks, Retries, Timeouts
    from padron_client.errors import ApiError, ConnectionFailed, DeadlinePassed, NotModified, PadronClientError
    from padron_client.models import VehicleStatusId
    from padron_client.worker import Job, Worker, run_worker

__version__ = "0.1.0"

_HOMES = {
    "ApiError": "errors",
    "AsyncClient": "_async.client",
    "Attempt": "calls",
    "CallOptions": "calls",
    "Client": "_sync.client",
    "ConnectionFailed": "errors",
    "DeadlinePassed": "errors",
    "Ending": "calls",
    "Hooks": "calls",
    "Job": "worker",
    "NotModified": "errors",
    "PadronClientError": "errors",
    "Retries": "calls",
    "Timeouts": "calls",
    "VehicleStatusId": "models",
    "Worker": "worker",
    "run_worker": "worker",
}
_MODULES = ("errors", "models", "problems", "webhooks")

__all__ = [
    "ApiError",
    "AsyncClient",
    "Attempt",
    "CallOptions",
    "Client",
    "ConnectionFailed",
    "DeadlinePassed",
    "Ending",
    "Hooks",
    "Job",
    "NotModified",
    "PadronClientError",
    "Retries",
    "Timeouts",
    "VehicleStatusId",
    "Worker",
    "errors",
    "models",
    "problems",
    "run_worker",
    "webhooks",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOMES:
        value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
