"""Runs the tests in several processes that are forked once all tests are collected.

To collect the tests takes longer than most rooms of them, so it is done once, and a further process costs nearly
nothing. The processes take portions of the tests from one pipe, and send their reports to the process that began.
"""

import os
import pickle
import signal
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import zip_longest
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from select import select
from typing import Any, NoReturn, assert_never

import pytest
from _pytest.capture import CaptureManager
from _pytest.config import create_terminal_writer
from _pytest.runner import pytest_sessionfinish as tear_down

from tests.portions import Portion, make_portions

_END_S_MAX = 60.0  # for what the fixtures of the session still do
_NUMBER = struct.Struct("i")  # of a portion; so short a write to a pipe is never in parts


class _Word(Enum):
    """What a process tells the one that began."""

    STARTED = auto()  # the place of a test
    REPORT = auto()
    FINISHED = auto()  # the place of a test
    WARNING = auto()
    BROKEN = auto()  # the text of an error outside of all tests
    STOPPED = auto()  # by Ctrl-C


@dataclass(kw_only=True)
class _Worker:
    """One process, as the one that began sees it."""

    pid: int
    words: Connection
    place: int | None = None  # of the test that it runs


@dataclass(kw_only=True)
class _Line:
    """The portions that nobody has taken yet, and whether nobody is to take one any more."""

    reading: int
    stopping: int  # has an end as soon as the first process closes its side, or has ended
    portions: Sequence[Portion] = field(repr=False)

    def take(self) -> Portion | None:
        number = b"" if self.is_over else os.read(self.reading, _NUMBER.size)
        return self.portions[_NUMBER.unpack(number)[0]] if number else None

    @property
    def is_over(self) -> bool:
        return bool(select([self.stopping], [], [], 0)[0])


class SideBySide:
    """Takes the place of pytest's own loop over the tests."""

    def __init__(self, count: int) -> None:
        self._count = count

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all tests; None if pytest itself is to run them."""
        portions = make_portions(session.items)
        if session.testsfailed or session.config.option.collectonly or min(self._count, len(portions)) < 2:
            return None
        _First(session, portions).run(min(self._count, len(portions)))
        return True


class _First:
    """The process that began. It runs no test itself."""

    def __init__(self, session: pytest.Session, portions: Sequence[Portion]) -> None:
        self._session = session
        self._portions = portions
        self._reading, self._writing = os.pipe()
        self._stopping, self._stop = os.pipe()
        self._left = set(range(len(session.items)))

    def run(self, count: int) -> None:
        self._make_ready()
        workers: list[_Worker] = []
        try:
            for _ in range(count):
                workers.append(self._fork(workers))
            os.close(self._reading)
            self._fill_line()
            self._listen(workers)
        except BaseException:
            for worker in workers:
                os.kill(worker.pid, signal.SIGINT)
            raise
        finally:
            os.close(self._stop)
            for worker in workers:
                worker.words.close()  # nobody hears what one still has to say, so none waits with it
            _wait_for_ends([worker.pid for worker in workers])
            os.close(self._stopping)
        for place in sorted(self._left):
            self._fail(place, "The processes that ran the tests died before this one.")

    def _make_ready(self) -> None:
        """Do once what would differ in each process."""
        if (reporter := self._session.config.pluginmanager.getplugin("terminalreporter")) is not None:
            reporter.showfspath = False  # the names of files that are tried in turn would fill the screen
        self._session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        sys.stdout.flush()
        sys.stderr.flush()

    def _fork(self, others: Sequence[_Worker]) -> _Worker:
        words, telling = Pipe(duplex=False)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the fork knows that it is one
        if not (pid := os.fork()):
            for file in (self._writing, self._stop):
                os.close(file)
            for connection in (words, *(other.words for other in others)):
                connection.close()
            line = _Line(reading=self._reading, stopping=self._stopping, portions=self._portions)
            _work(self._session, line, telling)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        telling.close()
        return _Worker(pid=pid, words=words)

    def _fill_line(self) -> None:
        """Write the numbers of all portions. A pipe takes more of them than we have tests."""
        with suppress(BrokenPipeError), os.fdopen(self._writing, "wb") as line:
            for number in range(len(self._portions)):
                line.write(_NUMBER.pack(number))

    def _listen(self, workers: Sequence[_Worker]) -> None:
        speaking = {worker.words: worker for worker in workers}
        while speaking:
            for connection in wait([*speaking]):
                assert isinstance(connection, Connection)
                try:
                    word, told = pickle.loads(connection.recv_bytes())  # noqa: S301 - of our own process
                except EOFError:
                    self._note_end(speaking.pop(connection))
                    continue
                self._hear(speaking[connection], word, told)
            self._check_limits()

    def _check_limits(self) -> None:
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _hear(self, worker: _Worker, word: _Word, told: Any) -> None:  # noqa: ANN401 - what was pickled
        config = self._session.config
        match word:
            case _Word.STARTED:
                worker.place = told
                self._left.discard(told)
            case _Word.REPORT:
                report = config.hook.pytest_report_from_serializable(config=config, data=told)
                config.hook.pytest_runtest_logreport(report=report)
            case _Word.FINISHED:
                worker.place = None
                item = self._session.items[told]
                config.hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            case _Word.WARNING:
                config.hook.pytest_warning_recorded.call_historic(kwargs=told)
            case _Word.BROKEN:
                print(told, file=sys.stderr, flush=True)  # noqa: T201 - the others may take long to end
                raise RuntimeError(told)
            case _Word.STOPPED:
                raise KeyboardInterrupt
            case _:
                assert_never(word)

    def _note_end(self, worker: _Worker) -> None:
        if worker.place is not None:
            self._fail(worker.place, "The process that ran this test died.")

    def _fail(self, place: int, words: str) -> None:
        item = self._session.items[place]
        report = pytest.TestReport(
            nodeid=item.nodeid, location=item.location, keywords={}, outcome="failed", longrepr=words, when="call"
        )
        item.config.hook.pytest_runtest_logreport(report=report)


def _wait_for_ends(pids: Sequence[int]) -> None:
    """Wait until processes have ended. One that was interrupted may hang in a fixture, and is killed at last."""
    running = {*pids}
    deadline = time.monotonic() + _END_S_MAX
    while running:
        for pid in [*running]:
            if os.waitpid(pid, os.WNOHANG)[0]:
                running.remove(pid)
            elif time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


class _Reporter:
    """Tells the first process what pytest says of the tests in this one."""

    def __init__(self, config: pytest.Config, telling: Connection) -> None:
        self._config = config
        self._telling = telling

    def tell(self, word: _Word, told: object) -> None:
        self._telling.send_bytes(pickle.dumps((word, told)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self.tell(_Word.REPORT, data)

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: tuple[str, int, str] | None
    ) -> None:
        told = {"warning_message": warning_message, "when": when, "nodeid": nodeid, "location": location}
        self.tell(_Word.WARNING, told)


def _work(session: pytest.Session, line: _Line, telling: Connection) -> NoReturn:
    """Run portions of the tests in a process that was forked, which ends in here."""
    reporter = _Reporter(session.config, telling)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        _settle(session.config, reporter)
        try:
            for place, following in _walk(line):
                _run(session, place, following, reporter)
        finally:
            tear_down(session)
    except (KeyboardInterrupt, pytest.exit.Exception):
        with suppress(OSError):
            reporter.tell(_Word.STOPPED, None)
    except BaseException:  # noqa: BLE001 - whatever it is, the first process raises it
        with suppress(OSError):
            reporter.tell(_Word.BROKEN, traceback.format_exc())
    finally:
        telling.close()
        os._exit(0)  # what is registered for the end of the first process is for that one alone


def _settle(config: pytest.Config, reporter: _Reporter) -> None:
    """Give this process its own capture of what is printed, and let it say nothing on the terminal."""
    capture = config.pluginmanager.getplugin("capturemanager")
    assert isinstance(capture, CaptureManager)
    capture.stop_global_capturing()  # two processes would write to one place of the file
    capture.start_global_capturing()
    capture.suspend_global_capture()
    if (terminal := config.pluginmanager.getplugin("terminalreporter")) is not None:
        terminal._tw = create_terminal_writer(config, Path(os.devnull).open("w"))  # noqa: SIM115
    config.pluginmanager.register(reporter, "side_by_side_reporter")


def _walk(line: _Line) -> Iterator[tuple[int, int | None]]:
    """Give the places of the tests to run, each with the one after it in its portion."""
    while (portion := line.take()) is not None:
        for place, following in zip_longest(portion.places, portion.places[1:]):
            if line.is_over:
                return
            yield place, following


def _run(session: pytest.Session, place: int, following: int | None, reporter: _Reporter) -> None:
    item = session.items[place]
    reporter.tell(_Word.STARTED, place)
    nextitem = _Gap.from_parent(session, name="gap") if following is None else session.items[following]
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
    reporter.tell(_Word.FINISHED, place)


class _Gap(pytest.Item):
    """What pytest is told to come after a portion: a test of no file, so that it only keeps fixtures of the session.

    What really comes next is not taken yet. Another process may take it if the last test of the portion takes long.
    """

    def runtest(self) -> None:
        """Fail, because nobody is to run it."""
        raise NotImplementedError
