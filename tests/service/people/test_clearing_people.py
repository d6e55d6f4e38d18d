"""What is over is deleted, and what is not over stays."""

from datetime import timedelta

import pytest

from padron.domain.errors import PadronError
from padron.domain.sessions import INVITATION_LASTS, LASTS_MAX, SIGN_INS_KEPT, SignInKind, SignInWay
from padron.service.clearing import clear_register
from padron.service.people import clearing
from padron.service.people.invitations import make_invitation
from padron.service.people.sign_ins import note_sign_in
from padron.service.runtime import Runtime
from tests.conftest import Select, SteppedClock
from tests.service.people.crew import OFFICE, Crew, is_live, sign_in


async def count(select: Select, table: str) -> int:
    ((found,),) = await select(f"SELECT count(*) FROM {table}")  # noqa: S608
    return int(found)


async def test_sessions_links_and_events_are_deleted_when_they_are_over(
    runtime: Runtime, crew: Crew, clock: SteppedClock, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "PORTION", 2)
    for _ in range(5):
        await sign_in(runtime, crew.ana)
    await make_invitation(runtime, crew.eva, "cli")
    await clear_register(runtime)
    events = await count(select, "sign_ins")
    assert (await count(select, "sessions"), await count(select, "invitations")) == (5, 1)
    clock.now += max(LASTS_MAX, INVITATION_LASTS)
    new = await sign_in(runtime, crew.ana)
    await clear_register(runtime)
    assert (await count(select, "sessions"), await count(select, "invitations")) == (1, 0)
    assert await is_live(runtime, new)
    assert await count(select, "sign_ins") == events + 1
    clock.now += SIGN_INS_KEPT - timedelta(minutes=5)
    await clear_register(runtime)
    assert await count(select, "sign_ins") == 1
    clock.now += timedelta(minutes=10)
    await clear_register(runtime)
    assert await count(select, "sign_ins") == 0


async def test_attempts_by_unknown_people_are_kept_to_a_number_and_push_nothing_else_out(
    runtime: Runtime, crew: Crew, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "PORTION", 2)
    monkeypatch.setattr(clearing, "UNKNOWN_KEPT", 3)
    with pytest.raises(PadronError):
        await sign_in(runtime, crew.ana, "this is not the one")
    before = await count(select, "sign_ins")
    for _ in range(8):
        await note_sign_in(runtime, SignInKind.REFUSED, SignInWay.PASSWORD, OFFICE)
    await clear_register(runtime)
    rows = await select("SELECT number FROM sign_ins WHERE actor IS NULL ORDER BY number")
    ((last,),) = await select("SELECT max(number) FROM sign_ins")
    assert [number for (number,) in rows] == [last - 2, last - 1, last]
    assert await count(select, "sign_ins") == before + 3
