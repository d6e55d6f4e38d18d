"""Attempts to sign in are counted by how they were made and by what came of them, and by nothing else."""

import asyncio
from contextlib import suppress

import pytest

from padron.domain.account import SECRET_LENGTH, format_token
from padron.domain.errors import PadronError
from padron.domain.rates import RateExceededError
from padron.domain.sessions import SignInWay
from padron.service.people.invitations import make_sign_in_link, sign_in_with_link
from padron.service.people.sessions import end_session, sign_in_with_key
from padron.service.people.throttle import PAIR_RATE
from padron.service.runtime import Runtime
from padron.service.watching.counts import SignIn, SignInEnd
from padron.service.watching.measures import give_families
from padron.service.watching.survey import survey_register
from tests.cast import Cast
from tests.service.people.crew import OFFICE, Crew, sign_in


async def test_each_way_in_is_counted_with_its_outcome(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    await sign_in(runtime, crew.ana)
    for _ in range(int(PAIR_RATE.burst)):
        with pytest.raises(PadronError):
            await sign_in(runtime, crew.eva, "this is not the one")
    with pytest.raises(PadronError):
        await sign_in(runtime, crew.eva)
    await sign_in_with_key(runtime, cast.acme.token, OFFICE)
    with pytest.raises(PadronError):
        await sign_in_with_key(runtime, "padron_no", OFFICE)
    exhaust_tries(runtime)
    with pytest.raises(RateExceededError):
        await sign_in_with_key(runtime, format_token(cast.acme.principal.actor, "A" * SECRET_LENGTH), OFFICE)
    link = await make_sign_in_link(runtime, crew.bo)
    await sign_in_with_link(runtime, link.token, OFFICE)
    assert runtime.counts.sign_ins == {
        SignIn(SignInWay.PASSWORD, SignInEnd.SIGNED_IN): 1,
        SignIn(SignInWay.PASSWORD, SignInEnd.REFUSED): int(PAIR_RATE.burst),
        SignIn(SignInWay.PASSWORD, SignInEnd.THROTTLED): 1,
        SignIn(SignInWay.API_KEY, SignInEnd.SIGNED_IN): 1,
        SignIn(SignInWay.API_KEY, SignInEnd.REFUSED): 1,
        SignIn(SignInWay.API_KEY, SignInEnd.THROTTLED): 1,
        SignIn(SignInWay.LINK, SignInEnd.SIGNED_IN): 1,
    }
    (family,) = (one for one in give_families(runtime) if one.name == "padron_sign_ins_total")
    assert len(family.samples) == len(SignInWay) * len(SignInEnd)
    assert family.samples["link", "signed_in"] == 1


def exhaust_tries(runtime: Runtime) -> None:
    """Let the office send as many unknown keys as it may."""
    with suppress(RateExceededError):
        while True:
            runtime.rates.take_try(OFFICE.address, asyncio.get_running_loop().time())


async def test_only_sessions_that_are_alive_are_counted(runtime: Runtime, crew: Crew) -> None:
    first = await sign_in(runtime, crew.ana)
    await sign_in(runtime, crew.bo)
    assert (await survey_register(runtime)).sessions == 2
    await end_session(runtime, first.session, OFFICE)
    assert (await survey_register(runtime)).sessions == 1
