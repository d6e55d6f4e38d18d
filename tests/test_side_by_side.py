"""Tests in several processes: each runs once, whatever happens to the process of another."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.portions import make_portions

PLUGINS_LEFT_OUT = [f"-pno:{name}" for name in ("asyncio", "cov", "randomly", "socket", "hypothesispytest")]
CONFTEST = """
    import os
    from pathlib import Path

    import pytest

    from tests.side_by_side import SideBySide

    def pytest_configure(config):
        config.pluginmanager.register(SideBySide(2))

    def note(word):
        with Path("noted").open("a") as file:
            file.write(f"{word} {os.getpid()}\\n")

    @pytest.fixture(scope="session", autouse=True)
    def session():
        yield
        note("session")

    @pytest.fixture(scope="module", autouse=True)
    def module(request):
        yield
        note(f"module-{request.module.__name__}")

    @pytest.fixture(autouse=True)
    def test(request):
        note(request.node.name)
"""
# Each of two tests begins only once the other one has.
MEETING = """
    import time
    from pathlib import Path

    def test_{own}():
        Path("{own}").touch()
        deadline = time.monotonic() + 30
        while not Path("{other}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def test_after_{own}():
        pass
"""


# Each of two tests goes on only once the other one has printed.
PRINTING = """
import time
from pathlib import Path

def test_{own}():
    print("words of {own}", flush=True)
    Path("{own}").touch()
    deadline = time.monotonic() + 30
    while not Path("{other}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
"""


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of tests that run in two processes."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    pytester.makeconftest(CONFTEST)
    return pytester


def run(folder: pytest.Pytester, *options: str) -> pytest.RunResult:
    return folder.runpytest_subprocess(*PLUGINS_LEFT_OUT, *options, timeout=50)


def read_notes(folder: pytest.Pytester) -> dict[str, list[str]]:
    """Give the processes that noted each word, in their order."""
    notes: dict[str, list[str]] = {}
    for line in (folder.path / "noted").read_text().splitlines():
        word, pid = line.split()
        notes.setdefault(word, []).append(pid)
    return notes


def test_two_files_run_at_once_and_each_test_and_fixture_once(folder: pytest.Pytester) -> None:
    folder.makepyfile(test_one=MEETING.format(own="one", other="two"), test_two=MEETING.format(own="two", other="one"))
    run(folder).assert_outcomes(passed=4)
    notes = read_notes(folder)
    one, two = notes["test_one"], notes["test_two"]
    assert one != two
    assert notes["test_after_one"] == notes["module-test_one"] == one
    assert notes["test_after_two"] == notes["module-test_two"] == two
    assert sorted(notes["session"]) == sorted([*one, *two])


def test_files_of_several_folders_follow_each_other_in_a_process(folder: pytest.Pytester) -> None:
    for room in ("one", "two", "three"):
        folder.mkdir(room)
        for number in range(3):
            path = folder.path / room / f"test_{room}_{number}.py"
            path.write_text(f"def test_{room}_{number}():\n    pass\n")
    run(folder).assert_outcomes(passed=9)


def test_a_process_that_dies_fails_its_test_and_the_other_goes_on(folder: pytest.Pytester) -> None:
    folder.makepyfile(
        test_dead="import os\n\ndef test_dead():\n    os._exit(0)\n",
        test_two="def test_two():\n    pass\n",
        test_three="def test_three():\n    pass\n",
    )
    result = run(folder)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*The process that ran this test died.*"])


def test_tests_that_no_process_lived_to_run_fail(folder: pytest.Pytester) -> None:
    death = "import os\n\ndef test_{0}():\n    os._exit(0)\n\ndef test_after_{0}():\n    pass\n"
    folder.makepyfile(test_one=death.format("one"), test_two=death.format("two"))
    result = run(folder)
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*The processes that ran the tests died before this one.*"])


def test_a_failure_is_shown_with_what_its_test_printed_and_no_others(folder: pytest.Pytester) -> None:
    folder.makepyfile(
        test_one=PRINTING.format(own="one", other="two") + "    assert [1, 2] == [1, 3]\n",
        test_two=PRINTING.format(own="two", other="one"),
    )
    result = run(folder, "--junitxml=report.xml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*At index 1 diff: 2 != 3*", "words of one"])
    result.stdout.no_fnmatch_line("words of two")
    report = (folder.path / "report.xml").read_text()
    assert 'failures="1"' in report
    assert 'tests="2"' in report


def test_the_first_failure_ends_all_when_that_is_asked(folder: pytest.Pytester) -> None:
    slow = "import time\n\ndef test_slow():\n    time.sleep(40)\n\ndef test_after():\n    pass\n"
    folder.makepyfile(test_failing="def test_failing():\n    assert False\n", test_slow=slow)
    started = time.monotonic()
    result = run(folder, "-x")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    assert "test_after" not in read_notes(folder)
    assert time.monotonic() - started < 30


def test_an_error_outside_of_all_tests_is_one_of_pytest(folder: pytest.Pytester) -> None:
    folder.makeconftest(f"{CONFTEST}\n    def pytest_runtest_protocol(item):\n        raise OSError('of a hook')\n")
    folder.makepyfile(test_one="def test_one():\n    pass\n", test_two="def test_two():\n    pass\n")
    result = run(folder)
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["*OSError: of a hook*"])


def test_when_it_is_interrupted_all_fixtures_are_torn_down(folder: pytest.Pytester) -> None:
    folder.makepyfile(
        test_one="import time\n\ndef test_one():\n    time.sleep(40)\n",
        test_two="import time\n\ndef test_two():\n    time.sleep(40)\n",
    )
    with folder.popen((*folder._getpytestargs(), *PLUGINS_LEFT_OUT)) as process:
        deadline = time.monotonic() + 30
        while not (folder.path / "noted").exists() or len(read_notes(folder)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == pytest.ExitCode.INTERRUPTED
    notes = read_notes(folder)
    assert len(notes["session"]) == 2
    assert {"module-test_one", "module-test_two"} <= {*notes}


@dataclass(kw_only=True)
class PlacedTest:
    """What the portions are made by."""

    name: str
    path: Path


def place_tests(room: str, *names: str) -> list[PlacedTest]:
    return [PlacedTest(name=name, path=Path("tests") / room / f"test_{room}.py") for name in names]


def test_every_test_is_in_one_portion_and_small_ones_are_of_those_that_wait() -> None:
    many = [f"test_{number}" for number in range(30)]
    rows = [f"test_rows[{number}]" for number in range(100)]
    items = [*place_tests("e2e", *many), *place_tests("http", *many), *place_tests("store", *rows)]
    portions = make_portions(items)
    assert sorted(place for portion in portions for place in portion.places) == [*range(160)]
    taken = [{items[place].path.parent.name for place in portion.places} for portion in portions]
    assert {len(rooms) for rooms in taken} == {1}
    rooms = [room for (room,) in taken]
    counts: dict[str, list[int]] = {}
    for room, portion in zip(rooms, portions, strict=True):
        counts.setdefault(room, []).append(len(portion.places))
    assert counts == {"e2e": [2] * 15, "http": [24, 6], "store": [64, 36]}
    assert rooms[-1] != "e2e"  # in the end come those that are soon over
