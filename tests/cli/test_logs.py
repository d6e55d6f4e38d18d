"""The log: one event is one line, whatever the input holds."""

import json
import logging
import sys

from padron.cli.logs import JsonFormatter, TextFormatter
from tests.tables import each_row

NASTY = "a\nb\r\x1b[31m\u2028\u202e\x85\ud800 postgresql://me:hush@h/x"


def make_record(message: str, *, fails: bool) -> logging.LogRecord:
    trace = None
    if fails:
        try:
            raise ValueError(NASTY)  # noqa: TRY301 - it is the trace that is wanted
        except ValueError:
            trace = sys.exc_info()
    return logging.LogRecord("padron.http", logging.ERROR, __file__, 1, "said %s", (message,), trace)


@each_row("formatter", [JsonFormatter(), TextFormatter()])
@each_row("fails", [False, True])
def test_an_event_is_one_printable_line_without_passwords(formatter: logging.Formatter, *, fails: bool) -> None:
    line = formatter.format(make_record(NASTY, fails=fails))
    assert line.isprintable()
    assert "hush" not in line
    assert ("ValueError" in line) == fails


def test_json_keeps_the_message_whole() -> None:
    event = json.loads(JsonFormatter().format(make_record("a\nb", fails=True)))
    assert (event["message"], event["level"], event["logger"]) == ("said a\nb", "error", "padron.http")
    assert event["trace"].startswith("Traceback")
    assert event["at"].endswith("Z")
