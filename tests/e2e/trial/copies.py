"""Backups and restores beside the running servers, each compared with what was answered."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count

from tests.e2e.trial.ledger import check_found
from tests.e2e.trial.reading import read_register
from tests.e2e.trial.stage import LOST_S_MAX, SETTLED_S, Stage
from tests.starting import Outcome

DOCTOR_SHARE = 0.3  # of the copies that are examined

MakeDatabase = Callable[[], Awaitable[str]]
DropDatabase = Callable[[str], Awaitable[None]]


@dataclass(kw_only=True)
class Copies:
    """Copies the register and compares the copies."""

    stage: Stage
    make_database: MakeDatabase
    drop_database: DropDatabase

    def __post_init__(self) -> None:
        self._numbers = count(1)

    @property
    def kinds(self) -> Sequence[str]:
        kinds = ["one file", "doctor"]
        if self.stage.backup_to is not None:
            kinds += ["folder", "trial"]
        return kinds

    async def let_happen(self, kind: str) -> None:
        match kind:
            case "one file":
                await self.copy_file()
            case "folder":
                await self.restore_folder()
            case "trial":
                if await self.stage.try_command("restore", str(self.stage.backup_to), "--check") is not None:
                    self.stage.figures.counts["trial restore"] += 1
            case _:
                if await self.examine(self.stage.url):
                    self.stage.figures.counts["doctor beside the servers"] += 1

    async def copy_file(self) -> None:
        """Make a backup in one file, restore it and compare."""
        file = self.stage.folder / f"one-file-{next(self._numbers)}"
        asked_s = time.monotonic()
        made = await self.stage.try_command("backup", str(file), "--json")
        if made is None:
            assert not file.exists()
            return
        await self._restore("one file", str(file), asked_s, asked_s)
        self.stage.figures.counts["one file restored"] += 1
        file.unlink()
        file.with_name(f"{file.name}.json").unlink()

    async def restore_folder(self) -> None:
        """Restore the newest state of the continuous backup and compare."""
        self.stage.look_at_chains()
        asked_s = time.monotonic()
        until_s = self.stage.give_promise(asked_s)
        if self.stage.chains:
            asked_s = min(asked_s, self.stage.chains[-1].ended_s)
        await self._restore("folder", str(self.stage.backup_to), asked_s, until_s)
        self.stage.figures.counts["folder restored"] += 1

    async def _restore(self, what: str, source: str, asked_s: float, until_s: float) -> None:
        url = await self.make_database()
        restored = await self.stage.try_command("restore", source, "--json", url=url)
        if restored is not None:
            behind_s = await self.compare(url, asked_s, until_s)
            if until_s > asked_s - 2 * LOST_S_MAX:
                self.stage.figures.time(f"{what} behind", behind_s)
            for remark in restored.document["remarks"]:
                self.stage.figures.notes[f"restore: {remark[:60]}"] += 1
            if self.stage.dice.random() < DOCTOR_SHARE and await self.examine(url):
                self.stage.figures.counts["doctor of a copy"] += 1
        await self.drop_database(url)

    async def compare(self, url: str, asked_s: float, until_s: float) -> float:
        """Compare a copy with what was answered until an instant, and give how far it is behind."""
        found = await read_register(url, self.stage.account_ids)
        acts = list(self.stage.ledger.acts)
        try:
            lost = await asyncio.to_thread(check_found, found, acts, until_s=until_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.stage.describe(asked_s, until_s)}") from error
        return max((asked_s - act.answered_s for act in lost), default=0.0)

    async def examine(self, url: str) -> bool:
        """Let ``padron doctor`` look, and say whether it could. The server of the tests has settings of its own."""
        began_s = time.monotonic()
        outcome = await self.stage.run("doctor", "--json", url=url)
        self.stage.figures.time("padron doctor", time.monotonic() - began_s)
        faults = list_faults(outcome)
        if faults is None or faults:
            assert self.stage.was_in_trouble(began_s, time.monotonic(), SETTLED_S), (outcome.stdout, outcome.stderr)
            self.stage.figures.notes[f"doctor in trouble: {faults or outcome.stderr.strip()[-120:]}"] += 1
            return False
        return True


def list_faults(outcome: Outcome) -> list[str] | None:
    """Give the checks that found a fault; None when there is no document."""
    try:
        findings = json.loads(outcome.stdout)["findings"]
    except ValueError:
        return None
    return [
        f"{one['check']}: {one['detail']}"
        for one in findings
        if one["severity"] == "fault" and one["check"] != "settings"
    ]
