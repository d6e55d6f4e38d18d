"""What the trial is about at this moment: the register, its servers, the trouble that it is in, and the figures."""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from padron.domain.errors import PadronError
from padron.store.sqlite.backup.folders import list_chains
from tests import effort
from tests.cast import wait_until
from tests.e2e.program import Fleet
from tests.e2e.servers import Servers
from tests.e2e.trial.disks import Disk
from tests.e2e.trial.parties import Ledger
from tests.starting import Outcome, run_program

COMMAND_S_MAX = 300
LOST_S_MAX = 1.0  # what a continuous backup may be behind
SETTLED_S = 6.0  # after a trouble, until everything is as usual: a server tries again after five seconds
LOOK_S = 0.02
ACTS_MIN = 10
RECENT_ACTS = 2_000
WORK_S_MAX = 90.0


@dataclass(kw_only=True, slots=True)
class Span:
    """A time in which something was in trouble."""

    kind: str
    began_s: float
    ended_s: float = math.inf


@dataclass(kw_only=True, slots=True)
class Chain:
    """A chain of the continuous backup: since when it has a base, and when its server ended."""

    name: str
    based_s: float = math.inf
    ended_s: float = math.inf


@dataclass(kw_only=True)
class Figures:
    """What is reported at the end."""

    counts: Counter[str] = field(default_factory=Counter)
    worst_s: dict[str, float] = field(default_factory=dict)
    worst_bytes: dict[str, int] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    def time(self, what: str, seconds: float) -> None:
        self.worst_s[what] = max(self.worst_s.get(what, 0), seconds)

    def size(self, what: str, size_bytes: int) -> None:
        self.worst_bytes[what] = max(self.worst_bytes.get(what, 0), size_bytes)


@dataclass(kw_only=True)
class Stage:
    """One trial."""

    engine: str
    url: str
    folder: Path  # of the database's disk
    aside: Path  # on a disk that is never full
    servers: Servers
    fleets: Sequence[Fleet]
    dice: random.Random
    disk: Disk | None  # None: it never becomes full
    backup_to: Path | None
    variables: dict[str, str]
    ledger: Ledger
    figures: Figures = field(default_factory=Figures)
    spans: list[Span] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)

    @property
    def account_ids(self) -> set[int]:
        return {fleet.account_id for fleet in self.fleets}

    @contextmanager
    def in_trouble(self, kind: str) -> Iterator[None]:
        span = Span(kind=kind, began_s=time.monotonic())
        self.spans.append(span)
        try:
            yield
        finally:
            span.ended_s = time.monotonic()

    def was_in_trouble(self, began_s: float, ended_s: float, settled_s: float = 0) -> bool:
        """Say whether there was trouble at any moment of this time."""
        return any(span.began_s <= ended_s and began_s <= span.ended_s + settled_s for span in self.spans)

    def look_at_chains(self) -> None:
        """Note new chains and their bases."""
        if self.backup_to is None:
            return
        now_s = time.monotonic()
        known = {chain.name: chain for chain in self.chains}
        for found in list_chains(self.backup_to):
            name = found.path.name
            if name not in known:
                self.end_chain(now_s)
                known[name] = Chain(name=name)
                self.chains.append(known[name])
            chain = known[name]
            if chain.based_s == math.inf:
                try:
                    has_base = bool(found.list_bases())
                except (PadronError, OSError):
                    continue
                if has_base:
                    chain.based_s = now_s

    async def has_base(self) -> bool:
        """Say whether the continuous backup, if there is one, can be restored."""
        self.look_at_chains()
        return self.backup_to is None or self.chains[-1].based_s < math.inf

    async def wait_for_work(self) -> None:
        """Wait until the servers did something, of which a backup must know if there is one."""
        since_s = time.monotonic()

        async def is_done() -> bool:
            self.look_at_chains()
            begin_s, end_s = since_s, time.monotonic()
            if self.backup_to is not None:
                begin_s, end_s = max(since_s, self.chains[-1].based_s), end_s - LOST_S_MAX
            recent = self.ledger.acts[-RECENT_ACTS:]
            return sum(act.is_done and begin_s < act.answered_s < end_s for act in recent) >= ACTS_MIN

        await wait_until(is_done, seconds_max=WORK_S_MAX)

    def end_chain(self, now_s: float) -> None:
        if self.chains:
            self.chains[-1].ended_s = min(self.chains[-1].ended_s, now_s)

    async def watch_chains(self) -> None:
        while True:
            self.look_at_chains()
            await asyncio.sleep(LOOK_S)

    def give_promise(self, asked_s: float) -> float:
        """Give the instant until which the continuous backup must have everything, when it is asked now.

        It promises nothing of the time before the first base of a chain, nor of a time in which the disk is full.
        """
        based = [chain for chain in self.chains if chain.based_s <= asked_s]
        if not based:
            return -math.inf
        until_s = min(based[-1].ended_s, asked_s) - LOST_S_MAX
        for span in reversed(self.spans):
            if span.began_s - LOST_S_MAX < until_s < span.ended_s + SETTLED_S:
                until_s = span.began_s - LOST_S_MAX
        return until_s

    async def direct(self, kinds: Sequence[str], let_happen: Callable[[str], Awaitable[None]], until_s: float) -> None:
        """Let each kind happen once, in an order that the dice choose, and again until the time is over."""
        is_first = True
        while is_first or time.monotonic() < until_s:
            for kind in self.dice.sample(kinds, len(kinds)):
                await asyncio.sleep(self.dice.uniform(*effort.TRIAL_CALM_S))
                await let_happen(kind)
                if not is_first and time.monotonic() >= until_s:
                    return
            is_first = False

    def describe(self, asked_s: float, until_s: float) -> str:
        """Say what happened in the last minute before a question."""
        return "\n".join(
            [
                f"Until {until_s - asked_s:.2f} s everything must be there. Seconds count from the question.",
                *(
                    f"Chain {chain.name}: base at {chain.based_s - asked_s:.2f}, ended at {chain.ended_s - asked_s:.2f}"
                    for chain in self.chains[-4:]
                ),
                *(
                    f"Trouble {span.kind} from {span.began_s - asked_s:.2f} to {span.ended_s - asked_s:.2f}"
                    for span in self.spans[-4:]
                ),
                *(
                    f"Act {act.mark} {act.kind} answered {act.http} at {act.answered_s - asked_s:.2f}"
                    for act in self.ledger.acts[-400:]
                    if act.is_done and act.answered_s > asked_s - 60
                ),
                *(
                    f"{log.name}: {line}"
                    for log in sorted(self.aside.glob("server-*.log"), key=lambda path: path.stat().st_mtime)[-3:]
                    for line in log.read_text("utf-8").splitlines()
                    if " padron.access" not in line
                ),
            ]
        )

    async def run(self, *words: str, url: str | None = None) -> Outcome:
        """Run a command on the register, or on another one."""
        return await asyncio.to_thread(
            run_program, *words, "--database-url", url or self.url, folder=self.folder, variables=self.variables,
            seconds_max=COMMAND_S_MAX,
        )  # fmt: skip

    async def try_command(self, *words: str, url: str | None = None) -> Outcome | None:
        """Run a command that must succeed; give None when it failed in a trouble."""
        began_s = time.monotonic()
        outcome = await self.run(*words, url=url)
        self.figures.time(f"padron {words[0]}", time.monotonic() - began_s)
        if outcome.status == 0:
            return outcome
        if self.was_in_trouble(began_s, time.monotonic(), SETTLED_S) and outcome.status == 1:
            self.figures.counts[f"padron {words[0]} refused in trouble"] += 1
            self.figures.notes[f"padron {words[0]}: {outcome.stderr.strip()[-200:]}"] += 1
            return None
        raise AssertionError((words, outcome))
