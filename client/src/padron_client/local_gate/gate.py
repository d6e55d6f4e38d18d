"""The local gate: may an operation touch this vehicle? Answered from memory, without waiting."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec

from padron_client.local_gate.answers import NEVER, Answer, AtLeast, Copy, Reason, State, Unknown, WhenStale
from padron_client.local_gate.clocks import Clocks, read_clocks
from padron_client.local_gate.keeping import NOTHING
from padron_client.local_gate.vin_set import MASK, VIN_LENGTH, is_vin
from padron_client.local_gate.wire import Wire
from padron_client.local_gate.working import Settings, Worker

CLOSE_S_MAX = 5.0
_EXIT_S_MAX = 1.0
_ASKED_VINS_MAX = 1_000  # in one call of the server's gate

_Self = TypeVar("_Self", bound="LocalGate")

_ASKED_FOR = frozenset({Reason.STALE, Reason.NO_LEASE, Reason.NOT_READY, Reason.BEHIND})
_gates: weakref.WeakSet[LocalGate] = weakref.WeakSet()
_left_by_forks: list[Worker] = []  # never cleaned up here: their sockets and loops are the parent's too


class LocalGate:
    """Keeps the vehicles that may be touched, and follows the register in a thread of its own.

    ``check`` answers from memory. Its answer is true when it allows. ``when_stale`` decides when the copy is older
    than ``max_age`` seconds, or when a ``strict`` gate has no valid lease. ``refuse`` gives a refusal that says so,
    ``ask`` asks the server, and ``allow`` answers from the old copy. A VIN that is not registered is refused, unless
    ``unknown="allow"``.

    ``key`` is an API key with the scopes ``gate:check`` and ``changes:read``, or a function that gives the token of
    each request. ``http`` has further arguments for the HTTP client: ``verify``, ``proxy``, ``trust_env``.
    """

    def __init__(
        self,
        url: str,
        key: str | Callable[[], str],
        *,
        max_age: float = 5.0,
        when_stale: WhenStale = "refuse",
        unknown: Unknown = "refuse",
        strict: bool = False,
        lease_seconds: float = 2.0,
        name: str | None = None,
        snapshot: str | os.PathLike[str] | None = None,
        snapshot_every: float = 30.0,
        probe_every: float | None = None,
        operation: str = "local-gate",
        ask_timeout: float = 2.0,
        http: Mapping[str, Any] | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        if not max_age > 0:
            raise ValueError("max_age must be greater than 0.")
        if not 0.5 <= lease_seconds <= 10:  # noqa: PLR2004 - the server's limits
            raise ValueError("lease_seconds must be 0.5 to 10.")
        secret = key
        self._settings = Settings(
            url=url,
            give_key=secret if callable(secret) else lambda: secret,
            of="refused" if unknown == "allow" else "operable",
            max_age=max_age,
            probe_every=max(probe_every or min(max_age / 3, 5.0), 0.02),
            strict=strict,
            lease_seconds=lease_seconds,
            name=name,
            snapshot=None if snapshot is None else Path(snapshot),
            snapshot_every=snapshot_every,
            http=http or {},
        )
        self._when_stale: WhenStale = when_stale
        self._operation = operation
        self._ask_timeout = ask_timeout
        self._clocks = clocks or read_clocks()
        self._read_clock = self._clocks.steady
        self._copy: Copy = NOTHING
        self._is_closed = False
        self._starting = threading.Lock()
        self._worker: Worker | None = None
        _gates.add(self)
        self._find_worker()

    def __repr__(self) -> str:
        return f"<LocalGate {self._settings.url} {self.mode}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A local gate cannot be sent to another process: make one there.")

    def __enter__(self: _Self) -> _Self:  # noqa: PYI019 - Python 3.10 has no typing.Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- asking

    def check(
        self,
        vin: str,
        max_age: float | None = None,
        at_least: AtLeast | None = None,
        when_stale: WhenStale | None = None,
    ) -> Answer:
        """Say whether a vehicle may be touched.

        ``max_age`` and ``when_stale`` replace those of the gate. ``at_least`` is the number of a change, or a cursor of
        the feed, that the answer must reflect. With ``ask`` this call may wait for the server, so that is refused in an
        event loop: use ``acheck`` there. Raises ``RuntimeError`` for that alone.
        """
        # Python fills in what is left out of named arguments more slowly, by 100 ns, if they may only be named.
        # The order is what makes the answer right: the copy's state, then the VIN, then the clock.
        copy = self._copy
        is_in = vin in copy.buckets[hash(vin) & MASK] and len(vin) == VIN_LENGTH and "\n" not in vin
        if (is_in or vin == vin.upper()) and copy.has_operable and at_least is None:
            now = self._read_clock()
            if now < copy.fresh_until and (max_age is None or now - copy.proven_at <= max_age):
                return Answer(vin, is_in, now, copy)
        # What follows is for the other cases, and begins again.
        rule = when_stale or self._when_stale
        answer = self._check_again(vin, max_age, at_least, rule)
        if rule == "ask" and self._can_be_asked(answer):
            return self._ask_and_wait([vin])[0]
        return answer

    def check_many(
        self,
        vins: Iterable[str],
        *,
        max_age: float | None = None,
        at_least: AtLeast | None = None,
        when_stale: WhenStale | None = None,
    ) -> list[Answer]:
        """Say whether vehicles may be touched, in the order of the VINs. With ``ask``, those are asked together."""
        rule = when_stale or self._when_stale
        now_rule: WhenStale = "refuse" if rule == "ask" else rule
        answers = [self.check(vin, max_age=max_age, at_least=at_least, when_stale=now_rule) for vin in vins]
        if rule == "ask":
            places = [place for place, answer in enumerate(answers) if self._can_be_asked(answer)]
            for place, answer in zip(places, self._ask_and_wait([answers[place].vin for place in places]), strict=True):
                answers[place] = answer
        return answers

    async def acheck(
        self,
        vin: str,
        *,
        max_age: float | None = None,
        at_least: AtLeast | None = None,
        when_stale: WhenStale | None = None,
    ) -> Answer:
        """Do as ``check``. With ``ask``, the event loop goes on while the server is asked."""
        rule = when_stale or self._when_stale
        now_rule: WhenStale = "refuse" if rule == "ask" else rule
        answer = self.check(vin, max_age=max_age, at_least=at_least, when_stale=now_rule)
        if rule == "ask" and self._can_be_asked(answer):
            future = self._find_worker().submit(lambda wire: self._ask(wire, [vin]))
            (answer,) = await asyncio.wrap_future(future)
        return answer

    # ---------------------------------------------------------------- watching

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until the gate has answered from the server's state once, and say whether it could."""
        try:
            self._find_worker().ready.result(timeout)
        except (FutureTimeoutError, TimeoutError):
            return False
        return True

    async def ready(self) -> None:
        """Wait until the gate can answer from the server's state. ``asyncio.wait_for`` bounds it."""
        await asyncio.shield(asyncio.wrap_future(self._find_worker().ready))

    @property
    def mode(self) -> str:
        """What the gate's thread is doing: ``starting``, ``loading``, ``stream``, ``poll``, ``waiting``, ``closed``."""
        worker = self._worker
        if self._is_closed:
            return "closed"
        return "starting" if worker is None else worker.mode

    def state(self) -> State:
        """Give how the gate is now."""
        copy, worker = self._copy, self._worker
        now = self._read_clock()
        return State(
            mode=self.mode,
            ready=now < copy.fresh_until,
            age=None if copy.proven_at == NEVER else max(now - copy.proven_at, 0.0),
            number=copy.number,
            size=copy.size,
            of=self._settings.of,
            source=copy.source,
            strict=self._settings.strict,
            lease_left=None if copy.lease_until == NEVER else max(copy.lease_until - now, 0.0),
            last_error=None if worker is None else worker.last_error,
        )

    def close(self, timeout: float = CLOSE_S_MAX) -> None:
        """Refuse everything from now on, give the lease back, write the snapshot, and end the thread."""
        self._is_closed = True
        self._copy = NOTHING
        with self._starting:
            worker = self._worker
        if worker is not None:
            worker.close(timeout)

    # ---------------------------------------------------------------- within

    def _check_again(self, vin: str, max_age: float | None, at_least: AtLeast | None, rule: WhenStale) -> Answer:
        """Do as ``check`` does, in the same order, for every kind of copy and of question."""
        copy = self._copy
        upper = vin.upper() if is_vin(vin) else ""
        is_in = upper != "" and upper in copy.buckets[hash(upper) & MASK]
        now = self._read_clock()
        reason = self._find_reason(copy, now, max_age, at_least, rule)
        is_allowed = reason is None and upper != "" and is_in is copy.has_operable
        return Answer(vin, is_allowed, now, copy, reason)

    def _find_reason(
        self, copy: Copy, now: float, max_age: float | None, at_least: AtLeast | None, rule: WhenStale
    ) -> Reason | None:
        """Say why a copy may not answer, or give None."""
        if copy.source == "none":
            self._find_worker()  # a forked process starts its own thread at the first question
            return Reason.NOT_READY
        return None if rule == "allow" else self._find_lateness(copy, now, max_age, at_least)

    def _find_lateness(self, copy: Copy, now: float, max_age: float | None, at_least: AtLeast | None) -> Reason | None:
        """Say why a copy is too old, or give None."""
        if self._settings.strict and not now < copy.lease_until:
            return Reason.NO_LEASE
        if max_age is None:
            if not now < copy.fresh_until:
                return Reason.STALE
        elif copy.fresh_until == NEVER or not now - copy.proven_at <= max_age:
            return Reason.STALE
        if at_least is not None and not self._has_reached(copy, at_least):
            return Reason.BEHIND
        return None

    def _has_reached(self, copy: Copy, at_least: AtLeast) -> bool:
        """Say whether the copy has a change. A cursor is only known when it is one of the latest few thousand."""
        if isinstance(at_least, int):
            return copy.number >= at_least
        worker = self._worker
        number = None if worker is None else worker.keeper.numbers.get(at_least)
        return number is not None and number <= copy.number

    def _can_be_asked(self, answer: Answer) -> bool:
        """Say whether a refusal is for a reason that the server can answer better."""
        return answer.reason in _ASKED_FOR and not self._is_closed

    def _ask_and_wait(self, vins: list[str]) -> list[Answer]:
        """Ask the server from a thread that may wait."""
        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - the public one raises, which costs more
            raise RuntimeError("check with when_stale='ask' would hold up the event loop: await acheck instead.")
        if not vins:
            return []
        calls = 1 + len(vins) // _ASKED_VINS_MAX
        future = self._find_worker().submit(lambda wire: self._ask(wire, vins))
        try:
            return future.result(calls * self._ask_timeout + 1.0)
        except (FutureTimeoutError, TimeoutError):  # the thread itself gets no time
            future.cancel()
            return self._give_not_answered(vins)

    async def _ask(self, wire: Wire, vins: list[str]) -> list[Answer]:
        """Ask the server's gate, which is always right when it answers. Runs in the gate's thread."""
        answers: list[Answer] = []
        for place in range(0, len(vins), _ASKED_VINS_MAX):
            some = vins[place : place + _ASKED_VINS_MAX]
            asked_at = self._read_clock()
            try:
                found = await asyncio.wait_for(wire.ask(self._operation, some, self._ask_timeout), self._ask_timeout)
                copy = msgspec.structs.replace(NOTHING, source="asked", proven_at=asked_at, cursor=found.cursor)
                reasons = [None if one.allowed else _name_reason(one.reason) for one in found.results]
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody answered, so nothing is allowed
                self._find_worker().last_error = f"{type(error).__name__}: {error}"
                answers += self._give_not_answered(some)
                continue
            now = self._read_clock()
            answers += [
                Answer(vin, reason is None, now, copy, reason) for vin, reason in zip(some, reasons, strict=True)
            ]
        return answers

    def _give_not_answered(self, vins: list[str]) -> list[Answer]:
        copy, now = self._copy, self._read_clock()
        reason = Reason.NOT_ANSWERED
        return [Answer(vin, allowed=False, checked_at=now, copy=copy, given_reason=reason) for vin in vins]

    def _find_worker(self) -> Worker:
        """Give the thread of this process, which is started if it is missing. Raises ``RuntimeError`` when closed."""
        worker = self._worker
        if worker is None:
            with self._starting:
                if self._worker is None:
                    self._worker = Worker(self._settings, self._clocks, self._show)
                    if not self._is_closed:
                        self._worker.start()
                worker = self._worker
        return worker

    def _show(self, copy: Copy) -> None:
        """Let every check see a new state. The gate's thread calls this."""
        if not self._is_closed:
            self._copy = copy

    def _begin_again(self) -> None:
        """Forget the parent's copy in a forked process: nobody keeps it current here."""
        self._copy = NOTHING
        self._starting = threading.Lock()
        if self._worker is not None:
            _left_by_forks.append(self._worker)
            self._worker = None


def _name_reason(text: str | None) -> Reason:
    """Give the server's reason. One that this program does not know is still a refusal."""
    return Reason(text) if text in {"notActive", "unknown", "several"} else Reason.NOT_OPERABLE


def _leave_parent() -> None:
    for gate in list(_gates):
        gate._begin_again()  # noqa: SLF001 - of this very file


def _close_all() -> None:
    for gate in list(_gates):
        gate.close(_EXIT_S_MAX)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_parent)
atexit.register(_close_all)
