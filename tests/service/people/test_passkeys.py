"""The passkeys that a person has: who may add and remove them, and what ends them."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import DEFAULT_LIMITS, Limits
from padron.domain.passkeys import CHALLENGE_LASTS, CONFIRMED_FOR, Party
from padron.domain.people import Role, User
from padron.domain.providers import NO_PROVIDERS
from padron.domain.sessions import SignInKind, SignInWay
from padron.service.passkeys.adding import begin_adding, finish_adding
from padron.service.passkeys.confirming import Proof
from padron.service.passkeys.keeping import OwnPasskeys, list_own_passkeys, list_passkeys_of, remove_passkey
from padron.service.people.changing_passwords import change_password, set_password
from padron.service.people.invitations import accept_invitation, make_invitation, make_sign_in_link, sign_in_with_link
from padron.service.people.members import add_member
from padron.service.people.sessions import NewSession, Session, end_session, sign_in_with_key
from padron.service.people.sign_ins import list_own_sign_ins
from padron.service.people.users import add_user, erase_user
from padron.service.runtime import Runtime
from padron.store.people.transaction import PeopleTransaction
from tests.authenticators import PRESENT, Device, Lies, encode
from tests.cast import Cast
from tests.conftest import Select, SteppedClock
from tests.openid_issuers import SignInIssuer, make_sign_in_providers
from tests.service.people.crew import OFFICE, OTHER_PASSWORD, PASSWORD, Crew, is_live, sign_in
from tests.service.people.keyrings import PARTY, add_passkey, begin, enter, refuse

LATER = CONFIRMED_FOR + timedelta(minutes=1)


async def fail(runtime: Runtime, session: Session, device: Device, lies: Lies) -> Code:
    """Add a passkey with an answer that lies, which must fail, and give how."""
    with pytest.raises(PadronError) as caught:
        await add_passkey(runtime, session, device, lies=lies)
    return caught.value.code


async def try_to_begin(runtime: Runtime, session: Session, password: str = "", name: str = "Phone") -> Code | None:
    try:
        await begin_adding(runtime, session, PARTY, name, password, OFFICE)
    except PadronError as error:
        return error.code
    return None


async def try_to_remove(runtime: Runtime, session: Session, device: Device, password: str = "") -> Code | None:
    try:
        await remove_passkey(runtime, session, PARTY, encode(device.credential_id), password, OFFICE)
    except PadronError as error:
        return error.code
    return None


async def count(runtime: Runtime, user: User) -> int:
    return len(await list_passkeys_of(runtime, user))


async def look(runtime: Runtime, session: Session) -> OwnPasskeys:
    found = await list_own_passkeys(runtime, session, PARTY)
    assert found is not None
    return found


async def list_kinds(runtime: Runtime, user: User) -> Sequence[SignInKind]:
    return [one.event.kind for one in await list_own_sign_ins(runtime, user)]


async def enter_without_password(runtime: Runtime, cast: Cast) -> NewSession:
    """Give a session of somebody new, who came by a link and has no password."""
    user = await add_user(runtime, email="new@acme.example", name="New")
    await add_member(runtime, user, cast.acme.account.account_id, Role.EDITOR)
    return await sign_in_with_link(runtime, (await make_sign_in_link(runtime, user)).token, OFFICE)


async def test_what_is_added_is_listed_and_recorded_and_what_is_removed_is_too(runtime: Runtime, crew: Crew) -> None:
    session = (await sign_in(runtime, crew.ana)).session
    device = await add_passkey(runtime, session, name="Ana's phone")
    own = await look(runtime, session)
    (kept,) = own.passkeys
    assert (kept.passkey.name, kept.passkey.used_at, kept.is_of_this_host) == ("Ana's phone", None, True)
    (added, *_) = await list_own_sign_ins(runtime, crew.ana)
    assert (added.event.kind, added.event.way, added.event.agent) == (
        SignInKind.PASSKEY_ADDED, SignInWay.PASSKEY, OFFICE.agent,
    )  # fmt: skip
    await remove_passkey(runtime, session, PARTY, encode(device.credential_id), "", OFFICE)
    assert (await look(runtime, session)).passkeys == ()
    assert (await list_kinds(runtime, crew.ana))[0] is SignInKind.PASSKEY_REMOVED


@pytest.mark.long("postgres")
async def test_who_signed_in_long_ago_types_the_password_again(
    runtime: Runtime, crew: Crew, clock: SteppedClock
) -> None:
    session = (await sign_in(runtime, crew.ana)).session
    device = await add_passkey(runtime, session)
    assert (await look(runtime, session)).proof is Proof.NOTHING
    clock.now += LATER
    assert (await look(runtime, session)).proof is Proof.PASSWORD
    for password in ("", "not this one at all"):
        assert await try_to_begin(runtime, session, password) is Code.SIGN_IN_REFUSED
        assert await try_to_remove(runtime, session, device, password) is Code.SIGN_IN_REFUSED
    assert (await list_kinds(runtime, crew.ana))[0] is SignInKind.REFUSED
    assert await try_to_begin(runtime, session, PASSWORD) is None
    assert await try_to_remove(runtime, session, device, PASSWORD) is None
    assert await count(runtime, crew.ana) == 0


@pytest.mark.long("postgres")
async def test_who_has_no_password_signs_in_again(runtime: Runtime, cast: Cast, clock: SteppedClock) -> None:
    session = (await enter_without_password(runtime, cast)).session
    device = await add_passkey(runtime, session)
    clock.now += LATER
    assert (await look(runtime, session)).proof is Proof.NEW_SIGN_IN
    assert await try_to_begin(runtime, session, PASSWORD) is Code.SIGN_IN_REFUSED
    again = (await enter(runtime, device)).session
    assert await try_to_begin(runtime, again) is None


@pytest.mark.long("postgres")
async def test_the_last_way_to_sign_in_stays(runtime: Runtime, cast: Cast) -> None:
    session = (await enter_without_password(runtime, cast)).session
    first = await add_passkey(runtime, session)
    assert [one.is_last_way for one in (await look(runtime, session)).passkeys] == [True]
    assert await try_to_remove(runtime, session, first) is Code.BAD_PARAMETERS
    second = await add_passkey(runtime, session)
    assert not any(one.is_last_way for one in (await look(runtime, session)).passkeys)
    assert await try_to_remove(runtime, session, first) is None
    assert await try_to_remove(runtime, session, second) is Code.BAD_PARAMETERS
    assert (await enter(runtime, second)).session.user == session.user


async def test_of_two_that_are_removed_at_once_one_stays(runtime: Runtime, cast: Cast) -> None:
    session = (await enter_without_password(runtime, cast)).session
    devices = [await add_passkey(runtime, session) for _ in range(2)]
    done = await asyncio.gather(*(try_to_remove(runtime, session, device) for device in devices))
    assert sorted(done, key=str) == sorted([None, Code.BAD_PARAMETERS], key=str)


@pytest.mark.long("postgres")
async def test_a_passkey_of_another_host_is_no_way_to_sign_in(runtime: Runtime, cast: Cast) -> None:
    session = (await enter_without_password(runtime, cast)).session
    assert session.user is not None
    other = Party(host="old.test", origin="https://old.test")
    options = await begin_adding(runtime, session, other, "Old", "", OFFICE)
    former = Device(origin=other.origin)
    await finish_adding(runtime, session, other, "Old", former.make(options), OFFICE)
    assert await try_to_remove(runtime, session, former) is Code.BAD_PARAMETERS
    device = await add_passkey(runtime, session)
    assert await try_to_remove(runtime, session, device) is Code.BAD_PARAMETERS
    own = (await look(runtime, session)).passkeys
    assert [(one.is_of_this_host, one.is_last_way) for one in own] == [(False, False), (True, True)]
    # The server has another name now, and what works only under the former one can go.
    assert await try_to_remove(runtime, session, former) is None
    assert (await enter(runtime, device)).session.user == session.user


@pytest.mark.long("postgres")
async def test_who_has_an_identity_at_a_provider_may_remove_the_last_one(runtime: Runtime, cast: Cast) -> None:
    session = (await enter_without_password(runtime, cast)).session
    user = session.user
    assert user is not None
    device = await add_passkey(runtime, session)
    providers = make_sign_in_providers()
    issuer = providers.listed[0].issuer
    await runtime.store.people.write(
        lambda transaction: transaction.openid.add_identity(issuer, "new", user.user_id, runtime.clock())
    )
    assert await try_to_remove(runtime, session, device) is Code.BAD_PARAMETERS  # nobody signs in with it any more
    await runtime.authenticator.access_tokens.use(providers, SignInIssuer())
    assert await try_to_remove(runtime, session, device) is None


@pytest.mark.parametrize("limits", [replace(DEFAULT_LIMITS, passkeys=2)])
@pytest.mark.long("postgres")
async def test_a_person_has_a_bounded_number_of_passkeys(runtime: Runtime, crew: Crew, limits: Limits) -> None:
    session = (await sign_in(runtime, crew.ana)).session
    begun = [await begin_adding(runtime, session, PARTY, f"Phone {number}", "", OFFICE) for number in range(3)]
    for options in begun[: limits.passkeys]:
        assert not (await look(runtime, session)).is_full
        await finish_adding(runtime, session, PARTY, "Phone", Device().make(options), OFFICE)
    with pytest.raises(PadronError) as caught:
        await finish_adding(runtime, session, PARTY, "Phone", Device().make(begun[-1]), OFFICE)
    assert caught.value.code is Code.BAD_PARAMETERS
    assert (await look(runtime, session)).is_full
    assert await try_to_begin(runtime, session) is Code.BAD_PARAMETERS
    assert await count(runtime, crew.ana) == limits.passkeys


LIES = [
    Lies(origin="https://evil.test"),
    Lies(host="evil.test"),
    Lies(challenge=b"c" * 32),
    Lies(flags=PRESENT),
    Lies(flags=4),
    Lies(kind="webauthn.get"),
    Lies(cross_origin=True),
    Lies(statement="fido-u2f"),
    Lies(statement="android-safetynet"),
    Lies(statement="of my own"),
    Lies(algorithm_number=-65_535),
    Lies(algorithm_number=-36),
]


@pytest.mark.long("postgres")
async def test_an_answer_that_proves_nothing_adds_nothing(runtime: Runtime, crew: Crew) -> None:
    session = (await sign_in(runtime, crew.ana)).session
    for lies in LIES:
        assert await fail(runtime, session, Device(), lies) is Code.SIGN_IN_REFUSED, lies
        assert await count(runtime, crew.ana) == 0, lies


@pytest.mark.long("postgres")
async def test_a_device_that_vouches_for_itself_is_taken(runtime: Runtime, crew: Crew) -> None:
    device = await add_passkey(runtime, (await sign_in(runtime, crew.ana)).session, lies=Lies(statement="packed"))
    assert (await enter(runtime, device)).session.user == crew.ana


@pytest.mark.long("postgres")
async def test_a_text_that_is_no_answer_adds_nothing(runtime: Runtime, crew: Crew) -> None:
    session = (await sign_in(runtime, crew.ana)).session
    for text in ("", "{}", "x" * 20_000, '{"id":"AA","rawId":"AA","type":"public-key","response":{}}'):
        with pytest.raises(PadronError) as caught:
            await finish_adding(runtime, session, PARTY, "Phone", text, OFFICE)
        assert caught.value.code is Code.SIGN_IN_REFUSED, text[:20]


@pytest.mark.long("postgres")
async def test_a_name_must_be_readable(runtime: Runtime, crew: Crew) -> None:
    session = (await sign_in(runtime, crew.ana)).session
    for name in ("", " ", "x" * 101, "a\nb", "\u202eenohP"):
        assert await try_to_begin(runtime, session, name=name) is Code.BAD_PARAMETERS, name
        options = await begin_adding(runtime, session, PARTY, "Phone", "", OFFICE)
        with pytest.raises(PadronError) as caught:
            await finish_adding(runtime, session, PARTY, name, Device().make(options), OFFICE)
        assert caught.value.code is Code.BAD_PARAMETERS, name


@pytest.mark.long("postgres")
async def test_what_one_session_began_no_other_one_finishes(runtime: Runtime, crew: Crew, clock: SteppedClock) -> None:
    first, second = [(await sign_in(runtime, crew.ana)).session for _ in range(2)]
    theirs = (await sign_in(runtime, crew.bo)).session
    for other in (second, theirs):
        options = await begin_adding(runtime, first, PARTY, "Phone", "", OFFICE)
        with pytest.raises(PadronError) as caught:
            await finish_adding(runtime, other, PARTY, "Phone", Device().make(options), OFFICE)
        assert caught.value.code is Code.SIGN_IN_REFUSED
    options = await begin_adding(runtime, first, PARTY, "Phone", "", OFFICE)
    await finish_adding(runtime, first, PARTY, "Phone", Device().make(options), OFFICE)
    with pytest.raises(PadronError):
        await finish_adding(runtime, first, PARTY, "Phone", Device().make(options), OFFICE)
    options = await begin_adding(runtime, first, PARTY, "Phone", "", OFFICE)
    clock.now += CHALLENGE_LASTS
    with pytest.raises(PadronError):
        await finish_adding(runtime, first, PARTY, "Phone", Device().make(options), OFFICE)
    assert (await count(runtime, crew.ana), await count(runtime, crew.bo)) == (1, 0)


@pytest.mark.long("postgres")
async def test_a_signed_sign_in_adds_nothing(runtime: Runtime, crew: Crew) -> None:
    session = (await sign_in(runtime, crew.ana)).session
    wanted = json.loads(await begin_adding(runtime, session, PARTY, "Phone", "", OFFICE))
    wanted["challenge"] = json.loads(await begin(runtime, browser=session.csrf_token))["challenge"]
    with pytest.raises(PadronError) as caught:
        await finish_adding(runtime, session, PARTY, "Phone", Device().make(json.dumps(wanted)), OFFICE)
    assert caught.value.code is Code.SIGN_IN_REFUSED


async def test_a_session_that_ends_in_the_middle_adds_and_removes_nothing(runtime: Runtime, crew: Crew) -> None:
    """Otherwise somebody who is being thrown out could keep a way in."""
    session = (await sign_in(runtime, crew.ana)).session
    device = await add_passkey(runtime, session)
    options = await begin_adding(runtime, session, PARTY, "Phone", "", OFFICE)
    await end_session(runtime, session, OFFICE)
    with pytest.raises(PadronError) as caught:
        await finish_adding(runtime, session, PARTY, "Phone", Device().make(options), OFFICE)
    assert caught.value.code is Code.SESSION_ENDED
    assert await try_to_remove(runtime, session, device) is Code.SESSION_ENDED
    assert await count(runtime, crew.ana) == 1


async def test_a_credential_belongs_to_one_person(runtime: Runtime, crew: Crew) -> None:
    ana, bo = (await sign_in(runtime, crew.ana)).session, (await sign_in(runtime, crew.bo)).session
    device = await add_passkey(runtime, ana)
    twin = Device(credential_id=device.credential_id)
    assert await fail(runtime, bo, twin, Lies()) is Code.SIGN_IN_REFUSED
    assert await fail(runtime, ana, twin, Lies()) is Code.SIGN_IN_REFUSED
    assert (await enter(runtime, device)).session.user == crew.ana


@pytest.mark.long("postgres")
async def test_nobody_removes_anothers_passkey(runtime: Runtime, crew: Crew) -> None:
    device = await add_passkey(runtime, (await sign_in(runtime, crew.ana)).session)
    theirs = (await sign_in(runtime, crew.bo)).session
    assert await try_to_remove(runtime, theirs, device) is None

    async def remove(transaction: PeopleTransaction) -> bool:
        return await transaction.passkeys.remove(crew.bo.user_id, device.credential_id)

    assert not await runtime.store.people.write(remove)
    assert await count(runtime, crew.ana) == 1
    assert SignInKind.PASSKEY_REMOVED not in await list_kinds(runtime, crew.bo)


@pytest.mark.long("postgres")
async def test_removing_one_ends_all_other_sessions(runtime: Runtime, crew: Crew) -> None:
    new = await sign_in(runtime, crew.ana)
    device = await add_passkey(runtime, new.session)
    lost = await enter(runtime, device)
    assert await try_to_remove(runtime, new.session, device) is None
    assert (await is_live(runtime, new), await is_live(runtime, lost)) == (True, False)


@pytest.mark.long("postgres")
async def test_a_key_and_who_uses_a_provider_have_no_passkeys(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    keys = (await sign_in_with_key(runtime, cast.acme.token, OFFICE)).session
    ana = (await sign_in(runtime, crew.ana)).session
    device = await add_passkey(runtime, ana)
    await runtime.authenticator.access_tokens.use(replace(NO_PROVIDERS, allows_passwords=False), SignInIssuer())
    for session in (keys, ana):
        assert await list_own_passkeys(runtime, session, PARTY) is None
        assert await try_to_begin(runtime, session) is Code.FORBIDDEN
        assert await try_to_remove(runtime, session, device) is Code.FORBIDDEN


@pytest.mark.long("postgres")
async def test_a_password_by_a_link_or_an_operator_ends_passkeys_and_ones_own_keeps_them(
    runtime: Runtime, crew: Crew
) -> None:
    for user in (crew.ana, crew.eva, crew.bo):
        await add_passkey(runtime, (await sign_in(runtime, user)).session)
    await set_password(runtime, crew.ana, OTHER_PASSWORD)
    link = await make_invitation(runtime, crew.eva, "cli")
    assert await count(runtime, crew.eva) == 1  # to make a link ends nothing
    await accept_invitation(runtime, link.token, OTHER_PASSWORD, OFFICE)
    await change_password(runtime, (await sign_in(runtime, crew.bo)).session, PASSWORD, OTHER_PASSWORD, OFFICE)
    assert [await count(runtime, user) for user in (crew.ana, crew.eva, crew.bo)] == [0, 0, 1]
    for user in (crew.ana, crew.eva):
        assert SignInKind.PASSKEY_REMOVED in await list_kinds(runtime, user)
    assert SignInKind.PASSKEY_REMOVED not in await list_kinds(runtime, crew.bo)


@pytest.mark.long("postgres")
async def test_erasing_a_person_removes_the_passkeys(runtime: Runtime, crew: Crew, select: Select) -> None:
    device = await add_passkey(runtime, (await sign_in(runtime, crew.eva)).session)
    answer = device.sign(await begin(runtime))
    await erase_user(runtime, crew.eva)
    assert await select("SELECT count(*) FROM passkeys") == [(0,)]
    await refuse(runtime, answer)
