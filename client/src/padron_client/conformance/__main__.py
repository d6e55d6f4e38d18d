"""Try an implementation of a local gate: ``python -m padron_client.conformance -- COMMAND ...``.

The command is a process that reads one JSON object from each line of its standard input and answers with one on its
standard output. docs/local-gate-conformance.md of the register describes them. Without a command, the local gate of
this package is tried. The exit status is 1 when a trial failed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from padron_client.conformance import copy_trials, lease_trials
from padron_client.conformance.driving import DriverError, UnsupportedError
from padron_client.conformance.trial import FailedError, Run, run_trial

OURS = [sys.executable, "-m", "padron_client.local_gate.conformance_driver"]
TRIALS: dict[str, Run] = {run.__name__: run for run in (*copy_trials.TRIALS, *lease_trials.TRIALS)}
TRIAL_S_MAX = 60.0


async def try_all(names: list[str], command: list[str], side_by_side: int) -> dict[str, str]:
    """Run trials, and give what was found by each that failed."""
    places = asyncio.Semaphore(side_by_side)
    failed: dict[str, str] = {}

    async def try_one(name: str) -> None:
        async with places:
            try:
                await asyncio.wait_for(run_trial(TRIALS[name], command), TRIAL_S_MAX)
            except UnsupportedError as error:
                print(f"skipped {name}: the implementation has no {error}", flush=True)
            except (FailedError, DriverError) as error:
                failed[name] = str(error)
            except (asyncio.TimeoutError, TimeoutError):
                failed[name] = f"The trial did not end within {TRIAL_S_MAX} s."
            else:
                print(f"passed  {name}", flush=True)
            if name in failed:
                print(f"FAILED  {name}: {failed[name]}", flush=True)

    await asyncio.gather(*(try_one(name) for name in names))
    return failed


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="padron_client.conformance", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the trials with their rules")
    parser.add_argument("--only", action="append", choices=TRIALS, metavar="NAME", help="a trial; may be repeated")
    parser.add_argument("--side-by-side", type=int, default=4, help="trials at once (4)")
    parser.add_argument("command", nargs="*", help="the implementation's command, after --")
    given = parser.parse_args()
    names = given.only or list(TRIALS)
    if given.list:
        for name in names:
            print(f"{name}: {(TRIALS[name].__doc__ or '').splitlines()[0]}")
        return 0
    failed = asyncio.run(try_all(names, given.command or OURS, given.side_by_side))
    print(f"{len(names)} trials, {len(failed)} failed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
