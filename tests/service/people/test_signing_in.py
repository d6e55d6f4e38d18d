"""A wrong password costs the same whoever it is tried for, and guessing is slowed down."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.domain.rates import RateExceededError
from padron.domain.sessions import SignInWay, Visitor
from padron.service.people.members import add_member, remove_member
from padron.service.people.passwords import PasswordHashing
from padron.service.people.sessions import sign_in_with_password
from padron.service.people.throttle import NAME_RATE, NETWORK_RATE, PAIR_RATE, SignInThrottle
from padron.service.people.users import add_user, disable_user, erase_user
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import Select
from tests.service.people.crew import ELSEWHERE, OFFICE, PASSWORD, Crew, sign_in

WRONG = "this is not the one"


async def refuse(runtime: Runtime, email: str, password: str = WRONG, visitor: Visitor = OFFICE) -> PadronError:
    with pytest.raises(PadronError) as caught:
        await sign_in_with_password(runtime, email, password, visitor)
    return caught.value


@pytest.mark.long("postgres")
async def test_an_address_is_compared_in_small_letters_and_a_password_in_one_form(runtime: Runtime, crew: Crew) -> None:
    new = await sign_in_with_password(runtime, " ANA@Acme.EXAMPLE ", PASSWORD, OFFICE)
    assert new.session.user == crew.ana
    await refuse(runtime, "ana@acme.example", PASSWORD.upper())


@pytest.mark.long("postgres")
async def test_nobody_learns_from_the_answer_or_the_work_who_is_known(
    runtime: Runtime, cast: Cast, crew: Crew, select: Select
) -> None:
    """Unknown, malformed, wrong, without a password, disabled and erased: one hash, one event, one answer."""
    without = await add_user(runtime, email="new@acme.example", name="New")
    await add_member(runtime, without, cast.acme.account.account_id, Role.VIEWER)
    await disable_user(runtime, crew.eva)
    await erase_user(runtime, crew.bo, force=True)
    asked = {
        "nobody@acme.example": WRONG,
        "no address": WRONG,
        "\u017f@acme.example": WRONG,
        "ana@acme.example": WRONG,
        "new@acme.example": PASSWORD,
        "eva@acme.example": PASSWORD,
        "bo@beta.example": PASSWORD,
    }
    seen = set()
    for email, password in asked.items():
        ((before,),) = await select("SELECT count(*) FROM sign_ins")
        hashes = runtime.passwords.hash_count
        error = await refuse(runtime, email, password)
        ((after,),) = await select("SELECT count(*) FROM sign_ins")
        seen.add((error.code, error.detail, runtime.passwords.hash_count - hashes, after - before))
    assert len(seen) == 1
    ((code, _, hashes, events),) = seen
    assert (code, hashes, events) == (Code.SIGN_IN_REFUSED, 1, 1)


@pytest.mark.long("postgres")
async def test_what_was_typed_for_somebody_unknown_is_kept_nowhere(
    runtime: Runtime, crew: Crew, select: Select
) -> None:
    await refuse(runtime, "nobody@acme.example", "a secret of somebody")
    await refuse(runtime, "ana@acme.example")
    rows = await select("SELECT actor, account_id, kind, way, address, agent FROM sign_ins ORDER BY number")
    refused = [row for row in rows if row[2] == "refused"]
    assert refused == [
        (None, None, "refused", "password", OFFICE.address, OFFICE.agent),
        (crew.ana.user_id, None, "refused", "password", OFFICE.address, OFFICE.agent),
    ]
    everything = [await select(f"SELECT * FROM {table}") for table in ("sign_ins", "users", "sessions")]  # noqa: S608
    assert "nobody@" not in repr(everything)


@pytest.mark.usefixtures("crew")
@pytest.mark.long("postgres")
async def test_only_an_argon2id_hash_of_a_password_is_stored(select: Select) -> None:
    rows = await select("SELECT password_hash FROM users WHERE email = 'ana@acme.example'")
    assert str(rows[0][0]).startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert PASSWORD not in repr(await select("SELECT * FROM users"))


@pytest.mark.long("postgres")
async def test_a_member_of_no_account_learns_so_only_with_the_right_password(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    acme = cast.acme.account
    await remove_member(runtime, crew.eva, acme.account_id, acme.name)
    assert (await refuse(runtime, "eva@acme.example")).code is Code.SIGN_IN_REFUSED
    assert (await refuse(runtime, "eva@acme.example", PASSWORD)).code is Code.FORBIDDEN


@pytest.mark.long("postgres")
async def test_a_hash_of_other_parameters_is_renewed_by_the_next_sign_in(
    runtime: Runtime, crew: Crew, select: Select
) -> None:
    stronger = PasswordHashing(memory_kib=16, passes=2)
    new = await sign_in(replace(runtime, passwords=stronger), crew.ana)
    ((stored,),) = await select("SELECT password_hash FROM users WHERE email = 'ana@acme.example'")
    assert str(stored).startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert stronger.hash_count == 2
    await sign_in(replace(runtime, passwords=stronger), crew.ana)
    assert stronger.hash_count == 3
    assert new.session.user == crew.ana
    await stronger.close()


@pytest.mark.parametrize("email", ["ana@acme.example", "nobody@acme.example"])
@pytest.mark.long("postgres")
async def test_guessing_for_one_name_is_slowed_down_whether_or_not_there_is_such_a_person(
    runtime: Runtime, crew: Crew, email: str
) -> None:
    del crew
    codes = [(await refuse(runtime, email)).code for _ in range(PAIR_RATE.burst + 2)]
    assert codes == [*[Code.SIGN_IN_REFUSED] * PAIR_RATE.burst, Code.RATE_EXCEEDED, Code.RATE_EXCEEDED]
    error = await refuse(runtime, email.upper(), PASSWORD)
    assert isinstance(error, RateExceededError)
    assert 0 < error.wait_s <= PAIR_RATE.token_s
    hashes = runtime.passwords.hash_count
    await refuse(runtime, email)
    assert runtime.passwords.hash_count == hashes


async def test_a_person_is_not_locked_out_by_a_stranger_who_guesses_from_everywhere(
    runtime: Runtime, crew: Crew
) -> None:
    await sign_in(runtime, crew.ana)
    for number in range(NAME_RATE.burst):
        visitor = Visitor(address=f"203.0.113.{number}", agent="")
        assert (await refuse(runtime, "ana@acme.example", visitor=visitor)).code is Code.SIGN_IN_REFUSED
    for visitor in (Visitor(address="203.0.113.200", agent=""), ELSEWHERE):
        assert (await refuse(runtime, "ana@acme.example", PASSWORD, visitor)).code is Code.RATE_EXCEEDED
    await sign_in(runtime, crew.ana)


@pytest.mark.long("postgres")
async def test_nor_in_a_process_that_has_not_seen_the_person(runtime: Runtime, crew: Crew) -> None:
    await sign_in(runtime, crew.ana)
    fresh = replace(runtime, throttle=SignInThrottle())
    for number in range(NAME_RATE.burst):
        visitor = Visitor(address=f"203.0.113.{number}", agent="")
        for one in (runtime, fresh):  # the record is full of guesses
            await refuse(one, "ana@acme.example", visitor=visitor)
    again = replace(OFFICE, agent="another browser")
    assert (await refuse(fresh, "ana@acme.example", visitor=again)).code is Code.SIGN_IN_REFUSED
    await sign_in(fresh, crew.ana)
    for email in ("ana@acme.example", "nobody@acme.example"):
        assert (await refuse(fresh, email, PASSWORD, ELSEWHERE)).code in {Code.RATE_EXCEEDED, Code.SIGN_IN_REFUSED}
    assert (await refuse(fresh, "ana@acme.example", PASSWORD, ELSEWHERE)).code is Code.RATE_EXCEEDED


@pytest.mark.long("postgres")
async def test_the_record_is_not_asked_again_and_again_for_a_stranger(runtime: Runtime, crew: Crew) -> None:
    del crew
    fresh = replace(runtime, throttle=SignInThrottle())
    for number in range(NAME_RATE.burst):
        await refuse(fresh, "ana@acme.example", visitor=Visitor(address=f"203.0.113.{number}", agent=""))
    rates = []
    for _ in range(PAIR_RATE.burst + 2):
        error = await refuse(fresh, "ana@acme.example", PASSWORD, ELSEWHERE)
        assert isinstance(error, RateExceededError)
        rates.append(error.rate)
    assert rates == [NAME_RATE] * PAIR_RATE.burst + [PAIR_RATE] * 2


@pytest.mark.long("postgres")
async def test_one_address_cannot_try_many_names(runtime: Runtime, crew: Crew) -> None:
    for number in range(NETWORK_RATE.burst):
        assert (await refuse(runtime, f"a{number}@acme.example")).code is Code.SIGN_IN_REFUSED
    assert (await refuse(runtime, "another@acme.example")).code is Code.RATE_EXCEEDED
    await sign_in(runtime, crew.ana, visitor=ELSEWHERE)


@pytest.mark.long("postgres")
async def test_who_signs_in_rightly_is_never_slowed_down(runtime: Runtime, crew: Crew) -> None:
    for _ in range(NETWORK_RATE.burst + 5):
        await sign_in(runtime, crew.ana)


def test_the_buckets_fill_again_and_their_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.service.people.throttle.KEPT", 500)
    throttle = SignInThrottle()
    for _ in range(PAIR_RATE.burst):
        throttle.take("ana", "192.0.2.1", 0.0)
    with pytest.raises(RateExceededError):
        throttle.take("ana", "192.0.2.1", 0.0)
    throttle.take("ana", "192.0.2.1", PAIR_RATE.token_s + 1)
    for number in range(2_000):
        throttle.take(f"n{number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert throttle.bucket_count <= 2 * 3 * 500


@pytest.fixture
async def slow() -> AsyncIterator[PasswordHashing]:
    """Hashes that take long enough to be counted."""
    hashing = PasswordHashing(memory_kib=16_384, passes=2, at_once=2, waiting_max=3)
    yield hashing
    await hashing.close()


async def test_only_a_few_passwords_are_hashed_at_once_and_the_rest_is_refused(slow: PasswordHashing) -> None:
    tasks = [asyncio.create_task(slow.verify(None, WRONG)) for _ in range(9)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [one for one in results if isinstance(one, PadronError)]
    assert [one.code for one in refused] == [Code.SERVER_FULL] * 4
    assert [one for one in results if not isinstance(one, PadronError)] == [False] * 5
    assert slow.hash_count == 5
    assert slow.at_once_seen == 2


async def test_who_hangs_up_keeps_the_room_until_the_hash_is_done(slow: PasswordHashing) -> None:
    tasks = [asyncio.create_task(slow.verify(None, WRONG)) for _ in range(5)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    with pytest.raises(PadronError) as caught:
        await slow.verify(None, WRONG)
    assert caught.value.code is Code.SERVER_FULL
    await slow.close()
    assert slow.at_once_seen <= 2


@pytest.mark.long("postgres")
async def test_a_server_that_is_full_has_not_counted_the_attempt(runtime: Runtime, crew: Crew) -> None:
    full = replace(runtime, passwords=PasswordHashing(memory_kib=8, passes=1, at_once=1, waiting_max=-1))
    for _ in range(PAIR_RATE.burst + 1):
        assert (await refuse(full, "ana@acme.example")).code is Code.SERVER_FULL
    await sign_in(runtime, crew.ana)
    await full.passwords.close()


async def test_a_password_is_hashed_with_the_parameters_that_the_guide_names() -> None:
    hashing = PasswordHashing()
    stored = await hashing.hash(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=47104,t=2,p=1$")
    salt, digest = (b64decode(part + "==") for part in stored.split("$")[-2:])
    assert (len(salt), len(digest)) == (16, 32)
    assert await hashing.verify(stored, PASSWORD)
    assert not await hashing.verify(stored, PASSWORD + " ")
    assert not await hashing.verify("not a hash", PASSWORD)
    await hashing.close()


@pytest.mark.long("postgres")
async def test_the_way_of_a_sign_in_is_kept(runtime: Runtime, crew: Crew, select: Select) -> None:
    await sign_in(runtime, crew.ana)
    assert await select("SELECT way FROM sessions") == [(SignInWay.PASSWORD.value,)]
