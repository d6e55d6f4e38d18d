"""Backups, restores and deletions beside the running servers, each compared with what was answered."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count

from tests import effort
from tests.cast import make_vin, wait_until
from tests.e2e.trial.ledger import check_found
from tests.e2e.trial.reading import list_accounts, read_register
from tests.e2e.trial.stage import LOST_S_MAX, SETTLED_S, Stage
from tests.starting import Outcome

INSIST_S_MAX = 60.0
GONE_VEHICLES = 40
DOCTOR_SHARE = 0.3  # of the copies that are examined

MakeDatabase = Callable[[], Awaitable[str]]
DropDatabase = Callable[[str], Awaitable[None]]


@dataclass(kw_only=True)
class Copies:
    """Copies the register and compares the copy, and deletes accounts, in an order that the dice choose."""

    stage: Stage
    make_database: MakeDatabase
    drop_database: DropDatabase

    def __post_init__(self) -> None:
        self._numbers = count(1)

    @property
    def kinds(self) -> Sequence[str]:
        kinds = ["one file", "doctor", "account"]
        if self.stage.backup_to is not None:
            kinds += ["folder", "trial"]
        return kinds

    async def go_on(self, until_s: float) -> None:
        """Let each kind happen once, and go on until the time is over."""
        is_first = True
        while is_first or time.monotonic() < until_s:
            deck = list(self.kinds)
            self.stage.dice.shuffle(deck)
            for kind in deck:
                await asyncio.sleep(self.stage.dice.uniform(*effort.TRIAL_CALM_S))
                await self._let_happen(kind)
                if not is_first and time.monotonic() >= until_s:
                    return
            is_first = False

    async def _let_happen(self, kind: str) -> None:
        match kind:
            case "one file":
                await self.copy_file()
            case "folder":
                await self.restore_folder()
            case "trial":
                if await self.stage.try_command("restore", str(self.stage.backup_to), "--check") is not None:
                    self.stage.figures.counts["trial restore"] += 1
            case "doctor":
                if await self.examine(self.stage.url):
                    self.stage.figures.counts["doctor beside the servers"] += 1
            case _:
                await self.delete_account()

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
        lost = await asyncio.to_thread(check_found, found, acts, until_s=until_s)
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

    async def delete_account(self) -> None:
        """Make an account with a few vehicles, and delete it."""
        number = next(self._numbers)
        name = f"Gone {number}"
        file = self.stage.aside / f"gone-{number}.csv"
        file.write_text("".join(f"{line}\n" for line in ("vin", *map(make_vin, range(GONE_VEHICLES)))), "utf-8")
        await self._insist("accounts", "add", name)
        await self._insist("vehicles", "import", "--account", name, str(file))
        delete = ("accounts", "delete", name, "--yes", name)
        export_to = self.stage.folder / f"export-{number}"
        if await self.stage.try_command(*delete, "--export-to", str(export_to)) is None:
            await self._insist(*delete, "--no-export")
        else:
            assert len((export_to / "vehicles.jsonl").read_text("utf-8").splitlines()) == GONE_VEHICLES
        assert await list_accounts(self.stage.url) == self.stage.account_ids
        self.stage.figures.counts["account deleted"] += 1

    async def _insist(self, *words: str) -> None:
        """Run a command again and again while it fails in a trouble."""

        async def is_done() -> bool:
            return await self.stage.try_command(*words) is not None

        await wait_until(is_done, seconds_max=INSIST_S_MAX)


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
