"""A server takes as many connections as the system allows files, and says when there are more."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.e2e.secure import run_program

SPARE = 12
DROPPED = "New connections are dropped, because this process has no file left"


@pytest.fixture
def low_limit() -> Iterator[None]:
    """Start programs with a low soft limit, as many systems do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 600), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("low_limit")
@pytest.mark.long
async def test_the_limit_is_raised_and_connections_beyond_it_are_reported(tmp_path: Path) -> None:
    async with run_program(f"sqlite:///{tmp_path}/p.db", tmp_path) as program:
        process = psutil.Process(program.pid)
        soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
        assert soft == min(hard, 1_048_576) > 600
        limit = process.num_fds() + SPARE
        process.rlimit(psutil.RLIMIT_NOFILE, (limit, hard))
        with ExitStack() as stack:
            for _ in range(SPARE * 3):
                stack.enter_context(socket.create_connection(("127.0.0.1", program.port)))
            await program.wait_for_log(DROPPED)
            assert f"(the limit of this process is {limit})" in program.read_log()
        await program.wait_for_log("New connections are accepted again")
        assert await program.get("/livez") == 200
        assert "Traceback" not in program.read_log()
        assert await program.stop() == 0
