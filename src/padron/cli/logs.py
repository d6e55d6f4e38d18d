"""The server's log on stderr, as JSON or text, including uvicorn's. One event is always exactly one line."""

import json
import logging
import re
from datetime import UTC, datetime

from padron.config import LogForm, hide_passwords

# Characters that can end a line or control a terminal: controls, two separators, direction marks, lone surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class JsonFormatter(logging.Formatter):
    """Writes one JSON object on each line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the event as a line."""
        event = {
            "at": give_instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": hide_passwords(record.getMessage()),
        }
        trace = give_trace(record)
        if trace:
            event["trace"] = trace
        return json.dumps(event)


class TextFormatter(logging.Formatter):
    """Writes one line of text for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the event as a line."""
        line = f"{give_instant(record)} {record.levelname:<7} {record.name}: {hide_passwords(record.getMessage())}"
        trace = give_trace(record)
        return escape_line(f"{line} | {trace}" if trace else line)


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


def build_log_config(form: LogForm) -> dict[str, object]:
    """Give the configuration of the loggers, which uvicorn sets in each process.

    uvicorn logs only warnings and errors, because the program itself logs its start and its end.
    """
    formatter = JsonFormatter if form is LogForm.JSON else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{formatter.__module__}.{formatter.__qualname__}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "uvicorn": {"level": "WARNING", "handlers": [], "propagate": True},
            "uvicorn.error": {"level": "WARNING", "handlers": [], "propagate": True},
        },
    }
