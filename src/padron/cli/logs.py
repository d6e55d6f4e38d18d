"""The server's log on stderr, as JSON or text, including uvicorn's. One event is always exactly one line.

Each line names its process, and the number of the process where there are several. An event may have fields of its own
besides its message, as the requests have.
"""

import json
import logging
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from padron.config import LogForm, hide_passwords
from padron.traces import CURRENT

# Characters that can end a line or control a terminal: controls, two separators, direction marks, lone surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class JsonFormatter(logging.Formatter):
    """Writes one JSON object on each line, in ASCII."""

    def __init__(self, worker: int = 0) -> None:
        """``worker`` is the number of this process; 0 where there is only one."""
        super().__init__()
        self._worker = {"worker": worker} if worker else {}

    def format(self, record: logging.LogRecord) -> str:
        """Give the event as a line."""
        event = {
            "at": give_instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": os.getpid(),
            **self._worker,
            "message": hide_passwords(record.getMessage()),
            **_give_fields(record),
        }
        trace = give_trace(record)
        if trace:
            event["trace"] = trace
        return json.dumps(event)


class TextFormatter(logging.Formatter):
    """Writes one line of text for people."""

    def __init__(self, worker: int = 0) -> None:
        """``worker`` is the number of this process; 0 where there is only one."""
        super().__init__()
        self._worker = f"/{worker}" if worker else ""

    def format(self, record: logging.LogRecord) -> str:
        """Give the event as a line."""
        source = f"{record.name}[{os.getpid()}{self._worker}]"
        words = [
            hide_passwords(record.getMessage()),
            *(f"{name}={value}" for name, value in _give_fields(record).items()),
        ]
        line = f"{give_instant(record)} {record.levelname:<7} {source}: {' '.join(words)}"
        trace = give_trace(record)
        return escape_line(f"{line} | {trace}" if trace else line)


def _give_fields(record: logging.LogRecord) -> Mapping[str, object]:
    """Give the fields of an event, which the caller put into ``extra``, and the trace to which it belongs."""
    fields: Mapping[str, object] = getattr(record, "fields", {})
    trace = CURRENT.get()  # an event becomes a line where it happens
    return fields if trace is None else {"traceId": trace.trace_id, **fields}


def give_instant(record: logging.LogRecord) -> str:
    """Give the instant of an event, in UTC."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def give_trace(record: logging.LogRecord) -> str:
    """Give the traceback of an exception, or empty text."""
    if record.exc_info is None or record.exc_info[0] is None:
        return ""
    return hide_passwords(logging.Formatter().formatException(record.exc_info))


def escape_line(text: str) -> str:
    r"""Write characters that could end the line or control a terminal as ``\xNN`` or ``\uNNNN``."""
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


def build_log_config(form: LogForm, worker: int = 0) -> dict[str, object]:
    """Give the configuration of the loggers, which uvicorn sets in each process. ``worker`` is its number.

    uvicorn logs only warnings and errors, because the program itself logs its start and its end.
    """
    formatter = JsonFormatter if form is LogForm.JSON else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{formatter.__module__}.{formatter.__qualname__}", "worker": worker}},
        "handlers": {"stderr": {"class": "padron.log_lines.LineHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "uvicorn": {"level": "WARNING", "handlers": [], "propagate": True},
            "uvicorn.error": {"level": "WARNING", "handlers": [], "propagate": True},
        },
    }
