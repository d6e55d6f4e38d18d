"""A passkey signs its person in, and whatever is wrong with an answer gets one refusal."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.passkeys import CHALLENGE_LASTS, NETWORK_CHALLENGES_MAX, Party
from padron.domain.people import Role
from padron.domain.providers import NO_PROVIDERS
from padron.domain.rates import RateExceededError
from padron.domain.sessions import SignInKind, SignInWay, Visitor
from padron.service.openid.departures import DEPARTURE_RATE, Departures
from padron.service.passkeys.adding import begin_adding
from padron.service.passkeys.keeping import list_passkeys_of, remove_passkey
from padron.service.passkeys.signing_in import begin_passkey_sign_in, sign_in_with_passkey
from padron.service.people.changing_passwords import set_password
from padron.service.people.members import add_member
from padron.service.people.sign_ins import list_own_sign_ins
from padron.service.people.throttle import PAIR_RATE, SignInThrottle
from padron.service.people.users import add_user, disable_user, enable_user, erase_user
from padron.service.runtime import Runtime, build_runtime
from padron.service.watching.counts import SignIn, SignInEnd
from tests.authenticators import ALGORITHMS, PRESENT, VERIFIED, Device, Lies, encode
from tests.cast import Cast
from tests.conftest import OpenStore, Select, SteppedClock
from tests.openid_issuers import SignInIssuer
from tests.service.people.crew import OFFICE, PASSWORD, Crew, is_live, sign_in
from tests.service.people.keyrings import BROWSER, PARTY, add_passkey, begin, enter, refuse

Answer = Callable[[Runtime, Crew, Device], Awaitable[str]]
ELSEWHERE = Visitor(address="198.51.100.9", agent="Safari")


async def make_device(runtime: Runtime, crew: Crew, algorithm: str = "ES256") -> Device:
    device = await asyncio.to_thread(Device, algorithm=algorithm)  # a key of RSA takes long to find
    return await add_passkey(runtime, (await sign_in(runtime, crew.ana)).session, device)


@pytest.mark.parametrize(
    "algorithm",
    [one if one == "ES256" else pytest.param(one, marks=pytest.mark.long("postgres")) for one in ALGORITHMS],
)
async def test_a_passkey_signs_in_without_an_address(runtime: Runtime, crew: Crew, algorithm: str) -> None:
    device = await make_device(runtime, crew, algorithm=algorithm)
    new = await enter(runtime, device)
    assert new.session.user == crew.ana
    assert await is_live(runtime, new)
    (last, *_) = await list_own_sign_ins(runtime, crew.ana)
    assert (last.event.kind, last.event.way, last.event.address) == (
        SignInKind.SIGNED_IN, SignInWay.PASSKEY, OFFICE.address,
    )  # fmt: skip
    (kept,) = await list_passkeys_of(runtime, crew.ana)
    assert (kept.sign_count, kept.used_at is not None, kept.host) == (2, True, "padron.test")
    assert (await enter(runtime, device)).session.user == crew.ana


@pytest.mark.long("postgres")
async def test_the_browser_is_asked_for_a_verified_person_and_for_any_passkey(runtime: Runtime, crew: Crew) -> None:
    asked = json.loads(await begin(runtime))
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == ("padron.test", "required", [])
    assert len(asked["challenge"]) == 43
    assert asked["challenge"] != json.loads(await begin(runtime))["challenge"]
    session = (await sign_in(runtime, crew.ana)).session
    device = await add_passkey(runtime, session)
    wanted = json.loads(await begin_adding(runtime, session, PARTY, "Other", PASSWORD, OFFICE))
    assert wanted["authenticatorSelection"]["residentKey"] == "required"
    assert wanted["authenticatorSelection"]["userVerification"] == "required"
    assert wanted["attestation"] == "none"
    assert [one["id"] for one in wanted["excludeCredentials"]] == [encode(device.credential_id)]
    assert [one["alg"] for one in wanted["pubKeyCredParams"]] == [-7, -8, -257]


def lie(lies: Lies) -> Answer:
    """Give a test's way to an answer that lies."""

    async def answer(runtime: Runtime, crew: Crew, device: Device) -> str:
        del crew
        return device.sign(await begin(runtime), lies)

    return answer


async def use_twice(runtime: Runtime, crew: Crew, device: Device) -> str:
    del crew
    answer = device.sign(await begin(runtime))
    await sign_in_with_passkey(runtime, PARTY, answer, BROWSER, OFFICE)
    return answer


async def begin_elsewhere(runtime: Runtime, crew: Crew, device: Device) -> str:
    del crew
    return device.sign(await begin(runtime, browser="another browser"))


async def sign_what_adds(runtime: Runtime, crew: Crew, device: Device) -> str:
    """Sign a challenge that the same browser got to add a passkey."""
    session = (await sign_in(runtime, crew.ana)).session
    options = json.loads(await begin_adding(runtime, session, PARTY, "Other", PASSWORD, OFFICE))
    return device.sign(json.dumps({"rpId": "padron.test", "challenge": options["challenge"]}))


async def name_another_person(runtime: Runtime, crew: Crew, device: Device) -> str:
    return device.sign(await begin(runtime), Lies(user_handle=crew.bo.user_id.encode()))


async def name_anothers_passkey(runtime: Runtime, crew: Crew, device: Device) -> str:
    """Sign with one's own key, and say that it is the passkey of somebody else, or of oneself."""
    theirs = await add_passkey(runtime, (await sign_in(runtime, crew.bo)).session)
    return device.sign(
        await begin(runtime), Lies(credential_id=theirs.credential_id, user_handle=crew.bo.user_id.encode())
    )


async def exchange_the_signature(runtime: Runtime, crew: Crew, device: Device) -> str:
    del crew
    first, second = json.loads(device.sign(await begin(runtime))), json.loads(device.sign(await begin(runtime)))
    first["response"]["signature"] = second["response"]["signature"]
    return json.dumps(first)


async def use_a_removed_one(runtime: Runtime, crew: Crew, device: Device) -> str:
    session = (await sign_in(runtime, crew.ana)).session
    await remove_passkey(runtime, session, PARTY, encode(device.credential_id), PASSWORD, OFFICE)
    return device.sign(await begin(runtime))


async def use_a_disabled_persons(runtime: Runtime, crew: Crew, device: Device) -> str:
    await disable_user(runtime, crew.ana, force=True)
    return device.sign(await begin(runtime))


async def use_an_erased_persons(runtime: Runtime, crew: Crew, device: Device) -> str:
    await erase_user(runtime, crew.ana, force=True)
    return device.sign(await begin(runtime))


async def use_an_unknown_one(runtime: Runtime, crew: Crew, device: Device) -> str:
    del device
    return Device(user_handle=crew.ana.user_id.encode()).sign(await begin(runtime))


REFUSED: dict[str, Answer] = {
    "another key": name_anothers_passkey,
    "another answer's signature": exchange_the_signature,
    "a signature of nothing": lie(Lies(signature=b"x" * 70)),
    "another origin": lie(Lies(origin="https://evil.test")),
    "a port of the origin": lie(Lies(origin="https://padron.test:444")),
    "the origin without TLS": lie(Lies(origin="http://padron.test")),
    "another host": lie(Lies(host="evil.test")),
    "another challenge": lie(Lies(challenge=b"c" * 32)),
    "no challenge": lie(Lies(challenge=b"")),
    "nobody was verified": lie(Lies(flags=PRESENT)),
    "nobody was present": lie(Lies(flags=VERIFIED)),
    "in another site's frame": lie(Lies(cross_origin=True)),
    "what makes a passkey": lie(Lies(kind="webauthn.create")),
    "nobody is named": lie(Lies(is_anonymous=True)),
    "somebody else is named": name_another_person,
    "a second time": use_twice,
    "another browser": begin_elsewhere,
    "a challenge to add one": sign_what_adds,
    "an unknown passkey": use_an_unknown_one,
}
ENDED: dict[str, Answer] = {
    "a removed passkey": use_a_removed_one,
    "a disabled person": use_a_disabled_persons,
    "an erased person": use_an_erased_persons,
}
SAID = "The e-mail address or the password is wrong, or you may not sign in."


def never_asked(runtime: Runtime) -> Runtime:
    """Give the server as one of which nobody has asked anything yet: it slows nobody down."""
    return replace(runtime, throttle=SignInThrottle(), departures=Departures())


async def check_refusal(runtime: Runtime, select: Select, answer: str, name: str) -> None:
    """Expect the one answer, one event, and no session."""
    ((sessions,),) = await select("SELECT count(*) FROM sessions")
    ((events,),) = await select("SELECT count(*) FROM sign_ins WHERE kind = 'refused' AND way = 'passkey'")
    assert await refuse(runtime, answer) == SAID, name
    assert await select("SELECT count(*) FROM sessions") == [(sessions,)], name
    assert await select("SELECT count(*) FROM sign_ins WHERE kind = 'refused' AND way = 'passkey'") == [
        (events + 1,)
    ], name
    assert await select("SELECT count(*) FROM sign_ins WHERE kind = 'passkey_doubted'") == [(0,)], name


@pytest.mark.long("postgres")
async def test_whatever_is_wrong_gets_one_answer_and_one_event(runtime: Runtime, crew: Crew, select: Select) -> None:
    device = await make_device(runtime, crew)
    for name, give_answer in REFUSED.items():
        server = never_asked(runtime)
        await check_refusal(server, select, await give_answer(server, crew, device), name)
    assert (await enter(never_asked(runtime), device)).session.user == crew.ana


@pytest.mark.parametrize("name", ENDED)
@pytest.mark.long("postgres")
async def test_a_passkey_that_was_ended_gets_the_same(runtime: Runtime, crew: Crew, select: Select, name: str) -> None:
    device = await make_device(runtime, crew)
    await check_refusal(runtime, select, await ENDED[name](runtime, crew, device), name)


TEXTS = ["", "null", "[]", "{}", "{", '"x"', "\x00", "x" * 20_000, "[" * 10_000, '{"id": 1}', "\ud800", '{"id":"é"}']


@pytest.mark.long("postgres")
async def test_a_text_that_is_no_answer_gets_the_same(runtime: Runtime) -> None:
    for text in TEXTS:
        assert await refuse(never_asked(runtime), text) == SAID, text[:20]


PARTS = ["id", "rawId", "type", "clientDataJSON", "authenticatorData", "signature", "userHandle"]
SOMETHING_ELSE: list[object] = [None, 7, "", "!", "AA", "é", [], {}, encode(b"\x9f" * 5_000), encode(b'{"a":' * 50)]


@pytest.mark.long("postgres")
async def test_a_part_that_is_something_else_gets_the_same(runtime: Runtime, crew: Crew) -> None:
    device = await make_device(runtime, crew)
    for part, value in itertools.product(PARTS, SOMETHING_ELSE):
        server = never_asked(runtime)
        answer = json.loads(device.sign(await begin(server)))
        (answer if part in answer else answer["response"])[part] = value
        assert await refuse(server, json.dumps(answer)) == SAID, (part, value)
    assert (await enter(never_asked(runtime), device)).session.user == crew.ana


@pytest.mark.long("postgres")
async def test_a_challenge_is_over_after_five_minutes(runtime: Runtime, crew: Crew, clock: SteppedClock) -> None:
    device = await make_device(runtime, crew)
    answer = device.sign(await begin(runtime))
    clock.now += CHALLENGE_LASTS - timedelta(seconds=10)
    await sign_in_with_passkey(runtime, PARTY, answer, BROWSER, OFFICE)
    answer = device.sign(await begin(runtime))
    clock.now += CHALLENGE_LASTS
    assert await refuse(runtime, answer) == SAID


async def test_a_refused_challenge_is_used_up(runtime: Runtime, crew: Crew) -> None:
    device = await make_device(runtime, crew)
    options = await begin(runtime)
    await refuse(runtime, device.sign(options, Lies(flags=PRESENT)))
    await refuse(runtime, device.sign(options))


@pytest.mark.long("postgres")
async def test_a_passkey_works_only_for_its_own_host(runtime: Runtime, crew: Crew) -> None:
    device = await make_device(runtime, crew)
    other = Party(host="other.test", origin="https://other.test")
    lies = Lies(host=other.host, origin=other.origin)
    options = await begin_passkey_sign_in(runtime, other, BROWSER, OFFICE)
    await refuse(runtime, device.sign(options, lies), party=other)


async def test_a_device_that_counts_back_is_refused_and_recorded(runtime: Runtime, crew: Crew, select: Select) -> None:
    device = await make_device(runtime, crew)
    await enter(runtime, device, Lies(count=7))
    for count in (7, 6, 0):
        with pytest.raises(PadronError) as caught:
            await enter(runtime, device, Lies(count=count))
        assert (caught.value.code, caught.value.detail) == (Code.SIGN_IN_REFUSED, SAID)
    doubted = await select("SELECT actor, way FROM sign_ins WHERE kind = 'passkey_doubted'")
    assert doubted == [(crew.ana.user_id, "passkey")] * 3
    assert runtime.counts.sign_ins[SignIn(SignInWay.PASSKEY, SignInEnd.REFUSED)] == 3
    assert (await enter(runtime, device, Lies(count=8))).session.user == crew.ana


@pytest.mark.long("postgres")
async def test_a_device_that_does_not_count_is_taken(runtime: Runtime, crew: Crew) -> None:
    device = await add_passkey(runtime, (await sign_in(runtime, crew.ana)).session, Device(counts=False))
    for _ in range(2):
        assert (await enter(runtime, device)).session.user == crew.ana


async def test_a_challenge_of_one_server_is_answered_on_another_one(
    runtime: Runtime, crew: Crew, open_store: OpenStore, clock: SteppedClock
) -> None:
    device = await make_device(runtime, crew)
    other = build_runtime(await open_store(), clock)
    answer = device.sign(await begin(runtime))
    new = await sign_in_with_passkey(other, PARTY, answer, BROWSER, OFFICE)
    assert await is_live(runtime, new)
    await refuse(runtime, answer)


@pytest.mark.long("postgres")
async def test_nobody_fills_the_register_with_challenges(
    runtime: Runtime, crew: Crew, clock: SteppedClock, select: Select
) -> None:
    del crew
    for _ in range(NETWORK_CHALLENGES_MAX):
        await begin(replace(runtime, departures=Departures()))
    with pytest.raises(PadronError) as caught:
        await begin(replace(runtime, departures=Departures()))
    assert caught.value.code is Code.SERVER_FULL
    await begin(runtime, visitor=ELSEWHERE)
    assert await select("SELECT count(*) FROM passkey_challenges") == [(NETWORK_CHALLENGES_MAX + 1,)]
    clock.now += CHALLENGE_LASTS
    await begin(replace(runtime, departures=Departures()))
    assert await select("SELECT count(*) FROM passkey_challenges") == [(1,)]


@pytest.mark.long("postgres")
async def test_an_address_that_begins_too_often_waits(runtime: Runtime, crew: Crew, select: Select) -> None:
    del crew
    for _ in range(DEPARTURE_RATE.burst):
        await begin(runtime)
    with pytest.raises(RateExceededError):
        await begin(runtime)
    assert await select("SELECT count(*) FROM passkey_challenges") == [(DEPARTURE_RATE.burst,)]


@pytest.mark.long("postgres")
async def test_attempts_that_fail_are_slowed_down_and_others_are_not(runtime: Runtime, crew: Crew) -> None:
    device = await make_device(runtime, crew)
    for _ in range(2 * PAIR_RATE.burst):
        await enter(runtime, device)
    for _ in range(PAIR_RATE.burst):
        await refuse(runtime, device.sign(await begin(runtime), Lies(flags=PRESENT)))
    with pytest.raises(RateExceededError):
        await enter(runtime, device)
    assert runtime.counts.sign_ins[SignIn(SignInWay.PASSKEY, SignInEnd.THROTTLED)] == 1
    assert (await sign_in(runtime, crew.ana)).session.user == crew.ana
    await enter(replace(runtime, throttle=SignInThrottle()), device)


@pytest.mark.long("postgres")
async def test_where_people_use_a_provider_only_who_is_marked_signs_in_with_a_passkey(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    device = await make_device(runtime, crew)
    marked = await add_user(runtime, email="it@acme.example", name="IT", is_break_glass=True)
    await add_member(runtime, marked, cast.acme.account.account_id, Role.OWNER)
    marked = await set_password(runtime, marked, PASSWORD)
    kept = await add_passkey(runtime, (await sign_in(runtime, marked)).session)
    await runtime.authenticator.access_tokens.use(replace(NO_PROVIDERS, allows_passwords=False), SignInIssuer())
    assert await refuse(runtime, device.sign(await begin(runtime))) == SAID
    assert (await enter(runtime, kept)).session.user == marked


@pytest.mark.long("postgres")
async def test_a_person_who_is_enabled_again_has_the_same_passkeys(runtime: Runtime, crew: Crew) -> None:
    device = await make_device(runtime, crew)
    await disable_user(runtime, crew.ana, force=True)
    await enable_user(runtime, crew.ana)
    assert (await enter(runtime, device)).session.user == crew.ana
