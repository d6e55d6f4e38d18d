"""Access tokens of identity providers: which are taken, which are refused and why, and what they may do."""

import asyncio
from datetime import datetime, timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import build_limits
from padron.domain.providers import AccountChoice, Algorithm, Grant
from padron.service.accounts import disable_account, enable_account
from padron.service.authentication import Authenticator, digest_token
from padron.service.runtime import Runtime
from padron.service.tokens.access_tokens import AccessTokens
from padron.service.tokens.outcomes import TokenOutcome
from tests.cast import NOON, Cast
from tests.forgeries import Forgery, list_forgeries
from tests.issuers import (
    NOW_S,
    Issuer,
    PrivateKey,
    describe,
    make_claims,
    make_ec,
    make_ed25519,
    make_grant,
    make_header,
    make_provider,
    make_providers,
    make_rsa,
)
from tests.service.keys import let_pass

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
FEW_TRIES = build_limits({"failed_keys_burst": 5, "failed_keys_per_minute": 1})


# What the reasons of the forgeries begin with, and how an operator sees them.
OUTCOMES = {
    "it expired": TokenOutcome.EXPIRED,
    "its audience": TokenOutcome.CLAIMS,
    "its algorithm": TokenOutcome.HEADER,
    "its issuer is not": TokenOutcome.ISSUER,
    "its signature does not fit": TokenOutcome.SIGNATURE,
    "its provider has no key": TokenOutcome.KEY,
    "it does not have the three parts": TokenOutcome.MALFORMED,
}


class StillClock:
    """A clock that stands still until a test sets it."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def forgeries() -> list[Forgery]:
    """All of them, made outside of the event loop: to sign them takes long."""
    return list_forgeries()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def authenticator(runtime: Runtime, cast: Cast, issuer: Issuer) -> Authenticator:
    """The authenticator of a register that takes the issuer's tokens."""
    del cast
    await runtime.authenticator.access_tokens.use(make_providers(), issuer)
    return runtime.authenticator


async def refuse_bearer(authenticator: Authenticator, token: str, address: str = "") -> PadronError:
    with pytest.raises(PadronError) as caught:
        await authenticator.authenticate(token, address)
    assert authenticator.believe(digest_token(token)) is None
    return caught.value


async def test_a_good_token_acts_for_the_account_and_with_the_scopes_of_its_grant(
    authenticator: Authenticator, issuer: Issuer, cast: Cast
) -> None:
    token = issuer.issue()
    principal = await authenticator.authenticate(token)
    assert principal.account_id == cast.acme.account.account_id
    assert principal.actor == "t:ci:deploy-bot"
    assert principal.scopes == {"vehicles:read", "vehicles:status"}
    assert authenticator.believe(digest_token(token)) is principal


def test_there_are_at_least_sixty_forgeries_and_no_two_are_alike(forgeries: list[Forgery]) -> None:
    assert len(forgeries) >= 60
    assert len({forgery.name for forgery in forgeries}) == len(forgeries)


@on_sqlite
async def test_each_forged_or_misused_token_is_refused_with_its_reason(
    authenticator: Authenticator, forgeries: list[Forgery]
) -> None:
    wrong = {}
    for number, forgery in enumerate(forgeries):
        error = await refuse_bearer(authenticator, forgery.token, f"198.51.{number // 250}.{number % 250}")
        told = error.detail.removeprefix("The access token is not valid: ")
        is_right = error.code is Code.INVALID_TOKEN and told.startswith(forgery.reason) and error.detail.isprintable()
        if not is_right:
            wrong[forgery.name] = (error.code, error.detail)
    assert wrong == {}
    counted = authenticator.access_tokens.outcomes
    assert counted.total() == sum("." in forgery.token for forgery in forgeries)
    for reason, outcome in OUTCOMES.items():
        assert counted[outcome] >= sum(forgery.reason.startswith(reason) for forgery in forgeries) > 0, outcome
    assert not counted[TokenOutcome.ACCEPTED]
    assert not counted[TokenOutcome.UNAVAILABLE]


@on_sqlite
async def test_what_was_accepted_and_what_was_granted_nothing_is_counted_once_for_each_check(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    good, useless = issuer.issue(), issuer.issue(make_claims(groups=["drivers"]))
    for _ in range(3):
        await authenticator.authenticate(good)
    await refuse_bearer(authenticator, useless)
    assert authenticator.access_tokens.outcomes == {TokenOutcome.ACCEPTED: 1, TokenOutcome.NO_GRANT: 1}


@on_sqlite
@pytest.mark.parametrize("algorithm", Algorithm)
async def test_each_algorithm_can_be_allowed(runtime: Runtime, cast: Cast, algorithm: Algorithm) -> None:
    del cast
    issuer = Issuer()
    keys: dict[str, PrivateKey] = {
        "ES256": make_ec(),
        "ES384": make_ec("P-384"),
        "EdDSA": make_ed25519(),
        "Ed25519": make_ed25519(),
    }
    key = keys.get(algorithm, make_rsa())
    issuer.publish(describe(key, kid="one"))
    provider = make_provider(algorithms=frozenset({algorithm}))
    await runtime.authenticator.access_tokens.use(make_providers(provider), issuer)
    token = issuer.issue(header=make_header(alg=algorithm.value, kid="one"), key=key)
    assert (await runtime.authenticator.authenticate(token)).actor == "t:ci:deploy-bot"
    unnamed = issuer.issue(header=make_header(alg=algorithm.value, kid=None), key=key)
    assert (await runtime.authenticator.authenticate(unnamed)).actor == "t:ci:deploy-bot"


@on_sqlite
async def test_a_token_without_a_kid_is_refused_where_several_keys_would_fit(
    runtime: Runtime, cast: Cast, issuer: Issuer
) -> None:
    del cast
    issuer.publish(describe(make_rsa(), kid="one"), describe(make_rsa(2_048, 1), kid="two"))
    await runtime.authenticator.access_tokens.use(make_providers(), issuer)
    error = await refuse_bearer(runtime.authenticator, issuer.issue(header=make_header(kid=None)))
    assert "no key with the kid" in error.detail


@on_sqlite
@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW_S - 29}, {"iat": NOW_S + 30, "exp": NOW_S + 60}, {"nbf": NOW_S + 30}, {"nbf": NOW_S - 99},
        {"aud": ["https://other.example", "https://padron.example"]}, {"iat": NOW_S - 0.5},
        {"exp": NOW_S + 7_140}, {"sub": "s" * 255}, {"client_id": None, "jti": None}, {"nonce": "n"},
    ],
    ids=str,
)  # fmt: skip
async def test_what_is_just_good_enough_is_taken(
    authenticator: Authenticator, issuer: Issuer, changes: dict[str, object]
) -> None:
    assert (await authenticator.authenticate(issuer.issue(make_claims(**changes)))).account_id


@on_sqlite
@pytest.mark.parametrize("written", ["at+jwt", "application/at+jwt", "AT+JWT", "Application/AT+jwt"])
async def test_the_type_of_a_token_may_be_written_in_full_and_in_any_case(
    authenticator: Authenticator, issuer: Issuer, written: str
) -> None:
    assert (await authenticator.authenticate(issuer.issue(header=make_header(typ=written)))).account_id


@on_sqlite
async def test_a_plain_jwt_is_taken_where_the_operator_says_so_but_no_identity_token(
    runtime: Runtime, cast: Cast, issuer: Issuer
) -> None:
    del cast
    provider = make_provider(token_types=frozenset({"jwt"}))
    await runtime.authenticator.access_tokens.use(make_providers(provider), issuer)
    assert (await runtime.authenticator.authenticate(issuer.issue(header=make_header(typ="JWT")))).account_id
    for name in ("nonce", "at_hash", "c_hash", "s_hash", "events"):
        token = issuer.issue(make_claims(**{name: "x"}), make_header(typ="JWT"))
        error = await refuse_bearer(runtime.authenticator, token)
        assert f"it has {name}, so it is not an access token" in error.detail
    error = await refuse_bearer(runtime.authenticator, issuer.issue())
    assert "its header typ is not jwt" in error.detail


@pytest.mark.long("postgres")
async def test_an_account_that_is_disabled_refuses_tokens_within_two_seconds_until_it_is_enabled(
    authenticator: Authenticator, issuer: Issuer, runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.issue()
    await authenticator.authenticate(token)
    await disable_account(runtime, cast.acme.account)
    let_pass(monkeypatch, 1.6)
    error = await refuse_bearer(authenticator, token)
    assert error.detail == "The access token is not valid: the account that it is for does not exist or is disabled."
    await enable_account(runtime, cast.acme.account)
    let_pass(monkeypatch, 1.6)
    assert (await authenticator.authenticate(token)).account_id == cast.acme.account.account_id


@pytest.mark.long("postgres")
async def test_a_grant_for_an_account_that_does_not_exist_lets_nobody_in(
    runtime: Runtime, cast: Cast, issuer: Issuer
) -> None:
    del cast
    provider = make_provider(make_grant("Nobody", groups="fleet"))
    await runtime.authenticator.access_tokens.use(make_providers(provider), issuer)
    error = await refuse_bearer(runtime.authenticator, issuer.issue())
    assert (error.code, "does not exist" in error.detail) == (Code.INVALID_TOKEN, True)


@on_sqlite
async def test_a_good_token_without_a_grant_is_forbidden(authenticator: Authenticator, issuer: Issuer) -> None:
    for groups in (["drivers"], "fle", None, [], ["fleet "], [["fleet"]], {"fleet": 1}, 1):
        error = await refuse_bearer(authenticator, issuer.issue(make_claims(groups=groups)))
        assert error.code is Code.FORBIDDEN
        assert "no grant of the provider ci fits its claims" in error.detail


@on_sqlite
async def test_scopes_can_be_narrowed_by_the_token_and_never_widened(
    runtime: Runtime, cast: Cast, issuer: Issuer
) -> None:
    del cast
    grant = make_grant("Acme", "vehicles:read", "vehicles:status", scopes_from="scope")
    await runtime.authenticator.access_tokens.use(make_providers(make_provider(grant)), issuer)
    for scope, wanted in (
        ("vehicles:read vehicles:erase openid", {"vehicles:read"}),
        (["vehicles:status"], {"vehicles:status"}),
        ("vehicles:status vehicles:read", {"vehicles:read", "vehicles:status"}),
    ):
        principal = await runtime.authenticator.authenticate(issuer.issue(make_claims(scope=scope)))
        assert principal.scopes == wanted
    nothings: tuple[object, ...] = (None, "", "openid", "vehicles:read,vehicles:status", "VEHICLES:READ", 7)
    for nothing in nothings:
        error = await refuse_bearer(runtime.authenticator, issuer.issue(make_claims(scope=nothing)))
        assert error.code is Code.FORBIDDEN


@pytest.mark.long("postgres")
async def test_a_table_leads_from_a_claim_to_the_account_and_only_there(
    runtime: Runtime, cast: Cast, issuer: Issuer
) -> None:
    choice = AccountChoice(claim="/org/id", names={"17": "Acme", "18": "Beta"})
    grant = Grant(conditions=(), account=choice, scopes=frozenset({"vehicles:read"}))
    await runtime.authenticator.access_tokens.use(make_providers(make_provider(grant)), issuer)
    for org, member in (("17", cast.acme), ("18", cast.beta)):
        principal = await runtime.authenticator.authenticate(issuer.issue(make_claims(org={"id": org})))
        assert principal.account_id == member.account.account_id
    strangers: tuple[object, ...] = (17, "19", "", None, ["17"], {"id": "17"})
    for stranger in strangers:
        error = await refuse_bearer(runtime.authenticator, issuer.issue(make_claims(org={"id": stranger})))
        assert error.code is Code.FORBIDDEN
    error = await refuse_bearer(runtime.authenticator, issuer.issue(make_claims(**{"/org/id": "17"})))
    assert error.code is Code.FORBIDDEN


@on_sqlite
async def test_grants_of_one_account_add_up_and_the_first_decides_the_account(
    runtime: Runtime, cast: Cast, issuer: Issuer
) -> None:
    grants = (
        make_grant("Acme", "vehicles:read", groups="fleet"),
        make_grant("Beta", "vehicles:erase", groups="fleet"),
        make_grant("Acme", "vehicles:status", groups="drivers"),
        make_grant("Acme", "vehicles:delete", groups="owners"),
    )
    await runtime.authenticator.access_tokens.use(make_providers(make_provider(*grants)), issuer)
    principal = await runtime.authenticator.authenticate(issuer.issue())
    assert principal.account_id == cast.acme.account.account_id
    assert principal.scopes == {"vehicles:read", "vehicles:status"}


@on_sqlite
async def test_a_token_is_believed_for_a_minute_and_never_beyond_its_end(
    authenticator: Authenticator, issuer: Issuer, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.issue(make_claims(exp=NOW_S + 80))
    tokens: AccessTokens = authenticator.access_tokens
    for seconds, checks in ((0, 1), (59, 1), (61, 2), (108, 2)):
        with monkeypatch.context() as patch:
            let_pass(patch, seconds)
            clock.now = NOON + timedelta(seconds=seconds)
            await authenticator.authenticate(token)
            assert tokens.check_count == checks, seconds
    let_pass(monkeypatch, 111)
    clock.now = NOON + timedelta(seconds=111)
    assert "it expired at" in (await refuse_bearer(authenticator, token)).detail


@on_sqlite
async def test_calls_with_one_new_token_at_the_same_time_check_it_once(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    token = issuer.issue()
    found = await asyncio.gather(*(authenticator.authenticate(token) for _ in range(50)))
    assert {principal.actor for principal in found} == {"t:ci:deploy-bot"}
    assert authenticator.access_tokens.check_count == 1


@on_sqlite
async def test_a_caller_that_hangs_up_does_not_end_the_check_for_the_others(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    token = issuer.issue()
    first, second = (asyncio.create_task(authenticator.authenticate(token)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).actor == "t:ci:deploy-bot"


@on_sqlite
@pytest.mark.parametrize("limits", [FEW_TRIES])
async def test_an_address_that_sends_bad_tokens_is_slowed_down_and_others_are_not(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    known = issuer.issue()
    await authenticator.authenticate(known, "203.0.113.7")
    for number in range(5):
        bad = issuer.issue(make_claims(aud=f"https://{number}.example"))
        assert (await refuse_bearer(authenticator, bad, "203.0.113.7")).code is Code.INVALID_TOKEN
    bad = issuer.issue(make_claims(aud="https://other.example"))
    assert (await refuse_bearer(authenticator, bad, "203.0.113.7")).code is Code.RATE_EXCEEDED
    assert (await authenticator.authenticate(known, "203.0.113.7")).account_id
    assert (await authenticator.authenticate(issuer.issue(make_claims(jti="b")), "203.0.113.8")).account_id


@on_sqlite
@pytest.mark.parametrize("limits", [FEW_TRIES])
async def test_good_tokens_use_up_no_tries_of_their_address(authenticator: Authenticator, issuer: Issuer) -> None:
    for number in range(FEW_TRIES.failed_keys_burst + 5):
        token = issuer.issue(make_claims(jti=str(number)))
        assert (await authenticator.authenticate(token, "203.0.113.7")).account_id


@on_sqlite
async def test_a_new_configuration_forgets_what_was_checked_under_the_former_one(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    token = issuer.issue()
    await authenticator.authenticate(token)
    asked = len(issuer.asked)
    provider = make_provider(make_grant("Acme", "gate:check", groups="fleet"))
    await authenticator.access_tokens.use(make_providers(provider), issuer)
    assert authenticator.believe(digest_token(token)) is None
    assert (await authenticator.authenticate(token)).scopes == {"gate:check"}
    assert len(issuer.asked) == asked  # the keys of an issuer that stays were kept


@on_sqlite
async def test_without_a_provider_a_token_is_refused_as_any_unknown_key_is(runtime: Runtime, issuer: Issuer) -> None:
    error = await refuse_bearer(runtime.authenticator, issuer.issue())
    assert (error.code, error.detail.startswith("The API key is not valid")) == (Code.INVALID_TOKEN, True)


@on_sqlite
@pytest.mark.parametrize(
    "subject, actor",
    [
        ("repo:acme/fleet:ref:refs/heads/main", "t:ci:repo:acme/fleet:ref:refs/heads/main"),
        ("auth0|5f7c", "t:ci:auth0|5f7c"),
        ("=1+1", None),
        ("a b", None), ("a\nb", None), ("ñ", None), ("~a", None), ("\ud800", None), ("s" * 81, None),
    ],
)  # fmt: skip
async def test_the_history_names_the_holder_with_safe_characters(
    authenticator: Authenticator, issuer: Issuer, subject: str, actor: str | None
) -> None:
    found = (await authenticator.authenticate(issuer.issue(make_claims(sub=subject)))).actor
    assert found.isascii()
    assert found.isprintable()
    assert len(found) <= 103
    if actor is None:
        assert found.startswith("t:ci:~")
        assert len(found) == len("t:ci:~") + 32
    else:
        assert found == actor
