"""Accounts that are made and deleted by commands, as an operator does, while everything else happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from tests.cast import make_vin, wait_until
from tests.e2e.trial.reading import list_accounts
from tests.e2e.trial.stage import Stage

INSIST_S_MAX = 60.0
GONE_VEHICLES = 40


@dataclass(kw_only=True)
class Removals:
    """Makes and deletes accounts that nobody else uses."""

    stage: Stage

    def __post_init__(self) -> None:
        self._numbers = count(1)

    @property
    def kinds(self) -> Sequence[str]:
        return ["account"]

    async def let_happen(self, kind: str) -> None:
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
        self.stage.figures.counts[f"{kind} deleted"] += 1

    async def _insist(self, *words: str) -> None:
        """Run a command again and again while it fails in a trouble."""

        async def is_done() -> bool:
            return await self.stage.try_command(*words) is not None

        await wait_until(is_done, seconds_max=INSIST_S_MAX)
