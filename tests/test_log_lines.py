"""The thread that writes the log: whoever does not read it holds up nobody, and what is lost is counted."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

import pytest

from padron import log_lines
from padron.log_lines import LineHandler, LineWriter, give_families


@dataclass(frozen=True, kw_only=True)
class Pipe:
    reading: int
    writing: int

    def read_all(self, until: bytes) -> bytes:
        """Read until this has come."""
        data = b""
        deadline = time.monotonic() + 10
        while until not in data and time.monotonic() < deadline:
            data += os.read(self.reading, 65_536)
        return data

    def drain(self, writer: LineWriter) -> None:
        """Read until the writer's thread has ended."""
        thread = writer._thread
        assert thread is not None
        os.set_blocking(self.reading, False)
        while thread.is_alive():
            with suppress(BlockingIOError):
                os.read(self.reading, 65_536)
            thread.join(0.005)


@contextmanager
def open_pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    try:
        yield Pipe(reading=reading, writing=writing)
    finally:
        os.close(reading)
        os.close(writing)


def make_writer(pipe: Pipe) -> LineWriter:
    return LineWriter(pipe.writing, lambda count: f"lost {count}")


def test_lines_arrive_whole_and_in_order() -> None:
    lines = [f"{number} {'é' * (number % 60)}" for number in range(2_000)]
    with open_pipe() as pipe:
        writer = make_writer(pipe)
        reader = Thread(target=lambda: got.append(pipe.read_all(b"the end\n")))
        got: list[bytes] = []
        reader.start()
        for line in [*lines, "the end"]:
            writer.put(line)
        reader.join(10)
        writer.close()
    assert got[0].decode().splitlines() == [*lines, "the end"]
    assert (writer.written_count, writer.dropped_count) == (2_001, 0)


def test_a_line_is_cut_at_its_maximum() -> None:
    most = log_lines.LINE_CHARACTERS_MAX
    with open_pipe() as pipe:
        writer = make_writer(pipe)
        for line in ("x" * most, "y" * (most + 1), "the end"):
            writer.put(line)
        lines = pipe.read_all(b"the end\n").decode().splitlines()
        writer.close()
    assert lines == ["x" * most, "y" * most, "the end"]


def test_a_block_is_no_larger_than_a_pipe_takes_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks: list[bytes] = []

    def write(_: int, block: bytes) -> int:
        blocks.append(block)
        return len(block)

    monkeypatch.setattr(os, "write", write)
    writer = LineWriter(1, str)
    for number in range(500):
        writer.put(f"{number:090}")
    writer.close()
    assert b"".join(blocks).count(b"\n") == 500
    assert max(map(len, blocks)) <= log_lines.BLOCK_BYTES
    assert all(block.endswith(b"\n") for block in blocks)


def test_a_full_pipe_holds_up_nobody_and_what_is_lost_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "LINES_MAX", 100)
    with open_pipe() as pipe:
        writer = make_writer(pipe)
        began_s = time.monotonic()
        for _ in range(3_000):
            writer.put("x" * 99)
        assert time.monotonic() - began_s < 1
        assert writer.dropped_count > 1_000
        assert b"x\nlost " in pipe.read_all(b"lost ")
        writer.close()
        assert writer.written_count + writer.dropped_count == 3_000


def test_waiting_lines_take_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "WAITING_CHARACTERS_MAX", 100_000)
    with open_pipe() as pipe:
        writer = make_writer(pipe)
        for _ in range(200):
            writer.put("x" * 50_000)  # each is cut to 20,000
        assert writer.dropped_count >= 180
        assert len(pipe.read_all(b"lost ")) < 300_000  # what the pipe took meanwhile is among it
        writer.close()


def test_closing_gives_up_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "CLOSE_S_MAX", 0.1)
    with open_pipe() as pipe:
        writer = make_writer(pipe)
        for _ in range(3_000):
            writer.put("x" * 99)
        began_s = time.monotonic()
        writer.close()
        assert time.monotonic() - began_s < 1
        pipe.drain(writer)  # otherwise its thread would write on, into the next file that gets the pipe's number


def test_a_pipe_that_was_closed_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    writer = LineWriter(writing, str)
    writer.put("nobody reads")
    writer.close()
    os.close(writing)
    assert writer.written_count == 1


def test_the_figures_are_those_of_the_handler_that_is_set() -> None:
    assert give_families() == ()
    with open_pipe() as pipe:
        handler = LineHandler(pipe.writing)
        root = logging.getLogger()
        root.addHandler(handler)
        try:
            root.warning("once")
            assert pipe.read_all(b"\n") == b"once\n"
            assert [family.samples[()] for family in give_families()] == [1, 0]
        finally:
            root.removeHandler(handler)
            handler.close()
