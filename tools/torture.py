"""Run the tests' campaigns in their long form, repeatedly with other seeds, until the time is over.

A campaign tries random cases that no list has: kills, races, damage, properties. ``make test`` runs the short form of
each. ``tests/effort.py`` has the numbers of both forms. Several rounds run side by side, each in its own pytest.
"""

import argparse
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import environ
from pathlib import Path
from shlex import join
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "torture"
SEED_VARIABLE = "PADRON_TORTURE"  # tests/effort.py reads it
CAMPAIGNS = "campaign or hypothesis"  # Hypothesis marks its own tests

PASSED, FAILED, INTERRUPTED = 0, 1, 2  # pytest's own
TELL_EVERY_S = 60.0
LOOK_EVERY_S = 0.2
END_S_MAX = 60.0  # for the tests to stop their servers; then the round is killed
SEED_MAX = 2**32 - 1


@dataclass(kw_only=True)
class Round:
    """One pytest over all campaigns, with a seed."""

    seed: int
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Interrupt the round as Ctrl-C does, and wait until all its processes have ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(END_S_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def give_command(seed: int, chosen: Sequence[str]) -> list[str]:
    """Give the command of a round. The same command repeats it."""
    seeds = ["-p", "randomly", f"--randomly-seed={seed}", f"--hypothesis-seed={seed}"]
    return [sys.executable, "-m", "pytest", "-x", "-m", CAMPAIGNS, *seeds, *chosen]


def start_round(seed: int, chosen: Sequence[str], stack: ExitStack) -> Round:
    """Start a round whose output goes to a file."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{seed}.log"
    output: IO[bytes] = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(  # noqa: S603 - pytest of this very Python
        give_command(seed, chosen),
        cwd=ROOT,
        env={**environ, SEED_VARIABLE: str(seed)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches this program alone, which stops the rounds in order
    )
    made = Round(seed=seed, process=process, log=log)
    stack.callback(made.stop)
    return made


def report(failed: Round, chosen: Sequence[str]) -> None:
    """Print the end of a failed round's output, and the command to run it again."""
    lines = failed.log.read_text("utf-8", "replace").splitlines()
    print("\n".join(lines[-80:]))
    print(f"\nA campaign failed (exit status {failed.process.returncode}). The whole output is in {failed.log}.")
    print("To repeat the round; add the name of a test to run it alone:")
    print(f"  {SEED_VARIABLE}={failed.seed} {join(give_command(failed.seed, chosen))}", flush=True)


def run(minutes: float, first_seed: int, side_by_side: int, chosen: Sequence[str]) -> int:
    """Run rounds until the time is over or one fails; give the exit status."""
    began = told = time.monotonic()
    seed, done = first_seed, 0
    with ExitStack() as stack:
        rounds: list[Round] = []
        while (now := time.monotonic()) < began + minutes * 60:
            while len(rounds) < side_by_side:
                rounds.append(start_round(seed, chosen, stack))
                print(f"Round {seed - first_seed + 1} has begun, with the seed {seed}.", flush=True)
                seed = (seed + 1) % SEED_MAX
            for ended in [one for one in rounds if one.process.poll() is not None]:
                if ended.process.returncode != PASSED:
                    report(ended, chosen)
                    return FAILED
                rounds.remove(ended)
                ended.log.unlink()
                done += 1
            if now - told >= TELL_EVERY_S:
                told = now
                print(f"{(now - began) / 60:.0f} of {minutes:g} minutes: {done} rounds passed.", flush=True)
            time.sleep(LOOK_EVERY_S)
        print(f"The time is over: {done} rounds passed, {len(rounds)} are stopped on the way.", flush=True)
        for one in rounds:
            one.stop()
            if one.process.returncode not in {PASSED, INTERRUPTED}:
                report(one, chosen)
                return FAILED
            one.log.unlink()
    return PASSED


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long to go on (60)")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; the next ones count on from it")
    parser.add_argument("--workers", type=int, default=2, help="rounds side by side (2)")
    parser.add_argument("chosen", nargs="*", help="what pytest is to be given besides, such as a file of tests")
    given = parser.parse_args()
    seed = secrets.randbelow(SEED_MAX) if given.seed is None else given.seed
    try:
        return run(given.minutes, seed, given.workers, given.chosen)
    except KeyboardInterrupt:
        print("Interrupted: the rounds were stopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
