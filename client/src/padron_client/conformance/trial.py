"""One trial: a register, an implementation, and what must hold."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from padron_client.conformance.driving import Checked, Driver
from padron_client.conformance.register import KEY, Register

MAX_AGE_S = 1.0
LEASE_S = 1.0
SOON_S = 8.0  # for what must happen at some time; a busy machine is slow
LONG_S = 60.0
BETWEEN_CHECKS_S = 0.02


class FailedError(Exception):
    """The implementation broke a rule. The text says which one."""


def make_vin(number: int) -> str:
    """Give one of any number of VINs."""
    return f"3PADR{number:012d}"


A, B, C, UNREGISTERED = (make_vin(number) for number in (1, 2, 3, 999))
REFUSED = make_vin(4)


@dataclass
class Trial:
    """What a trial works with. A, B and C may be touched at the beginning, ``REFUSED`` may not."""

    register: Register
    driver: Driver
    folder: Path

    async def start(self, **settings: object) -> None:
        """Let the implementation start a gate."""
        members = {"url": self.register.url, "key": KEY, "maxAge": MAX_AGE_S, **settings}
        await self.driver.tell("start", **members)

    async def start_ready(self, **settings: object) -> None:
        """Let the implementation start a gate, and wait until it allows what it must."""
        await self.start(**settings)
        await self.until_allowed(C)

    async def start_strict(self) -> None:
        """Let the implementation start a strict gate, and wait until it allows what it must."""
        await self.start_ready(strict=True, leaseSeconds=LEASE_S, maxAge=LONG_S)  # so only the lease ends an answer

    async def until_allowed(self, vin: str) -> None:
        """Wait until a VIN is allowed."""
        await self.until(lambda: self._is_allowed(vin), f"{vin} is not allowed within {SOON_S} s.")

    async def until_refused(self, vin: str) -> None:
        """Wait until a VIN is refused."""
        await self.until(lambda: self._is_refused(vin), f"{vin} is not refused within {SOON_S} s.")

    async def until(self, is_so: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        """Wait until something is so."""
        end = time.monotonic() + SOON_S
        while not await is_so():
            if time.monotonic() > end:
                raise FailedError(otherwise)
            await asyncio.sleep(BETWEEN_CHECKS_S)

    async def until_called(self, *names: str) -> None:
        """Wait until one more of these calls comes."""
        count, end = self.register.count_calls(*names), time.monotonic() + SOON_S
        while self.register.count_calls(*names) == count:
            if time.monotonic() > end:
                raise FailedError(f"No call of {' or '.join(names)} came within {SOON_S} s.")
            await asyncio.sleep(0.001)

    async def stay_honest(self, vin: str, since: float, seconds: float, *, max_age: float = MAX_AGE_S) -> Checked:
        """Check a VIN that was deactivated at ``since``: an answer that allows it must say that it is so old.

        Gives the last answer.
        """
        end = time.monotonic() + seconds
        while True:
            answer = await self.driver.check(vin)
            if answer.allowed:
                lacking = answer.asked_at - since
                if answer.age is None or answer.age < lacking:
                    raise FailedError(f"An answer said {answer.age} s, and lacked a change of {lacking:.3f} s ago.")
                if answer.age > max_age:
                    raise FailedError(f"An answer of {answer.age:.3f} s was given; {max_age} s are allowed.")
            if time.monotonic() > end:
                return answer
            await asyncio.sleep(BETWEEN_CHECKS_S)

    async def stay_refused(self, vin: str, seconds: float, why: str) -> None:
        """Check that a VIN is not allowed once."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            expect((await self.driver.check(vin)).allowed is False, why)
            await asyncio.sleep(BETWEEN_CHECKS_S)

    async def watch_lease_end(self, vin: str, end_at: float) -> None:
        """Check that no answer that begins at this instant or later allows the VIN."""
        while time.monotonic() < end_at + LEASE_S:
            answer = await self.driver.check(vin)
            late_s = answer.asked_at - end_at
            expect(not (answer.allowed and late_s >= 0), f"An answer came {late_s:.3f} s after the lease's end.")
            await asyncio.sleep(BETWEEN_CHECKS_S / 4)

    async def _is_allowed(self, vin: str) -> bool:
        return (await self.driver.check(vin)).allowed

    async def _is_refused(self, vin: str) -> bool:
        return not (await self.driver.check(vin)).allowed


def expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - as an assertion reads
    """Raise ``FailedError`` unless something is so."""
    if not is_so:
        raise FailedError(otherwise)


Run = Callable[[Trial], Awaitable[None]]


async def run_trial(run: Run, command: list[str]) -> None:
    """Run one trial with a process and a register of its own. Raises what it finds."""
    register = Register({A, B, C}, {REFUSED})
    driver = Driver(command)
    await register.start()
    try:
        await driver.start()
        await driver.tell("close")  # now the process runs: starting one may take long
        with tempfile.TemporaryDirectory() as folder:
            await run(Trial(register, driver, Path(folder)))
    finally:
        await driver.stop()
        await register.stop()
