"""A register whose passwords are hashed with little memory, and the people that its tests know."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from padron.domain.people import Role
from padron.service.people.passwords import PasswordHashing
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.service.people.crew import Crew, add_person


@pytest.fixture
async def runtime(runtime: Runtime) -> AsyncIterator[Runtime]:
    """The same register, in which a hash costs nearly nothing."""
    cheap = replace(runtime, passwords=PasswordHashing(memory_kib=8, passes=1))
    yield cheap
    await cheap.passwords.close()


@pytest.fixture
async def crew(runtime: Runtime, cast: Cast) -> Crew:
    """Ana owns Acme, Eva edits in it and Bo owns Beta. Each has a password."""
    acme, beta = cast.acme.account, cast.beta.account
    return Crew(
        ana=await add_person(runtime, "ana@acme.example", acme, Role.OWNER),
        eva=await add_person(runtime, "eva@acme.example", acme, Role.EDITOR),
        bo=await add_person(runtime, "bo@beta.example", beta, Role.OWNER),
    )
